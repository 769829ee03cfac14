package jsonschema

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestMessages checks the text of every message, and that the values beside the bad ones pass.
func TestMessages(t *testing.T) {
	tests := []struct {
		name   string
		schema string
		doc    string
		want   string // empty if the document is valid
	}{
		{"type", `{"type":"string"}`, `1`, `wrong type: expected string, got number`},
		{"type, boolean given", `{"type":"string"}`, `true`, `wrong type: expected string, got boolean`},
		{"type, null given", `{"type":"string"}`, `null`, `wrong type: expected string, got userdata`},
		{"type, table given", `{"type":"string"}`, `[]`, `wrong type: expected string, got table`},
		{"type, string given", `{"type":"object"}`, `"x"`, `wrong type: expected object, got string`},
		{"type, array for object", `{"type":"object"}`, `[1]`, `wrong type: expected object, got table`},
		{"type, object for array", `{"type":"array"}`, `{"a":1}`, `wrong type: expected array, got table`},
		{"type, table takes both", `{"type":"table"}`, `[1]`, ``},
		{"type, function is never in JSON", `{"type":"function"}`, `1`, `wrong type: expected function, got number`},
		{"type null", `{"type":"null"}`, `null`, ``},
		{"list of types", `{"type":["string","integer"]}`, `{}`, `wrong type: expected one of string, integer, got table`},
		{"list of types, one fits", `{"type":["string","integer"]}`, `3`, ``},
		{"list of one type", `{"type":["string"]}`, `3`, `wrong type: expected string, got number`},
		{"integer", `{"type":"integer"}`, `1.0`, ``},
		{"large integer", `{"type":"integer"}`, `1e20`, ``},
		{"integer, fraction given", `{"type":"integer"}`, `1.5`, `wrong type: expected integer, got number`},
		{"integer, infinity given", `{"type":"integer"}`, `1e999`, `wrong type: expected integer, got number`},
		{"empty array is an object", `{"type":"object"}`, `[]`, ``},
		{"empty object is an array", `{"type":"array"}`, `{}`, ``},
		{"true", `true`, `1`, ``},
		{"false", `false`, `1`, `expect false always`},
		{"no keyword", `{}`, `null`, ``},
		{"no keyword, as Lua writes it", `[]`, `null`, ``},

		{"property", `{"properties":{"x":{"type":"string"}}}`, `{"x":1}`, `property "x" validation failed: wrong type: expected string, got number`},
		{"property of a property", `{"properties":{"x":{"properties":{"y":{"minimum":1}}}}}`, `{"x":{"y":0}}`,
			`property "x" validation failed: property "y" validation failed: expected 0 to be at least 1`},
		{"property with a quote", `{"properties":{"a\"b\\'":false}}`, `{"a\"b\\'":1}`, `property "a"b\'" validation failed: expect false always`},
		{"properties, no object given", `{"properties":{"x":false},"required":["x"]}`, `"text"`, ``},
		{"properties, array given", `{"required":["x"]}`, `[1]`, ``},
		{"required", `{"required":["x"]}`, `{}`, `property "x" is required`},
		{"required, empty array given", `{"required":["x"]}`, `[]`, `property "x" is required`},
		{"required property", `{"properties":{"x":{}},"required":["x"]}`, `{}`, `property "x" is required`},
		{"required in spite of a default", `{"properties":{"x":{"default":1}},"required":["x"]}`, `{}`, `property "x" is required`},
		{"required, null given", `{"required":["x"]}`, `{"x":null}`, ``},
		{"required, properties first", `{"properties":{"b":{},"c":{}},"required":["a","c","b"]}`, `{}`, `property "b" is required`},
		{"required, in order", `{"required":["b","a"]}`, `{}`, `property "b" is required`},
		{"required is empty", `{"required":[]}`, `{"a":1}`, `the input data should be an empty table`},
		{"required is empty, empty given", `{"required":[]}`, `{}`, ``},
		{"required is empty, no table given", `{"required":[]}`, `1`, `the input data should be an empty table`},
		{"dependency", `{"dependencies":{"x":["y"]}}`, `{"x":1}`, `property "y" is required when "x" is set`},
		{"dependency of a property", `{"properties":{"x":{}},"dependencies":{"x":["y"]}}`, `{"x":1}`, `property "y" is required when "x" is set`},
		{"dependency fulfilled", `{"dependencies":{"x":["y"]}}`, `{"x":1,"y":2}`, ``},
		{"dependency without cause", `{"dependencies":{"x":["y"]}}`, `{"z":1}`, ``},
		{"dependent schema", `{"dependencies":{"x":{"required":["y"]}}}`, `{"x":1}`, `failed to validate dependent schema for "x": property "y" is required`},
		{"dependent schema of a property", `{"properties":{"x":{}},"dependencies":{"x":{"required":["y"]}}}`, `{"x":1}`,
			`failed to validate dependent schema for "x": property "y" is required`},
		{"pattern property", `{"patternProperties":{"^\\d+$":{"type":"string"}}}`, `{"12":1}`,
			`failed to validate 12 (matching "^\d+$"): wrong type: expected string, got number`},
		{"pattern property, no match", `{"patternProperties":{"^x":false}}`, `{"y":1}`, ``},
		{"pattern property counts as known", `{"patternProperties":{"^x":{}},"additionalProperties":false}`, `{"x1":1}`, ``},
		{"additional property beside patterns", `{"patternProperties":{"^x":{}},"additionalProperties":false}`, `{"x1":1,"y":2}`,
			`additional properties forbidden, found y`},
		{"additional property", `{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"c":1,"b":1}`, `additional properties forbidden, found b`},
		{"additional property, array given", `{"additionalProperties":false}`, `[1]`, ``},
		{"additional property allowed", `{"additionalProperties":true}`, `{"a":1}`, ``},
		{"additional property with schema", `{"additionalProperties":{"type":"string"}}`, `{"a":1}`,
			`failed to validate additional property a: wrong type: expected string, got number`},
		{"minProperties", `{"minProperties":1}`, `{}`, `expect object to have at least 1 properties`},
		{"maxProperties", `{"maxProperties":1}`, `{"a":1,"b":1}`, `expect object to have at most 1 properties`},
		{"maxProperties counts defaults", `{"properties":{"b":{"default":1}},"maxProperties":1}`, `{"a":1}`, `expect object to have at most 1 properties`},

		{"minItems", `{"minItems":1}`, `[]`, `expect array to have at least 1 items`},
		{"minItems, empty object given", `{"minItems":1}`, `{}`, `expect array to have at least 1 items`},
		{"maxItems", `{"maxItems":1}`, `[1,2]`, `expect array to have at most 1 items`},
		{"items", `{"items":{"type":"string"}}`, `["a",1]`, `failed to validate item 2: wrong type: expected string, got number`},
		{"items, object given", `{"items":false}`, `{"a":1}`, `expect false always`},
		{"items false", `{"items":false}`, `[1]`, `expect false always`},
		{"items false, empty given", `{"items":false}`, `[]`, ``},
		{"items true ends the checks", `{"items":true,"enum":[1]}`, `2`, ``},
		{"tuple", `{"items":[{"type":"string"},{"type":"number"}]}`, `["a","b"]`, `failed to validate item 2: wrong type: expected number, got string`},
		{"tuple, shorter", `{"items":[{"type":"string"},{"type":"number"}],"additionalItems":false}`, `["a"]`, ``},
		{"tuple, longer", `{"items":[{"type":"string"}]}`, `["a",1]`, ``},
		{"tuple, extra items", `{"items":[{}],"additionalItems":false}`, `[1,2]`, `found unexpected extra items in array`},
		{"tuple, additional items", `{"items":[{}],"additionalItems":{"type":"string"}}`, `[1,"a",2]`,
			`failed to validate additional item 3: wrong type: expected string, got number`},
		{"additional items without a tuple", `{"additionalItems":false}`, `[1]`, ``},
		{"uniqueItems", `{"uniqueItems":true}`, `[1,2,1.0]`, `expected unique items but items 1 and 3 are equal`},
		{"uniqueItems, kinds differ", `{"uniqueItems":true}`, `[1,"1",true,"true",null,"null",[],[1],{"a":1}]`, ``},
		{"uniqueItems, tables", `{"uniqueItems":true}`, `[{"a":[1]},{"b":1},{"a":[1]}]`, `expected unique items but items 1 and 3 are equal`},
		{"uniqueItems, empty tables", `{"uniqueItems":true}`, `[{},[]]`, `expected unique items but items 1 and 2 are equal`},
		{"uniqueItems, scalars first", `{"uniqueItems":true}`, `[[1],[1],"a","a"]`, `expected unique items but items 3 and 4 are equal`},
		{"uniqueItems, earliest pair", `{"uniqueItems":true}`, `[[1],[2],[2],[1]]`, `expected unique items but items 1 and 4 are equal`},
		{"uniqueItems, zeros", `{"uniqueItems":true}`, `[0,-0]`, `expected unique items but items 1 and 2 are equal`},

		{"minLength", `{"minLength":1}`, `""`, `string too short, expected at least 1, got 0`},
		{"maxLength", `{"maxLength":2}`, `"abc"`, `string too long, expected at most 2, got 3`},
		{"length in characters", `{"minLength":3,"maxLength":3}`, `"☺☻☹"`, ``},
		{"length of no string", `{"maxLength":2}`, `[1,2,3]`, ``},
		{"pattern", `{"pattern":"^re$"}`, `"value"`, `failed to match pattern "^re$" with "value"`},
		{"pattern is not anchored", `{"pattern":"b"}`, `"abc"`, ``},
		{"pattern is quoted", `{"pattern":"^\\d+%\"$"}`, `"a\"\\\n\u0001\u00012\u007f"`, "failed to match pattern \"^\\\\d+%\\\"$\" with \"a\\\"\\\\\\\n\\1\\0012\\127\""},
		{"pattern with look-ahead", `{"pattern":"^(?!admin)"}`, `"admins"`, `failed to match pattern "^(?!admin)" with "admins"`},

		{"minimum", `{"minimum":1}`, `0`, `expected 0 to be at least 1`},
		{"minimum itself", `{"minimum":1}`, `1`, ``},
		{"minimum, fraction", `{"minimum":0.5}`, `0.25`, `expected 0.25 to be at least 0.5`},
		{"minimum, string given", `{"minimum":1}`, `"0"`, ``},
		{"exclusiveMinimum", `{"exclusiveMinimum":0}`, `0`, `expected 0 to be greater than 0`},
		{"exclusiveMinimum of draft 4", `{"minimum":0,"exclusiveMinimum":true}`, `0`, `expected 0 to be greater than 0`},
		{"exclusiveMinimum of draft 4, false", `{"minimum":0,"exclusiveMinimum":false}`, `0`, ``},
		{"maximum", `{"maximum":8}`, `9`, `expected 9 to be at most 8`},
		{"exclusiveMaximum", `{"exclusiveMaximum":8}`, `8`, `expected 8 to be smaller than 8`},
		{"exclusiveMaximum of draft 4", `{"maximum":8,"exclusiveMaximum":true}`, `8`, `expected 8 to be smaller than 8`},
		{"multipleOf", `{"multipleOf":2}`, `3`, `expected 3 to be a multiple of 2`},
		{"multipleOf, fraction", `{"multipleOf":0.01}`, `1.13`, ``},
		{"multipleOf, fraction missed", `{"multipleOf":0.01}`, `1.135`, `expected 1.135 to be a multiple of 0.01`},
		{"large numbers", `{"maximum":100000000000000}`, `1e15`, `expected 1e+15 to be at most 1e+14`},

		{"enum", `{"enum":["a",1,true,{"b":[1]},null]}`, `"b"`, `matches none of the enum values`},
		{"enum, number", `{"enum":["a",1]}`, `1.0`, ``},
		{"enum, string is no number", `{"enum":[1]}`, `"1"`, `matches none of the enum values`},
		{"enum, table", `{"enum":[{"b":[1]}]}`, `{"b":[1]}`, ``},
		{"enum, null", `{"enum":[null]}`, `null`, ``},
		{"const", `{"const":{"a":[1,2]}}`, `{"a":[1,3]}`, `failed to check const value`},
		{"const, equal", `{"const":{"a":[1,2]}}`, `{"a":[1,2]}`, ``},
		{"const, more members", `{"const":{"a":1}}`, `{"a":1,"b":1}`, `failed to check const value`},
		{"const, other member", `{"const":{"a":1}}`, `{"b":1}`, `failed to check const value`},
		{"const false", `{"const":false}`, `true`, `failed to check const value`},

		{"allOf", `{"allOf":[{},{"type":"string"}]}`, `1`, `allOf 2 failed: wrong type: expected string, got number`},
		{"anyOf", `{"anyOf":[{"required":["a","uri"]},{"required":["b"]}]}`, `{"c":1}`, `object matches none of the required: ["a","uri"] or ["b"]`},
		{"anyOf without required", `{"anyOf":[{"type":"string"}]}`, `1`, `object matches none of the required`},
		{"anyOf, second", `{"anyOf":[{"type":"string"},{"type":"number"}]}`, `1`, ``},
		{"oneOf, none", `{"oneOf":[{"type":"string"}]}`, `1`, `value should match only one schema, but matches none`},
		{"oneOf, both", `{"oneOf":[{"type":"string"},{"type":"number"},{"minimum":0}]}`, `1`,
			`value should match only one schema, but matches both schemas 2 and 3`},
		{"oneOf, one", `{"oneOf":[{"type":"string"},{"type":"number"}]}`, `1`, ``},
		{"then", `{"if":{"type":"number"},"then":{"minimum":1}}`, `0`, `then clause did not match`},
		{"else", `{"if":{"type":"number"},"else":{"type":"string"}}`, `[]`, `else clause did not match`},
		{"else is not asked", `{"if":{"type":"number"},"else":false}`, `1`, ``},
		{"then false says nothing", `{"if":true,"then":false}`, `1`, ``},
		{"then without if", `{"then":{"type":"string"}}`, `1`, ``},
		{"not", `{"not":{"type":"number"}}`, `1`, `value wasn't supposed to match schema`},
		{"not, no match", `{"not":{"type":"number"}}`, `"x"`, ``},
		{"propertyNames true ends the checks", `{"propertyNames":true,"const":1}`, `{"a":1}`, ``},
		{"propertyNames false", `{"propertyNames":false}`, `{"a":1}`, `expect false always`},
		{"propertyNames false, empty given", `{"propertyNames":false}`, `{}`, ``},

		{"contains", `{"contains":{"type":"string"}}`, `[1,2]`, `failed to check contains`},
		{"contains, found", `{"contains":{"type":"string"}}`, `[1,"a"]`, ``},
		{"contains, empty", `{"contains":{"type":"string"}}`, `[]`, `check contains: empty array is invalid`},
		{"contains, no array given", `{"contains":{"type":"string"}}`, `1`, ``},
		{"contains, object given", `{"contains":{"type":"string"}}`, `{"a":1}`, ``},
		{"contains true", `{"contains":true}`, `[]`, `check contains: expect array table`},
		{"contains false", `{"contains":false}`, `[1]`, `check contains: expect table`},
		{"contains false, no table given", `{"contains":false}`, `1`, ``},

		{"order: type before properties", `{"type":"array","required":["x"]}`, `1`, `wrong type: expected array, got number`},
		{"order: required before additional", `{"required":["x"],"additionalProperties":false}`, `{"y":1}`, `property "x" is required`},
		{"order: length before pattern", `{"pattern":"b","minLength":2}`, `"a"`, `string too short, expected at least 2, got 1`},
		{"order: enum before allOf", `{"allOf":[false],"enum":[1]}`, `2`, `matches none of the enum values`},
		{"order: allOf before anyOf", `{"anyOf":[false],"allOf":[false]}`, `2`, `allOf 1 failed: expect false always`},
		{"order: not before const", `{"const":1,"not":{}}`, `2`, `value wasn't supposed to match schema`},

		{"reference", `{"definitions":{"s":{"type":"string"}},"properties":{"x":{"$ref":"#/definitions/s"}}}`, `{"x":1}`,
			`property "x" validation failed: wrong type: expected string, got number`},
		{"reference to $defs, escaped", `{"$defs":{"a/b~c d":false},"$ref":"#/$defs/a~1b~0c%20d"}`, `1`, `expect false always`},
		{"reference into a list", `{"allOf":[{"$ref":"#/anyOf/1"}],"anyOf":[true,false]}`, `1`, `allOf 1 failed: expect false always`},
		{"reference to itself", `{"properties":{"x":{"$ref":"#"}},"additionalProperties":false}`, `{"x":{"x":{"y":1}}}`,
			`property "x" validation failed: property "x" validation failed: additional properties forbidden, found y`},
		{"reference by identifier", `{"$id":"http://x/y","definitions":{"s":false},"properties":{"x":{"$ref":"http://x/y#/definitions/s"},"y":{"$ref":"http://x/y"}}}`,
			`{"x":1}`, `property "x" validation failed: expect false always`},
		{"reference to a reference", `{"definitions":{"a":{"$ref":"#/definitions/b"},"b":false},"items":{"$ref":"#/definitions/a"}}`, `[1]`,
			`failed to validate item 1: expect false always`},
		{"reference without end", `{"allOf":[{"$ref":"#"}]}`, `1`, `validation takes too many steps`},
		{"reference without end in not", `{"not":{"$ref":"#"}}`, `1`, `validation takes too many steps`},
		{"exponential references", `{"definitions":{"a":{"anyOf":[{"properties":{"x":{"$ref":"#/definitions/a"}},"required":["y"]},{"properties":{"x":{"$ref":"#/definitions/a"}},"required":["z"]}]}},"$ref":"#/definitions/a"}`,
			strings.Repeat(`{"x":`, 60) + "1" + strings.Repeat("}", 60), `validation takes too many steps`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Compile(json.RawMessage(tt.schema))
			if err != nil {
				t.Fatalf("Compile: %v", err)
			}
			got := ""
			if err := s.Validate(json.RawMessage(tt.doc)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		format  string
		valid   []string
		invalid []string
	}{
		{"ipv4", []string{"127.0.0.1"}, []string{"127.0.0.1/8", "1.2.3", "256.0.0.1", "01.2.3.4", "::1", ""}},
		{"ipv6", []string{"::1", "::ffff:1.2.3.4"}, []string{"1.2.3.4", "::g", "[::1]", "fe80::1%eth0"}},
		{"email", []string{"a.b@c.org"}, []string{"a@b", "@b.org", "a@b.o"}},
		{"hostname", []string{"a-b.example"}, []string{"a b", "a_b", ""}},
		{"uuid", []string{"123e4567-e89b-12d3-a456-426614174000"}, []string{"123e4567e89b12d3a456426614174000"}},
		{"date", []string{"2024-02-30"}, []string{"2024-13-01", "2024-1-1"}},
		{"date-time", []string{"2024-02-29T23:59:59Z", "2024-02-29t00:00:00.5+01:00"}, []string{"2024-02-29", "2024-02-29T24:00:00Z"}},
		{"uri", []string{"http://a/b?c", "urn:x"}, []string{"/a/b", "http://a b"}},
		{"unknown", []string{"anything"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			s := MustCompile(json.RawMessage(`{"format":"` + tt.format + `"}`))
			for _, v := range tt.valid {
				if err := s.Check(v); err != nil {
					t.Errorf("%q: got %v, want no error", v, err)
				}
			}
			for _, v := range tt.invalid {
				want := "expect valid " + tt.format + " format but got: " + v
				if err := s.Check(v); err == nil || err.Error() != want {
					t.Errorf("%q: got %v, want %v", v, err, want)
				}
			}
			if err := s.Check(json.Number("1")); err != nil {
				t.Errorf("number: got %v, want no error", err)
			}
		})
	}
}

func TestReferencesPass(t *testing.T) {
	tests := []struct {
		name   string
		schema string
		value  string
		pass   bool
	}{
		{"secret", `{"type":"string","maxLength":3}`, "$secret://vault/1/a", true},
		{"environment", `{"type":"string","enum":["a"]}`, "$env://A", true},
		{"environment in capitals", `{"type":"string","enum":["a"]}`, "$ENV://A", true},
		{"no type", `{"oneOf":[{"const":1}]}`, "$env://A", true},
		{"secret in capitals is none", `{"type":"string","maxLength":3}`, "$SECRET://a", false},
		{"other type", `{"type":"integer"}`, "$env://A", false},
		{"list of types", `{"type":["string","integer"],"maxLength":3}`, "$env://A", false},
		{"not at the start", `{"maxLength":3}`, "x$env://A", false},
		{"false", `false`, "$env://A", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := MustCompile(json.RawMessage(tt.schema)).Check(tt.value)
			if (err == nil) != tt.pass {
				t.Errorf("got %v, want pass %v", err, tt.pass)
			}
		})
	}
}
