package declare_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/declare"
	"github.com/polygate/polygate/sdk"
)

var update = flag.Bool("update", false, "write what is got into the golden files")

// fake is a plugin that is only described.
type fake struct {
	sdk.Plugin
	info sdk.Info
}

func (f fake) Info() sdk.Info { return f.info }

func catalog(t testing.TB) *config.Catalog {
	t.Helper()
	c, err := config.NewCatalog([]sdk.Plugin{
		fake{info: sdk.Info{Name: "limit", Schema: json.RawMessage(`{"type":"object","properties":{
			"count":{"type":"integer","minimum":1},"window":{"type":"integer"},"code":{"type":"integer","minimum":200,"default":503}},
			"required":["count","window"]}`)}},
		fake{info: sdk.Info{
			Name: "key-auth", Schema: json.RawMessage(`{"type":"object","properties":{"header":{"type":"string","default":"apikey"}}}`),
			ConsumerSchema:  json.RawMessage(`{"type":"object","properties":{"key":{"type":"string"}},"required":["key"]}`),
			CredentialField: "key", Auth: true,
		}},
	}, config.CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func env(name string) (string, bool) {
	values := map[string]string{"NODE": "127.0.0.1:80", "LINES": "a\nb"}
	v, ok := values[name]
	return v, ok
}

// load loads a text that is right.
func load(t testing.TB, text string) *declare.Document {
	t.Helper()
	doc, problems := declare.Load([]declare.Source{{Name: "a.yaml", Text: []byte(text)}}, env)
	for _, p := range problems {
		t.Fatal(p)
	}
	return doc
}

// TestCheck compares what is printed about each folder or file in testdata/check with the golden file beside it.
func TestCheck(t *testing.T) {
	cases, err := filepath.Glob("testdata/check/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range cases {
		if strings.HasSuffix(path, ".golden") {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			sources, err := declare.Read([]string{path}, nil)
			if err != nil {
				t.Fatal(err)
			}
			doc, problems := declare.Load(sources, env)
			problems = append(problems, doc.Check(declare.Rules{Catalog: catalog(t), Named: true})...)
			var out bytes.Buffer
			for _, p := range declare.SortProblems(problems) {
				if err := p.Print(&out); err != nil {
					t.Fatal(err)
				}
			}
			golden := path + ".golden"
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRules(t *testing.T) {
	doc := load(t, `routes:
  - uri: /a
    service_id: s
    plugins: {other: {}}
ssls:
  - id: 1
    cert: x
    sni: a.com
`)
	tests := []struct {
		name  string
		rules declare.Rules
		want  []string
	}{
		{"all", declare.Rules{Named: true}, []string{
			`a.yaml:2:5: routes/arr_1: the route has no id; write one, so that it stays the same resource when the file changes`,
			`a.yaml:3:17: routes/arr_1: there is no service "s"`,
			`a.yaml:4:15: routes/arr_1: unknown plugin [other]; it is not part of this gateway, or not listed under plugins in config.yaml`,
			`a.yaml:7:11: ssls/1: property "cert" validation failed: string too short, expected at least 128, got 1`,
		}},
		{"as lenient as possible", declare.Rules{Foreign: true, Keyless: true, Has: func(kind, id string) bool { return kind+id == "servicess" }}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.rules.Catalog = catalog(t)
			var got []string
			for _, p := range doc.Check(tt.rules) {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLoadOrder(t *testing.T) {
	doc := load(t, `consumers:
  - username: jack
    credentials: [{id: c2, plugins: {}}]
  - {id: jack/credentials/c1, plugins: {}}
routes: [{id: 10, uri: /a}, {id: 9, uri: /b}]
secrets: [{id: vault/1}]
plugins: [{name: limit}]
services:
  - id: s
    graphql_cost_decorations: [{id: d, field_path: Query.a}]
upstreams: [{id: "${{NODE}}-x"}]
`)
	var got []string
	for _, it := range doc.Items {
		got = append(got, it.Key)
	}
	want := []string{
		"secrets/vault/1", "upstreams/127.0.0.1:80-x", "services/s", "services/s/graphql_cost_decorations/d", "routes/9", "routes/10",
		"consumers/jack", "consumers/jack/credentials/c1", "consumers/jack/credentials/c2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(doc.Plugins) != 1 {
		t.Errorf("plugins: got %v, want 1", doc.Plugins)
	}
}

// TestKindsAreInOrder holds what the order of changes depends on.
func TestKindsAreInOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range config.Kinds() {
		seen[kind.Name] = true
		for _, ref := range kind.References {
			if !seen[ref.Kind] {
				t.Errorf("%s come before the %s that they refer to", kind.Name, ref.Kind)
			}
		}
		if kind.Parent != "" && !seen[kind.Parent] {
			t.Errorf("%s come before their owners", kind.Name)
		}
	}
}

func TestReadErrors(t *testing.T) {
	tests := []struct{ name, path, want string }{
		{"no file", filepath.Join(t.TempDir(), "x.yaml"), "no such file"},
		{"empty folder", t.TempDir(), "there is no file whose name ends in"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := declare.Read([]string{tt.path}, nil); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
	list, err := declare.Read([]string{"-"}, strings.NewReader("routes: []"))
	if err != nil || len(list) != 1 || string(list[0].Text) != "routes: []" {
		t.Errorf("standard input: got %v, %v", list, err)
	}
}
