package config

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestKinds(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			if seen[k.Name] {
				t.Errorf("there are two kinds of that name")
			}
			if got, ok := KindOf(k.Name); !ok || got != k {
				t.Errorf("KindOf: got %v, %v", got, ok)
			}
			for _, ref := range k.References {
				if !seen[ref.Kind] && ref.Kind != k.Name {
					t.Errorf("reference %s: kind %s does not come before this one", ref.Path, ref.Kind)
				}
			}
			if k.SchemaName != "" && !json.Valid(k.Schema()) {
				t.Errorf("there is no schema %s", k.SchemaName)
			}
			if k.SchemaName == "" && k.Schema() != nil {
				t.Errorf("got schema %s, want none", k.Schema())
			}
			if _, ok := KindOf(k.Parent); ok != (k.Parent != "") {
				t.Errorf("there is no kind %s", k.Parent)
			}
			seen[k.Name] = true
		})
	}
}

func TestKindOfKey(t *testing.T) {
	tests := []struct {
		name, key, kind, id string
	}{
		{"route", "routes/1", "routes", "1"},
		{"credential", "consumers/jack/credentials/1", "credentials", "jack/credentials/1"},
		{"decoration", "services/s/graphql_cost_decorations/d", "graphql_cost_decorations", "s/graphql_cost_decorations/d"},
		{"secret", "secrets/vault/1", "secrets", "vault/1"},
		{"plugins", "plugins", "plugins", ""},
		{"plugins with an id", "plugins/1", "", ""},
		{"plugins, a placeholder", "plugins/", "", ""},
		{"secret without an id", "secrets/vault", "", ""},
		{"secret, three parts", "secrets/vault/1/2", "", ""},
		{"sub resource of another owner", "routes/1/credentials/1", "", ""},
		{"sub resource without an owner", "credentials/1", "", ""},
		{"sub resource of nobody", "consumers//credentials/1", "", ""},
		{"sub resource without an id", "consumers/jack/credentials/", "", ""},
		{"sub resource, one part more", "consumers/jack/credentials/1/2", "", ""},
		{"sub resource that is unknown", "consumers/jack/pets/1", "", ""},
		{"two parts", "routes/a/b", "", ""},
		{"metadata", "plugin_metadata/limit-count", "plugin_metadata", "limit-count"},
		{"no slash", "gen_id", "", ""},
		{"no id", "routes/", "", ""},
		{"no kind", "data_plane/server_info", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, id, ok := KindOfKey(tt.key)
			if ok != (tt.kind != "") {
				t.Fatalf("got %v, want %v", ok, tt.kind != "")
			}
			if !ok {
				return
			}
			if k.Name != tt.kind || id != tt.id {
				t.Errorf("got %s %s, want %s %s", k.Name, id, tt.kind, tt.id)
			}
			parent, own := k.SplitID(id)
			for _, key := range []string{k.Key("", id), k.Key(parent, own)} {
				if key != tt.key {
					t.Errorf("Key: got %s, want %s", key, tt.key)
				}
			}
		})
	}
}

func TestRefers(t *testing.T) {
	split := `{"plugins":{"traffic-split":{"rules":[{"weighted_upstreams":[{"weight":1},{"upstream_id":7}]}]}}}`
	tests := []struct {
		name, kind, value, target, id string
		want                          string // the path
	}{
		{"by text", "routes", `{"upstream_id":"1"}`, "upstreams", "1", "upstream_id"},
		{"by number", "routes", `{"service_id":1}`, "services", "1", "service_id"},
		{"another one", "routes", `{"upstream_id":"2"}`, "upstreams", "1", ""},
		{"another kind", "routes", `{"upstream_id":"1"}`, "services", "1", ""},
		{"in a plugin", "global_rules", split, "upstreams", "7", trafficSplitUpstream},
		{"in a certificate", "services", `{"upstream":{"tls":{"client_cert_id":1}}}`, "ssls", "1", "upstream.tls.client_cert_id"},
		{"not JSON", "routes", `init_dir`, "upstreams", "1", ""},
		{"not an object", "routes", `[1]`, "upstreams", "1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, _ := KindOf(tt.kind)
			ref, ok := k.Refers([]byte(tt.value), tt.target, tt.id)
			if ok != (tt.want != "") || ref.Path != tt.want {
				t.Errorf("got %q, %v, want %q", ref.Path, ok, tt.want)
			}
		})
	}
}

func TestSchemaOf(t *testing.T) {
	for name := range schemaNames() {
		raw, ok := SchemaOf(name)
		if !ok || !json.Valid(raw) {
			t.Errorf("%s: got %s, %v", name, raw, ok)
		}
		if strings.Contains(string(raw), "$ref") {
			t.Errorf("%s has a reference", name)
		}
	}
	if _, ok := SchemaOf("nobody"); ok {
		t.Errorf("got a schema that is not there")
	}
}
