package config

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCheckSubordinate is about resources that belong to others.
func TestCheckSubordinate(t *testing.T) {
	const invalid = "invalid configuration: "
	refs := fakeRefs{
		values: map[string]string{
			"consumer_groups/g": `{}`, "upstreams/1": `{}`, "services/1": `{}`,
			"stream_routes/1": `{"protocol":{"name":"redis"}}`, "stream_routes/2": `{}`, "stream_routes/3": `x`,
		},
		owner: Owner{Username: "rose", CredentialID: "c1"},
	}
	tests := []struct {
		name, kind, id, value string
		want                  string
	}{
		{"group", "consumer_groups", "g", `{"plugins":{"echo":{}}}`, ""},
		{"group without plugins", "consumer_groups", "g", `{}`, invalid + `property "plugins" is required`},
		{"group with an unknown plugin", "consumer_groups", "g", `{"plugins":{"x":{}}}`, "unknown plugin [x]"},
		{"consumer of a group", "consumers", "", `{"username":"jack","group_id":"g"}`, ""},
		{
			"consumer of no group", "consumers", "", `{"username":"jack","group_id":"h"}`,
			"failed to fetch consumer group info by consumer group id [h], response code: 404",
		},

		{"credential", "credentials", "jack/credentials/c1", `{"plugins":{"key-auth":{"key":"a"}}}`, ""},
		{"credential without plugins", "credentials", "jack/credentials/c1", `{"desc":"x"}`, ""},
		{"credential with a bad id", "credentials", "jack/credentials/c 1", `{}`, invalid + `property "id" validation failed: value should match only one schema, but matches none`},
		{
			"two plugins", "credentials", "jack/credentials/c1", `{"plugins":{"key-auth":{"key":"a"},"echo":{}}}`,
			invalid + `property "plugins" validation failed: expect object to have at most 1 properties`,
		},
		{"plugin that is not for authentication", "credentials", "jack/credentials/c1", `{"plugins":{"echo":{}}}`, "only supports auth type plugins in consumer credential"},
		{"unknown plugin", "credentials", "jack/credentials/c1", `{"plugins":{"x":{}}}`, "invalid plugins configuration: unknown plugin [x]"},
		{"credential of somebody else", "credentials", "jack/credentials/c1", `{"plugins":{"key-auth":{"key":"taken"}}}`, "duplicate key of plugin key-auth found with credential: c1 of consumer: rose"},
		{"another credential of the same consumer", "credentials", "rose/credentials/c2", `{"plugins":{"key-auth":{"key":"taken"}}}`, "duplicate key of plugin key-auth found with credential: c1 of consumer: rose"},
		{"the same credential", "credentials", "rose/credentials/c1", `{"plugins":{"key-auth":{"key":"taken"}}}`, ""},
		{"consumer with what its credential has", "consumers", "", `{"username":"rose","plugins":{"key-auth":{"key":"taken"}}}`, ""},

		{"decoration", "graphql_cost_decorations", "s/graphql_cost_decorations/", `{"field_path":"Query.a_1"}`, ""},
		{"decoration of its service", "graphql_cost_decorations", "s/graphql_cost_decorations/1", `{"field_path":"Query","service_id":"s"}`, ""},
		{"decoration of another service", "graphql_cost_decorations", "s/graphql_cost_decorations/1", `{"field_path":"Query","service_id":"t"}`, "wrong service_id, it is taken from the path"},
		{"decoration without a path", "graphql_cost_decorations", "s/graphql_cost_decorations/1", `{}`, invalid + `property "field_path" is required`},
		{"decoration with a negative cost", "graphql_cost_decorations", "s/graphql_cost_decorations/1", `{"field_path":"Q","add_value":-1}`, invalid + `property "add_value" validation failed: expected -1 to be at least 0`},

		{"vault", "secrets", "vault/1", `{"uri":"http://127.0.0.1:8200","prefix":"kv/apisix","token":"t"}`, ""},
		{"vault without a token", "secrets", "vault/1", `{"uri":"http://127.0.0.1:8200","prefix":"kv/apisix"}`, invalid + `property "token" is required`},
		{"vault with a bad uri", "secrets", "vault/1", `{"uri":"127.0.0.1","prefix":"p","token":"t"}`, invalid + `property "uri" validation failed: failed to match pattern "^[^\\/]+:\\/\\/([\\da-zA-Z.-]+|\\[[\\da-fA-F:]+\\])(:\\d+)?" with "127.0.0.1"`},
		{"aws", "secrets", "aws/1", `{"access_key_id":"a","secret_access_key":"b"}`, ""},
		{"gcp", "secrets", "gcp/1", `{"auth_file":"f"}`, ""},
		{"gcp with nothing", "secrets", "gcp/1", `{}`, invalid + "value should match only one schema, but matches none"},
		{"no manager of that name", "secrets", "vault2/1", `{}`, "invalid secret manager: vault2"},
		{"no manager", "secrets", "/1", `{}`, "missing secret type"},
		{"one part", "secrets", "1", `{}`, "invalid secret id: 1"},

		{"stream route", "stream_routes", "9", `{"server_port":1,"remote_addr":"10.0.0.0/8","upstream_id":1,"service_id":"1","protocol":{"name":"redis","superior_id":1}}`, ""},
		{"superior without a protocol", "stream_routes", "9", `{"protocol":{"name":"redis","superior_id":2}}`, ""},
		{"no upstream", "stream_routes", "9", `{"upstream_id":8}`, "failed to fetch upstream info by upstream id [8], response code: 404"},
		{"no service", "stream_routes", "9", `{"service_id":8}`, "failed to fetch service info by service id [8], response code: 404"},
		{"no superior", "stream_routes", "9", `{"protocol":{"name":"redis","superior_id":"8"}}`, "failed to fetch stream routes[8], response code: 404"},
		{"its own superior", "stream_routes", "9", `{"protocol":{"name":"redis","superior_id":"9"}}`, "stream route can not set itself as superior_id"},
		{"superior that is broken", "stream_routes", "9", `{"protocol":{"name":"redis","superior_id":"3"}}`, "failed to decode stream routes[3]: decode JSON: "},
		{
			"superior of another protocol", "stream_routes", "9", `{"protocol":{"name":"dubbo","superior_id":"1"}}`,
			"protocol mismatch: subordinate protocol [dubbo] does not match superior protocol [redis]",
		},
		{"unknown protocol", "stream_routes", "9", `{"protocol":{"name":"x"}}`, "unknown protocol [x]"},
		{"protocol without a name", "stream_routes", "9", `{"protocol":{}}`, invalid + `property "protocol" validation failed: property "name" is required`},
		{"logger without conf", "stream_routes", "9", `{"protocol":{"name":"redis","logger":[{"name":"x"}]}}`, invalid + `property "protocol" validation failed: property "logger" validation failed: failed to validate item 1: property "conf" is required when "name" is set`},
		{"plugin of layer 7", "stream_routes", "9", `{"plugins":{"limit-count":{"count":1}}}`, "unknown plugin [limit-count]"},
		{"plugin that is a number", "stream_routes", "9", `{"plugins":{"x":1}}`, "invalid plugin conf 1 for plugin [x]"},
		{"address that only looks like one", "stream_routes", "9", `{"server_addr":"::1::/64"}`, "invalid server_addr: ::1::/64"},

		{"plugins", "plugins", "", `[{"name":"a"},{"name":"b","stream":true}]`, ""},
		{"plugin without a name", "plugins", "", `[{"stream":true}]`, invalid + `failed to validate item 1: property "name" is required`},
	}
	c := newCatalog(t, CatalogOptions{Protocols: []string{"redis", "dubbo"}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := errText(Check(tt.kind, tt.id, []byte(tt.value), refs, c))
			if got != tt.want && (tt.want == "" || !strings.HasSuffix(tt.want, ": ") || !strings.HasPrefix(got, tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecodeSubordinate(t *testing.T) {
	tests := []struct {
		name, kind, key, value string
		want                   any
	}{
		{
			"group", "consumer_groups", "consumer_groups/g", `{"id":"g","name":"n","plugins":{"echo":{}}}`,
			&ConsumerGroup{Meta: Meta{ID: "g", Name: "n"}, Plugins: Plugins{"echo": json.RawMessage(`{}`)}},
		},
		{
			"consumer", "consumers", "jack", `{"username":"jack","group_id":7}`,
			&Consumer{Meta: Meta{ID: "jack"}, Username: "jack", GroupID: "7"},
		},
		{
			"credential by its key", "credentials", "consumers/jack/credentials/c1", `{"id":"c1","plugins":{"key-auth":{"key":"a"}}}`,
			&Credential{Meta: Meta{ID: "c1"}, Username: "jack", Plugins: Plugins{"key-auth": json.RawMessage(`{"key":"a"}`)}},
		},
		{
			"credential of a file", "credentials", "jack/credentials/c1", `{"id":"jack/credentials/c1"}`,
			&Credential{Meta: Meta{ID: "c1"}, Username: "jack"},
		},
		{
			"decoration", "graphql_cost_decorations", "s/graphql_cost_decorations/d", `{"field_path":"Q","mul_value":2.5,"mul_arguments":["first"]}`,
			&GraphQLCostDecoration{Meta: Meta{ID: "d"}, ServiceID: "s", FieldPath: "Q", AddValue: 1, MulValue: 2.5, MulArguments: []string{"first"}},
		},
		{
			"secret", "secrets", "secrets/aws/1", `{"id":"aws/1","access_key_id":"a","secret_access_key":"b","create_time":5}`,
			&Secret{Meta: Meta{ID: "aws/1", CreateTime: 5}, Manager: "aws", Conf: json.RawMessage(`{"access_key_id":"a","region":"us-east-1","secret_access_key":"b"}`)},
		},
		{"proto", "protos", "1", `{"content":"x"}`, &Proto{Meta: Meta{ID: "1"}, Content: "x"}},
		{
			"stream route", "stream_routes", "1", `{"sni":"A.com","server_port":9100,"protocol":{"name":"redis","superior_id":2,"conf":{"a":1},"logger":[{"name":"l","conf":{}}]}}`,
			&StreamRoute{Meta: Meta{ID: "1"}, SNI: "a.com", ServerPort: 9100, Protocol: &StreamProtocol{
				Name: "redis", SuperiorID: "2", Conf: json.RawMessage(`{"a":1}`), Logger: []StreamLogger{{Name: "l", Conf: json.RawMessage(`{}`)}},
			}},
		},
		{"plugins", "plugins", "plugins", `[{"name":"a"},{"name":"b","stream":true}]`, &PluginList{Plugins: []ListedPlugin{{Name: "a"}, {"b", true}}}},
		{"no plugins", "plugins", "", `{}`, &PluginList{Plugins: []ListedPlugin{}}},
	}
	c := newCatalog(t, CatalogOptions{Protocols: []string{"redis"}})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, warnings, err := Decode(tt.kind, tt.key, []byte(tt.value), c)
			if err != nil || len(warnings) > 0 {
				t.Fatalf("got %v, %v", warnings, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusal(t *testing.T) {
	tests := []struct {
		name, target, user, value, id string
		want                          string
	}{
		{"upstream of a route", "upstreams", "routes", `{"upstream_id":1}`, "r", "can not delete this upstream, route [r] is still using it now"},
		{"upstream of a stream route", "upstreams", "stream_routes", `{"upstream_id":1}`, "r", "can not delete this upstream, stream_route [r] is still using it now"},
		{
			"upstream of a plugin", "upstreams", "global_rules", `{"plugins":{"traffic-split":{"rules":[{"weighted_upstreams":[{"upstream_id":1}]}]}}}`, "g",
			"can not delete this upstream, plugin in global_rules [g] is still using it now",
		},
		{
			"upstream of a group's plugin", "upstreams", "consumer_groups", `{"plugins":{"traffic-split":{"rules":[{"weighted_upstreams":[{"upstream_id":1}]}]}}}`, "g",
			"can not delete this upstream, plugin in consumer_group [g] is still using it now",
		},
		{"service", "services", "stream_routes", `{"service_id":1}`, "r", "can not delete this service directly, stream_route [r] is still using it now"},
		{"plugin config", "plugin_configs", "routes", `{"plugin_config_id":1}`, "r", "can not delete this plugin config, route [r] is still using it now"},
		{"group", "consumer_groups", "consumers", `{"group_id":1}`, "jack", "can not delete this consumer group, consumer [jack] is still using it now"},
		{"proto", "protos", "services", `{"plugins":{"grpc-transcode":{"proto_id":"1"}}}`, "s", "can not delete this proto, service [s] is still using it now"},
		{"stream route", "stream_routes", "stream_routes", `{"protocol":{"superior_id":"1"}}`, "2", "can not delete this stream route directly, stream route [2] is still using it as superior_id"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			target, _ := KindOf(tt.target)
			user, _ := KindOf(tt.user)
			ref, ok := user.Refers([]byte(tt.value), tt.target, "1")
			if !ok {
				t.Fatal("got no reference")
			}
			if got := target.Refusal(user, ref, tt.id); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecodeSecrets(t *testing.T) {
	values := map[string]string{"$ENV://KEY": "k1", "$secret://vault/1/a/b": "$ENV://KEY"}
	lookup := func(ref string) (string, error) {
		if v, ok := values[ref]; ok {
			return v, nil
		}
		return "", errors.New("it is away")
	}
	tests := []struct {
		name, kind, value string
		keyring           Keyring
		want              string // JSON of the plugins, or of the certificate
		warnings          []Warning
		wantErr           string
	}{
		{name: "plugin", kind: "routes", value: `{"uri":"/","plugins":{"echo":{"a":["$ENV://KEY",{"b":"$ENV://KEY"}],"c":1}}}`, want: `{"echo":{"a":["k1",{"b":"k1"}],"c":1}}`},
		{
			name: "plugin without its secret", kind: "routes", value: `{"uri":"/","plugins":{"echo":{"a":"$env://NO"}}}`, want: `{"echo":{"a":"$env://NO"}}`,
			warnings: []Warning{{"echo", "plugin echo of routes/1: $env://NO has no value: it is away; the reference itself is used"}},
		},
		{name: "consumer", kind: "consumers", value: `{"username":"1","plugins":{"key-auth":{"key":"$ENV://KEY"}}}`, want: `{"key-auth":{"key":"k1"}}`},
		{
			name: "consumer without its secret", kind: "consumers", value: `{"username":"1","plugins":{"key-auth":{"key":"$env://NO"},"echo":{"a":"$env://NO"}}}`,
			want: `{"echo":{"a":"$env://NO"}}`,
			warnings: []Warning{
				{"echo", "plugin echo of consumers/1: $env://NO has no value: it is away; the reference itself is used"},
				{"key-auth", "plugin key-auth of consumers/1: $env://NO has no value: it is away; nobody is recognised by it"},
			},
		},
		{
			name: "credential without its secret", kind: "credentials", value: `{"plugins":{"key-auth":{"key":"$secret://x/y/z"}}}`, want: `{}`,
			warnings: []Warning{{"key-auth", "plugin key-auth of consumers/jack/credentials/1: $secret://x/y/z has no value: it is away; nobody is recognised by it"}},
		},
		{
			name: "value that is a reference", kind: "credentials", value: `{"plugins":{"key-auth":{"key":"$secret://vault/1/a/b"}}}`, want: `{}`,
			warnings: []Warning{{"key-auth", "plugin key-auth of consumers/jack/credentials/1: $secret://vault/1/a/b has no value: its value is a reference; nobody is recognised by it"}},
		},
		{name: "encrypted", kind: "consumers", keyring: fakeKeyring{}, value: `{"username":"1","plugins":{"key-auth":{"key":"sealed:abc"}}}`, want: `{"key-auth":{"key":"abc"}}`},
		{name: "encrypted reference", kind: "consumers", keyring: fakeKeyring{}, value: `{"username":"1","plugins":{"key-auth":{"key":"sealed:$ENV://KEY"}}}`, want: `{"key-auth":{"key":"k1"}}`},
		{name: "not encrypted", kind: "consumers", keyring: fakeKeyring{}, value: `{"username":"1","plugins":{"key-auth":{"key":"abc"}}}`, want: `{"key-auth":{"key":"abc"}}`},
		{name: "certificate", kind: "ssls", value: `{"sni":"a","cert":"$ENV://KEY","key":"$ENV://KEY","certs":["$ENV://KEY"],"keys":["$ENV://KEY"],"client":{"ca":"$ENV://KEY"}}`, want: `["k1","k1","k1","k1","k1"]`},
		{name: "certificate without its secret", kind: "ssls", value: `{"sni":"a","cert":"$ENV://KEY","key":"$ENV://NO"}`, wantErr: "ssls/1: $ENV://NO has no value: it is away"},
		{name: "certificate, encrypted", kind: "ssls", keyring: fakeKeyring{}, value: `{"sni":"a","cert":"$ENV://KEY","key":"sealed:` + strings.Repeat("p", 70) + `"}`, want: `["k1","` + strings.Repeat("p", 70) + `"]`},
		{name: "upstream", kind: "upstreams", keyring: fakeKeyring{}, value: `{"nodes":{},"tls":{"client_cert":"$ENV://KEY","client_key":"sealed:` + strings.Repeat("p", 70) + `"}}`, want: `["k1","` + strings.Repeat("p", 70) + `"]`},
		{name: "upstream without its secret", kind: "services", value: `{"upstream":{"nodes":{},"tls":{"client_cert":"$ENV://NO","client_key":"$ENV://KEY"}}}`, wantErr: "services/1: $ENV://NO has no value: it is away"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			key := map[bool]string{true: "jack/credentials/1", false: "1"}[tt.kind == "credentials"]
			c := newCatalog(t, CatalogOptions{Secrets: lookup, Keyring: tt.keyring})
			got, warnings, err := Decode(tt.kind, key, []byte(tt.value), c)
			if errText(err) != tt.wantErr {
				t.Fatalf("got error %v, want %q", err, tt.wantErr)
			}
			if diff := cmp.Diff(tt.warnings, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if err == nil {
				if text := secretsOf(got); text != tt.want {
					t.Errorf("got %s, want %s", text, tt.want)
				}
			}
		})
	}
}

// secretsOf returns as JSON what of a resource may be secret.
func secretsOf(res any) string {
	var v any
	switch r := res.(type) {
	case *Route:
		v = r.Plugins
	case *Consumer:
		v = r.Plugins
	case *Credential:
		v = r.Plugins
	case *Upstream:
		v = []string{r.TLS.ClientCert, r.TLS.ClientKey}
	case *SSL:
		list := append([]string{r.Cert, r.Key}, append(r.Certs, r.Keys...)...)
		if r.Client != nil {
			list = append(list, r.Client.CA)
		}
		v = list
	}
	b, _ := json.Marshal(v)
	return string(b)
}

func TestCatalogReferences(t *testing.T) {
	tests := []struct {
		name, kind, key, value string
		keyring                Keyring
		want                   []string
	}{
		{"plain", "consumers", "jack", `{"plugins":{"key-auth":{"key":"$env://A"}}}`, fakeKeyring{}, []string{"$env://A"}},
		{"encrypted", "consumers", "jack", `{"plugins":{"key-auth":{"key":"sealed:$env://A"},"x":{"y":"$env://B"}}}`, fakeKeyring{}, []string{"$env://B", "$env://A"}},
		{"no keyring", "consumers", "jack", `{"plugins":{"key-auth":{"key":"sealed:$env://A"}}}`, nil, nil},
		{"not JSON", "consumers", "jack", `key-auth`, fakeKeyring{}, nil},
		{"not an object", "consumers", "jack", `["key-auth"]`, fakeKeyring{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCatalog(t, CatalogOptions{Keyring: tt.keyring})
			if diff := cmp.Diff(tt.want, c.References(tt.kind, tt.key, []byte(tt.value))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
