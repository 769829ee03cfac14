package config

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidate(t *testing.T) {
	const invalid = "invalid configuration: "
	stored := fakeRefs{
		values: map[string]string{"upstreams/old": `{}`}, owner: Owner{Username: "rose"}, rules: []string{"9"},
	}
	tests := []struct {
		name, doc string
		opts      ValidateOptions
		want      []string // kind, id, index and error of each problem
	}{
		{name: "nothing", doc: `{}`},
		{name: "other keys", doc: `{"routes_conf_version":[],"credentials":[{"x":1}],"x":[1]}`},
		{
			name: "all is well",
			doc: `{"routes":[{"uri":"/a","upstream":{"nodes":{"127.0.0.1:1980":1}}},{"uri":"/b","upstream_id":"not-here"}],
				"consumers":[{"username":"jack"},{"id":"jack/credentials/c1","plugins":{"key-auth":{"key":"a"}}}],
				"secrets":[{"id":"vault/1","uri":"http://a","prefix":"p","token":"t"}],"plugin_metadata":[{"id":"limit-count"}],
				"global_rules":[{"id":"1","plugins":{"echo":{}}}],"plugins":[{"name":"echo"}]}`,
		},
		{
			name: "one problem of each item",
			doc:  `{"routes":[{"id":"r1","uri":123,"plugins":{"x":{}}},{"uri":"/","plugins":{}},{"id":2,"uri":456}]}`,
			want: []string{
				`routes r1 0: ` + invalid + `property "uri" validation failed: wrong type: expected string, got number`,
				`routes 2 2: ` + invalid + `property "uri" validation failed: wrong type: expected string, got number`,
			},
		},
		{
			name: "the same id twice",
			doc:  `{"routes":[{"id":"r1","uri":"/","plugins":{}},{"id":"r1","uri":"/","plugins":{}}],"services":[{"id":1},{"id":"1"}]}`,
			want: []string{"services 1 1: found duplicate id 1 in services", "routes r1 1: found duplicate id r1 in routes"},
		},
		{
			name: "consumers",
			doc: `{"consumers":[{"username":"jack"},{"username":"jack"},{"id":"jack/credentials/c1"},{"id":"jack/credentials/c1"},
				{"id":"jack/credentials/c2","plugins":{"echo":{}}},{"id":"rose","username":"jack"}]}`,
			want: []string{
				"consumers jack 1: found duplicate username jack in consumers",
				"consumers jack/credentials/c1 3: found duplicate credential id jack/credentials/c1 in consumers",
				"consumers jack/credentials/c2 4: only supports auth type plugins in consumer credential",
				"consumers rose 5: wrong username",
			},
		},
		{
			name: "items that are no objects", doc: `{"routes":[1,"x",null]}`,
			want: []string{
				"routes  0: " + invalid + "wrong type: expected object, got number",
				"routes  1: " + invalid + "wrong type: expected object, got string",
				"routes  2: " + invalid + "wrong type: expected object, got userdata",
			},
		},
		{
			name: "secrets", doc: `{"secrets":[{"id":"1"},{},{"id":"vlt/1"},{"id":"vault/1"}]}`,
			want: []string{
				"secrets 1 0: invalid secret id: 1", "secrets  1: invalid secret id: nil", "secrets vlt/1 2: invalid secret manager: vlt",
				"secrets vault/1 3: " + invalid + `property "prefix" is required`,
			},
		},
		{
			name: "an id that is none", doc: `{"routes":[{"id":{},"uri":"/","plugins":{}}]}`,
			want: []string{"routes  0: " + invalid + `property "id" validation failed: object matches none of the required`},
		},
		{name: "plugins", doc: `{"plugins":[{"name":"a"},{}]}`, want: []string{"plugins  0: " + invalid + `failed to validate item 2: property "name" is required`}},
		{name: "metadata without a plugin", doc: `{"plugin_metadata":[{},{"id":"x"}]}`, want: []string{"plugin_metadata  0: missing plugin name", "plugin_metadata x 1: invalid plugin name"}},
		{
			name: "everything", opts: ValidateOptions{Every: true, References: true},
			doc: `{"routes":[{"id":"1","uri":"/","plugins":{"x":{},"limit-count":{"count":0}},"upstream_id":"u","vars":[["a","=","b"]]}],
				"consumers":[{"username":"jack","plugins":{"x":{},"y":{}}}]}`,
			want: []string{
				"routes 1 0: failed to fetch upstream info by upstream id [u], response code: 404",
				`routes 1 0: failed to check the configuration of plugin limit-count err: property "count" validation failed: expected 0 to be greater than 0`,
				"routes 1 0: unknown plugin [x]",
				"routes 1 0: failed to validate the 'vars' expression: invalid operator '='",
				"consumers jack 0: invalid plugins configuration: unknown plugin [x]",
				"consumers jack 0: invalid plugins configuration: unknown plugin [y]",
			},
		},
		{
			name: "nothing behind the schema", opts: ValidateOptions{Every: true, References: true},
			doc:  `{"routes":[{"id":"1","uri":1,"upstream_id":"u"}]}`,
			want: []string{`routes 1 0: ` + invalid + `property "uri" validation failed: wrong type: expected string, got number`},
		},
		{
			name: "references in the document", opts: ValidateOptions{References: true},
			doc: `{"routes":[{"id":1,"uri":"/","upstream_id":5,"service_id":"s"}],"upstreams":[{"id":"5","nodes":{}}],"services":[{"id":"s"}],
				"stream_routes":[{"id":"1","protocol":{"name":"a","superior_id":"2"}}]}`,
			want: []string{"stream_routes 1 0: failed to fetch stream routes[2], response code: 404"},
		},
		{
			name: "stored references", opts: ValidateOptions{References: true, Stored: stored},
			doc:  `{"routes":[{"id":1,"uri":"/","upstream_id":"old"},{"id":2,"uri":"/","upstream_id":"new"}]}`,
			want: []string{"routes 2 1: failed to fetch upstream info by upstream id [new], response code: 404"},
		},
		{
			name: "credentials in the document", opts: ValidateOptions{References: true},
			doc: `{"consumers":[{"username":"a","plugins":{"key-auth":{"key":"k"}}},{"username":"b","plugins":{"key-auth":{"key":"k"}}},
				{"id":"a/credentials/1","plugins":{"key-auth":{"key":"k"}}},{"id":"a/credentials/2","plugins":{"key-auth":{"key":"l"}}}]}`,
			want: []string{
				"consumers b 1: duplicate key of plugin key-auth found with consumer: a",
				"consumers a/credentials/1 2: duplicate key of plugin key-auth found with consumer: a",
			},
		},
		{
			name: "stored credentials and rules", opts: ValidateOptions{Stored: stored},
			doc: `{"consumers":[{"username":"a","plugins":{"key-auth":{"key":"taken"}}}],"global_rules":[{"id":"1","plugins":{"limit-count":{"count":1}}}],
				"routes":[{"uri":"/","upstream_id":"not-looked-up"}]}`,
			want: []string{
				"consumers a 0: duplicate key of plugin key-auth found with consumer: rose",
				"global_rules 1 0: plugin 'limit-count' already exists in global rule with id '9'",
			},
		},
		{
			name: "stored ones that are replaced", opts: ValidateOptions{Stored: stored},
			doc: `{"consumers":[{"username":"a","plugins":{"key-auth":{"key":"taken"}}},{"username":"rose"}],
				"global_rules":[{"id":"1","plugins":{"limit-count":{"count":1}}},{"id":"9","plugins":{}}]}`,
		},
		{
			name: "rules in the document", opts: ValidateOptions{References: true},
			doc: `{"global_rules":[{"id":"1","plugins":{"echo":{}}},{"id":"2","plugins":{"echo":{}}}]}`,
			want: []string{
				"global_rules 1 0: plugin 'echo' already exists in global rule with id '2'",
				"global_rules 2 1: plugin 'echo' already exists in global rule with id '1'",
			},
		},
		{
			name: "index of a standalone gateway", opts: ValidateOptions{Standalone: true},
			doc:  `{"routes":[{"id":"1","uri":"/","plugins":{},"modifiedIndex":1},{"id":"2","uri":"/","plugins":{},"modifiedIndex":"1"}]}`,
			want: []string{"routes 2 1: " + invalid + `property "modifiedIndex" validation failed: wrong type: expected integer, got string`},
		},
		{
			name: "index of another gateway", doc: `{"routes":[{"id":"1","uri":"/","plugins":{},"modifiedIndex":1}]}`,
			want: []string{"routes 1 0: " + invalid + "additional properties forbidden, found modifiedIndex"},
		},
	}
	c := newCatalog(t, CatalogOptions{Protocols: []string{"a"}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var lists map[string][]json.RawMessage
			if err := json.Unmarshal([]byte(tt.doc), &lists); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range Validate(lists, c, tt.opts) {
				got = append(got, fmt.Sprintf("%s %s %d: %v", p.Kind, p.ID, p.Index, p.Err))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzValidate looks for documents that make the checks panic, with all the questions that there are.
func FuzzValidate(f *testing.F) {
	for _, k := range Kinds() {
		f.Add(k.Name, []byte(`{"id":"vault/1","plugins":{"key-auth":{"key":[]},"traffic-split":{"rules":[{"weighted_upstreams":1}]}},"upstream":[],"tls":1}`))
	}
	f.Add("consumers", []byte(`{"id":"a/credentials/b","plugins":[]}`))
	f.Add("stream_routes", []byte(`{"protocol":{"name":1,"superior_id":2},"remote_addr":"::/0"}`))
	c, err := NewCatalog(fakePlugins(), CatalogOptions{
		Keyring: fakeKeyring{}, Secrets: func(string) (string, error) { return "s", nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind string, value []byte) {
		doc := map[string][]json.RawMessage{kind: {value, value}}
		Validate(doc, c, ValidateOptions{Every: true, References: true, Standalone: true})
		k, ok := KindOf(kind)
		if !ok {
			return
		}
		before := string(value)
		if _, _, err := Decode(kind, "a/"+kind+"/b", value, c); err == nil && k.Identity == ByManager {
			t.Error("decoded a secret of no manager")
		}
		if string(value) != before {
			t.Error("the value was changed")
		}
	})
}
