package jsonschema

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFill(t *testing.T) {
	tests := []struct {
		name   string
		schema string
		doc    string
		want   string
	}{
		{"absent property", `{"properties":{"a":{"default":1},"b":{"default":"<x>"},"c":{"default":false}}}`, `{}`, `{"a":1,"b":"<x>","c":false}`},
		{"present property", `{"properties":{"a":{"default":1}}}`, `{ "a": 2 }`, `{ "a": 2 }`},
		{"null is present", `{"properties":{"a":{"default":1}}}`, `{"a":null}`, `{"a":null}`},
		{"null is no default", `{"properties":{"a":{"default":null}}}`, `{}`, `{}`},
		{"nothing to fill keeps the text", `{"type":"object"}`, ` {"b":1.0,"a":"<"} `, ` {"b":1.0,"a":"<"} `},
		{"numbers keep their text", `{"properties":{"z":{"default":1.50}}}`, `{"a":12345678901234567890,"b":1e2}`,
			`{"a":12345678901234567890,"b":1e2,"z":1.50}`},
		{"nested object", `{"properties":{"a":{"properties":{"b":{"default":1}}}}}`, `{"a":{}}`, `{"a":{"b":1}}`},
		{"absent nested object", `{"properties":{"a":{"properties":{"b":{"default":1}}}}}`, `{}`, `{}`},
		{"absent nested object with a default", `{"properties":{"a":{"default":{},"properties":{"b":{"default":1}}}}}`, `{}`, `{"a":{}}`},
		{"items", `{"items":{"properties":{"a":{"default":[1]}}}}`, `[{},{"a":2}]`, `[{"a":[1]},{"a":2}]`},
		{"tuple", `{"items":[{},{"properties":{"a":{"default":1}}}],"additionalItems":{"properties":{"b":{"default":2}}}}`, `[{},{"x":0},{"x":0}]`,
			`[{},{"a":1,"x":0},{"b":2,"x":0}]`},
		{"pattern and additional properties", `{"patternProperties":{"^p":{"properties":{"a":{"default":1}}}},"additionalProperties":{"properties":{"b":{"default":2}}}}`,
			`{"p":{},"q":{}}`, `{"p":{"a":1},"q":{"b":2}}`},
		{"allOf, anyOf, oneOf", `{"allOf":[{"properties":{"a":{"default":1}}}],"anyOf":[{"properties":{"b":{"default":2}}}],"oneOf":[{"properties":{"c":{"default":3}}}]}`,
			`{}`, `{"a":1,"b":2,"c":3}`},
		{"then", `{"if":{"properties":{"p":{"const":"r"}}},"then":{"properties":{"t":{"default":1}}},"else":{"properties":{"e":{"default":1}}}}`,
			`{"p":"r"}`, `{"p":"r","t":1}`},
		{"else", `{"if":{"properties":{"p":{"const":"r"}}},"then":{"properties":{"t":{"default":1}}},"else":{"properties":{"e":{"default":1}}}}`,
			`{"p":"s"}`, `{"e":1,"p":"s"}`},
		{"dependent schema", `{"dependencies":{"a":{"properties":{"b":{"default":1}}}}}`, `{"a":0}`, `{"a":0,"b":1}`},
		{"through a reference", `{"definitions":{"d":{"properties":{"b":{"default":1}}}},"properties":{"a":{"$ref":"#/definitions/d"}}}`, `{"a":{}}`, `{"a":{"b":1}}`},
		{"empty array becomes an object", `{"properties":{"plugins":{"type":"object"}}}`, `{"plugins":[]}`, `{"plugins":{}}`},
		{"empty object becomes an array", `{"properties":{"hosts":{"type":"array"}}}`, `{"hosts":{}}`, `{"hosts":[]}`},
		{"empty array is filled", `{"properties":{"a":{"default":1}}}`, `[]`, `{"a":1}`},
		{"empty array in an array is filled", `{"items":{"properties":{"a":{"default":1}}}}`, `[[]]`, `[{"a":1}]`},
		{"empty array becomes an object in anyOf", `{"properties":{"x":{"anyOf":[{"type":"string"},{"type":"object"}]}}}`, `{"x":[]}`, `{"x":{}}`},
		{"empty array of no single type stays", `{"properties":{"x":{"type":["object","array"]}}}`, `{"x":[]}`, `{"x":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := MustCompile(json.RawMessage(tt.schema)).Fill(json.RawMessage(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestFillErrors(t *testing.T) {
	s := MustCompile(json.RawMessage(`{"type":"object"}`))
	tests := []struct {
		name string
		doc  string
		want string
	}{
		{"invalid", `1`, "wrong type: expected object, got number"},
		{"empty", ``, "invalid JSON: EOF"},
		{"broken", `{"a"`, "invalid JSON: unexpected EOF"},
		{"two documents", `{} {}`, "invalid JSON: something stands behind the document"},
		{"rubbish behind", `{}x`, "invalid JSON: something stands behind the document"},
		{"too deep", strings.Repeat("[", 101) + strings.Repeat("]", 101), "invalid JSON: nested more than 100 levels deep"},
		{"brackets in a string", `["` + strings.Repeat(`[\"`, 101) + `"]`, "wrong type: expected object, got table"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := s.Fill(json.RawMessage(tt.doc)); err == nil || err.Error() != tt.want {
				t.Errorf("Fill: got %v, want %v", err, tt.want)
			}
			if err := s.Validate(json.RawMessage(tt.doc)); err == nil || err.Error() != tt.want {
				t.Errorf("Validate: got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestDefaultsAreCopied changes a default that was filled in; the schema must not notice.
func TestDefaultsAreCopied(t *testing.T) {
	s := MustCompile(json.RawMessage(`{"properties":{"a":{"default":{"b":[1]}}}}`))
	first := map[string]any{}
	if err := s.Check(first); err != nil {
		t.Fatal(err)
	}
	first["a"].(map[string]any)["b"].([]any)[0] = "changed"
	second := map[string]any{}
	if err := s.Check(second); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": map[string]any{"b": []any{json.Number("1")}}}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second document (-want +got):\n%s", diff)
	}
}

func TestCheckTakesPlainNumbers(t *testing.T) {
	s := MustCompile(json.RawMessage(`{"items":{"type":"integer","maximum":3}}`))
	if err := s.Check([]any{1, int64(2), 3.0}); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if err := s.Check([]any{struct{}{}}); err == nil || err.Error() != "failed to validate item 1: wrong type: expected integer, got userdata" {
		t.Errorf("struct: got %v", err)
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		name   string
		schema string
		want   string
	}{
		{"no JSON", `{`, "decode schema: invalid JSON: unexpected EOF"},
		{"no schema", `1`, "schema at #: a schema is an object or a boolean"},
		{"property is no schema", `{"properties":{"a/b":"string"}}`, "schema at #/properties/a~1b: a schema is an object or a boolean"},
		{"unknown type", `{"items":{"type":"int"}}`, "schema at #/items: invalid JSON type: int"},
		{"type of no text", `{"type":[1]}`, "schema at #: type has an element that is not a string"},
		{"type is a number", `{"type":1}`, "schema at #: type is not an array"},
		{"number is text", `{"minLength":"1"}`, "schema at #: minLength is not a number"},
		{"list is text", `{"required":"a"}`, "schema at #: required is not an array"},
		{"list is an object", `{"allOf":{"a":1}}`, "schema at #: allOf is not an array"},
		{"properties is a list", `{"properties":[1]}`, "schema at #: properties is not an object"},
		{"pattern is a number", `{"pattern":1}`, "schema at #: pattern is not a string"},
		{"pattern is broken", `{"pattern":"("}`, `schema at #: regular expression "(": missing )`},
		{"multipleOf zero", `{"multipleOf":0}`, "schema at #: multipleOf is not greater than 0"},
		{"dependency of numbers", `{"dependencies":{"a":[1]}}`, `schema at #: dependencies of "a" has an element that is not a string`},
		{"reference to nothing", `{"$ref":"#/definitions/x"}`, "schema at #: reference not found: #/definitions/x"},
		{"reference beyond a list", `{"allOf":[{"$ref":"#/allOf/7"}]}`, "schema at #/allOf/0: reference not found: #/allOf/7"},
		{"reference to a name", `{"$ref":"#x"}`, "schema at #: reference not found: #x"},
		{"reference to elsewhere", `{"$ref":"http://x/y"}`, "schema at #: an external resolver is required to fetch http://x/y"},
		{"references in a circle", `{"definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}},"$ref":"#/definitions/a"}`,
			"schema at #: references go round in a circle"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Compile(json.RawMessage(tt.schema)); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestMustCompilePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("got no panic, want one")
		}
	}()
	MustCompile(json.RawMessage(`1`))
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	s := MustCompile(json.RawMessage(routeSchema))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, err := s.Fill(json.RawMessage(routeDoc)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

const (
	routeSchema = `{"type":"object","additionalProperties":false,
		"properties":{
			"id":{"anyOf":[{"type":"string","minLength":1,"maxLength":64,"pattern":"^[a-zA-Z0-9-_.]+$"},{"type":"integer","minimum":1}]},
			"uri":{"type":"string","minLength":1,"maxLength":4096},
			"priority":{"type":"integer","default":0},
			"methods":{"type":"array","items":{"type":"string","enum":["GET","POST","PUT"]},"uniqueItems":true},
			"plugins":{"type":"object"},
			"upstream":{"type":"object","properties":{"type":{"type":"string","default":"roundrobin"},
				"nodes":{"anyOf":[{"type":"object","patternProperties":{".*":{"type":"integer","minimum":0}}},
					{"type":"array","items":{"type":"object","required":["host","weight"]}}]}},
				"oneOf":[{"required":["nodes"]},{"required":["service_name","discovery_type"]}]}},
		"allOf":[{"oneOf":[{"required":["uri"]},{"required":["uris"]}]}]}`
	routeDoc = `{"id":"route-1","uri":"/hello","methods":["GET","PUT"],"plugins":{},"upstream":{"nodes":{"127.0.0.1:1980":1}}}`
)

func FuzzFill(f *testing.F) {
	f.Add(routeSchema, routeDoc)
	f.Add(`{"type":"array","items":[{"type":"string"}],"additionalItems":false,"uniqueItems":true}`, `["a",[],{}]`)
	f.Add(`{"definitions":{"a":{"anyOf":[{"$ref":"#/definitions/a"},{"not":{"$ref":"#"}}]}},"$ref":"#/definitions/a"}`, `{"x":[1,2,{"a":null}]}`)
	f.Add(`{"dependencies":{"a":["b"],"c":{"required":["d"]}},"if":{"required":["a"]},"then":false,"else":{"contains":true}}`, `{"a":1,"b":2,"c":3}`)
	f.Add(`{"format":"ipv6","pattern":"(?=a)","const":null,"propertyNames":false,"multipleOf":0.1}`, `"::1"`)
	f.Fuzz(func(t *testing.T, schema, doc string) {
		s, err := Compile(json.RawMessage(schema))
		if err != nil {
			return
		}
		filled, err := s.Fill(json.RawMessage(doc))
		if err != nil {
			return
		}
		if !json.Valid(filled) {
			t.Errorf("Fill(%s): got %s, which is not JSON", doc, filled)
		}
	})
}

func BenchmarkFill(b *testing.B) {
	s := MustCompile(json.RawMessage(routeSchema))
	b.Run("defaults", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Fill(json.RawMessage(routeDoc)); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("nothing to fill", func(b *testing.B) {
		b.ReportAllocs()
		doc := json.RawMessage(strings.Replace(strings.Replace(routeDoc, `"uri"`, `"priority":1,"uri"`, 1), `"nodes"`, `"type":"chash","nodes"`, 1))
		for b.Loop() {
			if _, err := s.Fill(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("check only", func(b *testing.B) {
		b.ReportAllocs()
		doc, err := decode(json.RawMessage(routeDoc))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if err := s.Check(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
}
