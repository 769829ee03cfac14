package jsonschema

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	oracle "github.com/santhosh-tekuri/jsonschema/v6"
)

// What this package does differently on purpose, because APISIX's validator does, is left out of the schemas and documents here:
//
//   - an empty array passes as an object and an empty object as an array, and "contains" refuses both;
//   - "default" fills documents in, which then have more properties;
//   - an empty list of "required" demands an empty table;
//   - "propertyNames" with a schema does not count, and with a boolean it counts for all types;
//   - "items" and "contains" as booleans count for all types, and nothing behind them is looked at;
//   - "exclusiveMinimum" and "exclusiveMaximum" are numbers, as from draft 6 on;
//   - "if", "then" and "else" that are false count as absent;
//   - references to secrets pass as any text;
//   - the formats are checked by simpler rules, see TestFormats.

// oracleSchemas are written by hand: each keyword alone, and those that bear upon each other.
func oracleSchemas() []string {
	return []string{
		`true`, `false`, `{}`,
		`{"type":"object"}`, `{"type":"array"}`, `{"type":"string"}`, `{"type":"number"}`, `{"type":"integer"}`, `{"type":"boolean"}`, `{"type":"null"}`,
		`{"type":["string","null"]}`, `{"type":["integer","array"]}`,
		`{"enum":[1,"a",null,[1],{"a":1}]}`, `{"const":1}`, `{"const":null}`, `{"const":{"a":[1,2]}}`, `{"const":false}`,
		`{"minimum":2}`, `{"maximum":2}`, `{"exclusiveMinimum":2}`, `{"exclusiveMaximum":2}`, `{"multipleOf":2}`, `{"minimum":-1.5,"maximum":2.5}`,
		`{"minLength":2}`, `{"maxLength":2}`, `{"pattern":"^a"}`, `{"pattern":"b+"}`,
		`{"minItems":2}`, `{"maxItems":2}`, `{"uniqueItems":true}`, `{"uniqueItems":false}`,
		`{"items":{"type":"integer"}}`, `{"items":[{"type":"integer"},{"type":"string"}]}`,
		`{"items":[{"type":"integer"}],"additionalItems":false}`, `{"items":[{}],"additionalItems":{"type":"integer"}}`, `{"additionalItems":false}`,
		`{"contains":{"type":"integer"}}`, `{"contains":{"const":"a"},"minItems":2}`,
		`{"minProperties":2}`, `{"maxProperties":1}`, `{"required":["a"]}`, `{"required":["a","b"]}`,
		`{"properties":{"a":{"type":"integer"},"b":false}}`, `{"properties":{"a":true},"additionalProperties":false}`,
		`{"additionalProperties":{"type":"integer"}}`, `{"patternProperties":{"^a":{"type":"string"}}}`,
		`{"properties":{"a":{}},"patternProperties":{"b":{"minimum":2}},"additionalProperties":{"type":"boolean"}}`,
		`{"dependencies":{"a":["b"]}}`, `{"dependencies":{"a":{"required":["b"]}}}`, `{"dependencies":{"a":false}}`,
		`{"allOf":[{"minimum":1},{"maximum":2}]}`, `{"anyOf":[{"type":"string"},{"minimum":2}]}`, `{"oneOf":[{"type":"integer"},{"minimum":2}]}`,
		`{"oneOf":[{"required":["a"]},{"required":["b"]}]}`, `{"not":{"type":"string"}}`, `{"not":{}}`, `{"not":false}`,
		`{"if":{"type":"integer"},"then":{"minimum":2}}`, `{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"type":"array"}}`,
		`{"if":{"const":1},"else":{"type":"string"}}`,
		`{"definitions":{"n":{"type":"integer"}},"items":{"$ref":"#/definitions/n"}}`,
		`{"properties":{"a":{"$ref":"#"}},"additionalProperties":false}`,
		`{"definitions":{"t":{"type":["object","integer"],"additionalProperties":{"$ref":"#/definitions/t"}}},"$ref":"#/definitions/t"}`,
	}
}

// oracleDocs are documents of all types.
func oracleDocs() []string {
	return []string{
		`null`, `true`, `false`, `0`, `-0.0`, `1`, `1.0`, `2`, `2.5`, `-7`, `1e2`, `"a"`, `"ab"`, `"bbb"`, `"日本語"`, `""`,
		`[1]`, `[1,1.0]`, `[1,"a"]`, `["a",1,null]`, `[true,1]`, `[[1],[1]]`, `[{"a":1},{"a":1.0}]`, `[1,2,3]`,
		`{"a":1}`, `{"a":"x"}`, `{"b":1}`, `{"a":1,"b":2}`, `{"a":{"a":{"a":1}}}`, `{"a":{"b":1}}`, `{"ab":true,"c":false}`, `{"c":null}`, `{"a":[1,2]}`,
	}
}

func TestOracle(t *testing.T) {
	for _, schema := range oracleSchemas() {
		t.Run(schema, func(t *testing.T) {
			for _, doc := range oracleDocs() {
				sameVerdict(t, schema, doc)
			}
		})
	}
}

// FuzzOracle compares the verdicts about schemas and documents that are made up from two numbers.
func FuzzOracle(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed, seed*7919)
	}
	f.Fuzz(func(t *testing.T, a, b uint64) {
		g := generator{rand.New(rand.NewPCG(a, b))}
		schema := encode(t, g.schema(3))
		for range 8 {
			sameVerdict(t, schema, encode(t, g.value(3)))
		}
	})
}

func encode(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func sameVerdict(t *testing.T, schema, doc string) {
	t.Helper()
	ours, err := Compile(json.RawMessage(schema))
	if err != nil {
		t.Fatalf("compile %s: %v", schema, err)
	}
	got := ours.Validate(json.RawMessage(doc))
	want := oracleVerdict(t, schema, doc)
	if (got == nil) != (want == nil) {
		t.Errorf("schema %s, document %s: got %v, want %v", schema, doc, got, want)
	}
}

func oracleVerdict(t *testing.T, schema, doc string) error {
	t.Helper()
	parsed, err := oracle.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := oracle.NewCompiler()
	c.DefaultDraft(oracle.Draft7)
	if err := c.AddResource("schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("the oracle does not compile %s: %v", schema, err)
	}
	v, err := oracle.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(v)
}

// generator makes schemas and documents of a small world, in which many documents fit.
type generator struct {
	*rand.Rand
}

func (g generator) pick(list ...any) any { return list[g.IntN(len(list))] }

func (g generator) name() string { return g.pick("a", "b", "c", "ab").(string) }

// value returns a document without empty tables.
func (g generator) value(depth int) any {
	if depth == 0 || g.IntN(3) == 0 {
		return g.pick(nil, true, false, 0, 1, 2, 3, 1.5, -1, "", "a", "ab", "b", "é")
	}
	if g.IntN(2) == 0 {
		list := make([]any, 1+g.IntN(3))
		for i := range list {
			list[i] = g.value(depth - 1)
		}
		return list
	}
	object := map[string]any{}
	for range 1 + g.IntN(3) {
		object[g.name()] = g.value(depth - 1)
	}
	return object
}

// schema returns a schema of one to three keywords, or a boolean.
func (g generator) schema(depth int) any {
	if g.IntN(12) == 0 {
		return g.IntN(3) > 0
	}
	s := map[string]any{}
	for range 1 + g.IntN(3) {
		switch g.IntN(4) {
		case 0:
			g.scalarKeyword(s)
		case 1:
			g.sizeKeyword(s)
		default:
			if depth > 0 {
				g.nestedKeyword(s, depth-1)
			}
		}
	}
	return s
}

func (g generator) scalarKeyword(s map[string]any) {
	switch g.IntN(6) {
	case 0:
		s["type"] = g.pick("object", "array", "string", "number", "integer", "boolean", "null", []any{"string", "object"}, []any{"integer", "null"})
	case 1:
		s["enum"] = []any{g.value(2)}
	case 2:
		s["const"] = g.value(1)
	case 3:
		s[g.pick("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum").(string)] = g.pick(0, 1, 2, 1.5)
	case 4:
		s["multipleOf"] = g.pick(1, 2, 0.5)
	default:
		s["pattern"] = g.pick("^a", "b$", ".", "^$")
	}
}

func (g generator) sizeKeyword(s map[string]any) {
	switch g.IntN(3) {
	case 0:
		s[g.pick("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties").(string)] = g.IntN(3)
	case 1:
		s["uniqueItems"] = g.IntN(2) == 0
	default:
		s["required"] = []any{g.name()}
	}
}

func (g generator) nestedKeyword(s map[string]any, depth int) {
	switch g.IntN(9) {
	case 0:
		s["properties"] = map[string]any{g.name(): g.schema(depth), g.name(): g.schema(depth)}
	case 1:
		s["additionalProperties"] = g.schema(depth)
	case 2:
		s["patternProperties"] = map[string]any{g.pick("^a", "b").(string): g.schema(depth)}
	case 3:
		s["items"] = g.object(depth)
	case 4:
		s["items"], s["additionalItems"] = []any{g.schema(depth), g.schema(depth)}, g.schema(depth)
	case 5:
		s["contains"] = g.object(depth)
	case 6:
		s[g.pick("allOf", "anyOf", "oneOf").(string)] = []any{g.schema(depth), g.schema(depth)}
	case 7:
		s["if"], s[g.pick("then", "else").(string)] = g.object(depth), g.object(depth)
	default:
		s["not"] = g.schema(depth)
		s["dependencies"] = map[string]any{g.name(): g.pick([]any{g.name()}, g.schema(depth))}
	}
}

// object returns a schema that is not a boolean.
func (g generator) object(depth int) any {
	for {
		if s, ok := g.schema(depth).(map[string]any); ok {
			return s
		}
	}
}
