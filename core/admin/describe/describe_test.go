package describe

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/sdk"
)

type fakePlugin sdk.Info

func (p fakePlugin) Info() sdk.Info { return sdk.Info(p) }

func (p fakePlugin) Configure(context.Context, json.RawMessage) (sdk.Hooks, error) {
	return sdk.Hooks{}, nil
}

func TestRedact(t *testing.T) {
	catalog, err := config.NewCatalog([]sdk.Plugin{
		fakePlugin{Name: "known", SecretFields: []string{"a.b", "list.c", "d"}},
	}, config.CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, kind, in, want string }{
		{"nothing secret", "routes", `{"uri":"/a","plugins":{"known":{"x":1}}}`, `{"uri":"/a","plugins":{"known":{"x":1}}}`},
		{"nested", "routes", `{"plugins":{"known":{"a":{"b":"s","x":1}}}}`, `{"plugins":{"known":{"a":{"b":"***","x":1}}}}`},
		{"in arrays", "routes", `{"plugins":{"known":{"list":[{"c":"s"},{"c":["s",1]}]}}}`, `{"plugins":{"known":{"list":[{"c":"***"},{"c":["***","***"]}]}}}`},
		{"in objects", "routes", `{"plugins":{"known":{"d":{"x":"s","y":{"z":2}}}}}`, `{"plugins":{"known":{"d":{"x":"***","y":{"z":"***"}}}}}`},
		{"unknown plugin", "services", `{"plugins":{"other":{"x":"s"}}}`, `{"plugins":{"other":{}}}`},
		{"plugins of a wrong type", "routes", `{"plugins":"s"}`, `{"plugins":"s"}`},
		{"metadata", "plugin_metadata", `{"id":"known","d":"s","x":1}`, `{"id":"known","d":"***","x":1}`},
		{"metadata of an unknown plugin", "plugin_metadata", `{"id":"other","d":"s","x":1}`, `{"id":"other"}`},
		{"private fields", "ssls", `{"cert":"c","key":"k","keys":["k"]}`, `{"cert":"c"}`},
		{"secret manager", "secrets", `{"uri":"u","token":"s","access_key_id":"s","secret_access_key":"s","session_token":"s","auth_config":{"client_email":"e","private_key":"s"}}`,
			`{"uri":"u","token":"***","access_key_id":"***","secret_access_key":"***","session_token":"***","auth_config":{"client_email":"e","private_key":"***"}}`},
		{"encrypted key of an upstream", "upstreams", `{"tls":{"client_cert":"c","client_key":"s"}}`, `{"tls":{"client_cert":"c","client_key":"***"}}`},
		{"encrypted key of a route", "routes", `{"upstream":{"tls":{"client_key":"s"}}}`, `{"upstream":{"tls":{"client_key":"***"}}}`},
		{"credential", "credentials", `{"plugins":{"known":{"d":"s"}}}`, `{"plugins":{"known":{"d":"***"}}}`},
		{"keys anywhere", "upstreams", `{"tls":{"client_key":"-----BEGIN RSA PRIVATE KEY-----\n"},"l":["-----BEGIN PRIVATE KEY-----"]}`, `{"tls":{"client_key":"***"},"l":["***"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, ok := config.KindOf(tt.kind)
			if !ok {
				t.Fatalf("no kind %s", tt.kind)
			}
			doc, err := document.Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			Redact(catalog, kind, doc)
			if got := string(doc.Bytes()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestSchemas(t *testing.T) {
	got := Schemas()
	for _, name := range []string{
		"consumer", "consumer_group", "global_rule", "graphql_cost_decoration", "plugin_config", "plugins", "proto", "route", "service", "ssl",
		"stream_route", "upstream", "upstream_hash_header_schema", "upstream_hash_vars_schema",
	} {
		if len(got[name]) == 0 {
			t.Errorf("%s: got no schema", name)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("got %v besides", got)
	}
}
