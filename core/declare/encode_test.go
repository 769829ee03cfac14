package declare_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/declare"
)

const encoded = `secrets:
  - id: vault/1
    uri: http://127.0.0.1:8200
ssls:
  # The private key is not shown. Where a gateway has this certificate, its key stays; elsewhere write it here.
  - id: "1"
    cert: |
      -----BEGIN
      x
    snis: []
services:
  - id: s
    name: a service
  - id: s/graphql_cost_decorations/d
    field_path: Query.a
routes:
  - id: "9"
    name: ""
    uri: /a
    plugins: {}
    priority: 1.50
    vars:
      - - a
        - "=="
        - "yes"
      - []
      - {}
      - x: true
        "y": false
  - id: "10"
    desc: "${{POLYGATE_DOLLAR:=$}}{{X}}"
consumers:
  - username: jack
    desc: |-
      two
      lines
  - id: jack/credentials/c1
    plugins: {}
#END
`

func TestEncode(t *testing.T) {
	doc := load(t, encoded)
	if diff := cmp.Diff(encoded, string(declare.Encode(doc.Items))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := string(declare.Encode(nil)); got != "routes: []\n#END\n" {
		t.Errorf("nothing: got %q", got)
	}
}

// FuzzEncode holds that what is written is read back as it was, whatever a gateway has.
func FuzzEncode(f *testing.F) {
	for _, text := range []string{
		"a", "", " a", "a ", "a: b", "a #b", "- a", "yes", "~", "0x10", "1e3", "2024-01-01", "a\nb", "a\n\n", "\na", "a\n b\n", "a\r\nb", "\ta\n\tb", "${{A}}",
		"a\x00b", "\u2028", "\ufeff", "é😀", "'", `"\`, "<<", "*a", "&a", "!a", "%a", "@a", "`a`", "?", "-", ":", "a:", "{", "[a]", "#END", "a\n#END", "...", "---\n---", "null\nnull", "a\n\t\nb", "-\n- a",
		"\u0085", "\u00a0", "\x7f", "/a/*", "a, b", "|\n|",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		name, text = strings.ToValidUTF8(name, "?"), strings.ToValidUTF8(text, "?")
		if len(name) > 200 || name == "<<" {
			return // a key of YAML may have 1024 characters, escapes included; "<<" means something else
		}
		value := map[string]any{
			name: text, "list": []any{text, []any{text, map[string]any{name: text}}, map[string]any{name: []any{}, "z": text}, json.Number("1.0")},
			"object": map[string]any{name: map[string]any{name: text}},
		}
		for _, own := range []string{"id", "create_time", "update_time"} {
			delete(value, own)
		}
		it, ok := declare.NewItem("routes/1", value)
		if !ok {
			t.Fatal("routes/1 is no key")
		}
		written := declare.Encode([]declare.Item{it})
		doc, problems := declare.Load([]declare.Source{{Name: "a.yaml", Text: written}}, func(string) (string, bool) { return "", false })
		if len(problems) > 0 || len(doc.Items) != 1 {
			t.Fatalf("got %d items and %v from\n%s", len(doc.Items), problems, written)
		}
		if diff := cmp.Diff(value, doc.Items[0].Value); diff != "" {
			t.Errorf("-want +got:\n%s\nfrom\n%s", diff, written)
		}
	})
}

// FuzzLoad holds that positions are within the file, whatever is in it.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		"routes:\n  - id: 1\n    uri: /a\n", "routes: [{id: 1, <<: &a {b: *a}}]", "routes: [&x {id: ${{A:=1}}}]\nservices: [*x]", "\tx", "a: b: c",
		"routes:\n- {id: 1, \"uri\": 5}", "consumers: [{username: a, credentials: [5, {id: b}]}]", "\xef\xbb\xbfroutes: 5",
	} {
		f.Add(text, false)
		f.Add(text, true)
	}
	catalog := catalog(f)
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		name := "a.yaml"
		if isJSON {
			name = "a.json"
		}
		doc, problems := declare.Load([]declare.Source{{Name: name, Text: []byte(text)}}, env)
		problems = append(problems, doc.Check(declare.Rules{Catalog: catalog})...)
		for _, p := range problems {
			if p.Line < 0 || p.Line > strings.Count(text, "\n")+2 {
				t.Errorf("%v: the line is not in the file", p)
			}
			var out strings.Builder
			if err := p.Print(&out); err != nil {
				t.Error(err)
			}
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	doc := load(b, "upstreams: [{id: u, type: roundrobin, nodes: {a: 1}}]\nroutes: [{id: 1, uri: /a, upstream_id: u, plugins: {limit: {count: 1, window: 60}}}]")
	rules := declare.Rules{Catalog: catalog(b)}
	for b.Loop() {
		if problems := doc.Check(rules); problems != nil {
			b.Fatal(problems)
		}
	}
}
