package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// fakeRefs are the resources that are stored.
type fakeRefs struct {
	values map[string]string // by key, for example "ssls/1"
	owner  Owner
	rules  []string
	err    error
}

func (r fakeRefs) Exists(kind, id string) (bool, error) {
	_, ok := r.values[kind+"/"+id]
	return ok, r.err
}

func (r fakeRefs) Value(kind, id string) (json.RawMessage, error) {
	return json.RawMessage(r.values[kind+"/"+id]), r.err
}

func (r fakeRefs) CredentialOwner(plugin, credential string) (Owner, error) {
	if plugin != "key-auth" || credential != "taken" {
		return Owner{}, r.err
	}
	return r.owner, r.err
}

func (r fakeRefs) GlobalRules(plugin string) ([]string, error) {
	if plugin != "limit-count" {
		return nil, r.err
	}
	return r.rules, r.err
}

func TestCheck(t *testing.T) {
	refs := fakeRefs{values: map[string]string{
		"upstreams/1": `{}`, "services/1": `{}`, "plugin_configs/1": `{}`,
		"ssls/1": `{"type":"client"}`, "ssls/2": `{"type":"server"}`,
	}}
	pair := testPair(t)
	const (
		badID   = `invalid configuration: property "id" validation failed: object matches none of the required`
		invalid = `invalid configuration: `
	)
	tests := []struct {
		name, kind, id, value string
		want                  string
	}{
		{"route", "routes", "1", `{"uri":"/","upstream":{"nodes":{"127.0.0.1:80":1}}}`, ""},
		{"route that gets its id", "routes", "", `{"uri":"/","upstream_id":"1"}`, ""},
		{"route with a number for an id", "routes", "7", `{"id":7,"uri":"/","plugins":{}}`, ""},
		{"priority that is too large", "routes", "1", `{"uri":"/","plugins":{},"priority":1e300}`, invalid + `priority: 1e300 is out of the range of integers`},
		{"weight that is too large", "upstreams", "1", `{"nodes":[{"host":"a","port":1,"weight":1e18}]}`,
			invalid + `nodes: node 1: the weight is not a whole number from 0 to 1099511627776`},
		{"bad id in the path", "routes", "a b", `{"uri":"/","plugins":{}}`, badID},
		{"negative id", "upstreams", "-100", `{"id":-100,"nodes":{}}`, badID},
		{"id with a bad character", "upstreams", "i$", `{"id":"i$","nodes":{}}`, badID},
		{"no kind", "x", "1", `{}`, "Unsupported resource type: x"},
		{"null", "routes", "1", `null`, "missing configurations"},
		{"a string", "routes", "1", `"x"`, invalid + "wrong type: expected object, got string"},
		{"two values", "routes", "1", `{} {}`, "decode JSON: there is more than one value"},
		{"an empty array", "routes", "1", `[]`, invalid + "allOf 1 failed: value should match only one schema, but matches none"},
		{
			"uri alone", "routes", "1", `{"uri":"/"}`,
			invalid + `object matches none of the required: ["plugins","uri"] or ["upstream","uri"] or ["upstream_id","uri"]` +
				` or ["service_id","uri"] or ["plugins","uris"] or ["upstream","uris"] or ["upstream_id","uris"]` +
				` or ["service_id","uris"] or ["script","uri"] or ["script","uris"]`,
		},
		{"host and hosts", "routes", "1", `{"uri":"/","plugins":{},"host":"a","hosts":["b"]}`, "only one of host or hosts is allowed"},
		{
			"remote_addr and remote_addrs", "routes", "1", `{"uri":"/","plugins":{},"remote_addr":"127.0.0.1","remote_addrs":["127.0.0.1"]}`,
			"only one of remote_addr or remote_addrs is allowed",
		},
		{"uri and uris", "routes", "1", `{"uri":"/","uris":["/"],"plugins":{}}`, invalid + "allOf 1 failed: value should match only one schema, but matches both schemas 1 and 2"},
		{"script and plugins", "routes", "1", `{"uri":"/","plugins":{},"script":"return {} --"}`, invalid + "value wasn't supposed to match schema"},
		{"unknown property", "routes", "1", `{"uri":"/","plugins":{},"x":1}`, invalid + "additional properties forbidden, found x"},
		{"names have a case", "routes", "1", `{"uri":"/","plugins":{},"URI":"/b"}`, invalid + "additional properties forbidden, found URI"},
		{"bad method", "routes", "1", `{"uri":"/","plugins":{},"methods":["GETT"]}`, invalid + `property "methods" validation failed: failed to validate item 1: matches none of the enum values`},
		{"empty uri", "routes", "1", `{"uri":"","plugins":{}}`, invalid + `property "uri" validation failed: string too short, expected at least 1, got 0`},
		{"no uris", "routes", "1", `{"uris":[],"plugins":{}}`, invalid + `property "uris" validation failed: expect array to have at least 1 items`},
		{"same uris", "routes", "1", `{"uris":["/","/"],"plugins":{}}`, invalid + `property "uris" validation failed: expected unique items but items 1 and 2 are equal`},
		{"bad remote_addr", "routes", "1", `{"uri":"/","plugins":{},"remote_addr":"127.0.0.256"}`, invalid + `property "remote_addr" validation failed: object matches none of the required`},
		{"status", "routes", "1", `{"uri":"/","plugins":{},"status":2}`, invalid + `property "status" validation failed: matches none of the enum values`},
		{"filter_func", "routes", "1", `{"uri":"/","plugins":{},"filter_func":"f() end end"}`, invalid + `property "filter_func" validation failed: failed to match pattern "^function" with "f() end end"`},
		{"timeout", "routes", "1", `{"uri":"/","plugins":{},"timeout":{"connect":1,"send":1}}`, invalid + `property "timeout" validation failed: property "read" is required`},
		{"timeout 0", "routes", "1", `{"uri":"/","plugins":{},"timeout":{"connect":0,"send":1,"read":1}}`, invalid + `property "timeout" validation failed: property "connect" validation failed: expected 0 to be greater than 0`},
		{"label", "routes", "1", `{"uri":"/","plugins":{},"labels":{"a":"b c"}}`, invalid + `property "labels" validation failed: failed to validate a (matching ".*"): failed to match pattern "^\\S+$" with "b c"`},
		{"null is not absent", "routes", "1", `{"uri":"/","plugins":null}`, invalid + `property "plugins" validation failed: wrong type: expected object, got userdata`},

		{"vars", "routes", "1", `{"uri":"/","plugins":{},"vars":[["arg_a","==","b"]]}`, ""},
		{"empty vars", "routes", "1", `{"uri":"/","plugins":{},"vars":[]}`, ""},
		{"bad vars", "routes", "1", `{"uri":"/","plugins":{},"vars":[["arg_a","=","b"]]}`, "failed to validate the 'vars' expression: invalid operator '='"},

		{"vars of the body", "routes", "1", `{"uri":"/","plugins":{},"vars":[["post_arg.messages[*].type","has","x"],["OR",["post_arg.a","==",1],["arg_b","==",2]]]}`, ""},
		{
			"bad path into the body", "routes", "1", `{"uri":"/","plugins":{},"vars":[["!AND",["arg_b","==",2],["post_arg.messages[.content[*].type","has","x"]]]}`,
			"failed to validate the 'vars' expression: invalid expression: jsonpath \"$.messages[.content[*].type\": parse error at 12 in $.messages[.content[*].type",
		},

		{"upstream_id", "routes", "1", `{"uri":"/","upstream_id":9}`, "failed to fetch upstream info by upstream id [9], response code: 404"},
		{"upstream_id that is there", "routes", "1", `{"uri":"/","upstream_id":1}`, ""},
		{"service_id", "routes", "1", `{"uri":"/","service_id":"x"}`, "failed to fetch service info by service id [x], response code: 404"},
		{"plugin_config_id", "routes", "1", `{"uri":"/","plugin_config_id":"not_found","plugins":{}}`, "failed to fetch plugin config info by plugin config id [not_found], response code: 404"},
		{"all references", "routes", "1", `{"uri":"/","plugin_config_id":"1","upstream_id":"1","service_id":"1"}`, ""},
		{"upstream_id of a service", "services", "1", `{"upstream_id":"9999999999"}`, "failed to fetch upstream info by upstream id [9999999999], response code: 404"},
		{"client_cert_id", "upstreams", "1", `{"nodes":{},"tls":{"client_cert_id":9}}`, "failed to fetch ssl info by ssl id [9], response code: 404"},
		{"client_cert_id of a server", "upstreams", "1", `{"nodes":{},"tls":{"client_cert_id":2}}`, "failed to fetch ssl info by ssl id [2], wrong ssl type"},
		{"client_cert_id of a client", "upstreams", "1", `{"nodes":{},"tls":{"client_cert_id":1}}`, ""},
		{"client_cert_id inline", "routes", "1", `{"uri":"/","upstream":{"nodes":{},"tls":{"client_cert_id":2}}}`, "failed to fetch ssl info by ssl id [2], wrong ssl type"},

		{"unknown plugin", "routes", "1", `{"uri":"/","plugins":{"mqttt-proxy":{}}}`, "unknown plugin [mqttt-proxy]"},
		{"bad plugin", "services", "1", `{"plugins":{"limit-count":{"count":-1}}}`, `failed to check the configuration of plugin limit-count err: property "count" validation failed: expected -1 to be greater than 0`},
		{"plugin is no object", "services", "1", `{"plugins":{"limit-count":1}}`, `invalid plugin conf 1 for plugin [limit-count]`},
		{"the first by name", "services", "1", `{"plugins":{"x":{},"limit-count":{}}}`, `failed to check the configuration of plugin limit-count err: property "count" is required`},
		{"plugin_config", "plugin_configs", "1", `{"plugins":{"limit-count":{"count":1}}}`, ""},
		{"plugin_config without plugins", "plugin_configs", "1", `{}`, invalid + `property "plugins" is required`},
		{"plugin_config without an id", "plugin_configs", "", `{"plugins":{}}`, invalid + `property "id" is required`},
		{"global rule", "global_rules", "1", `{"plugins":{"echo":{}}}`, ""},
		{"global rule with a name", "global_rules", "1", `{"plugins":{},"name":"x"}`, invalid + "additional properties forbidden, found name"},

		{"no nodes", "upstreams", "1", `{}`, invalid + "value should match only one schema, but matches none"},
		{"nodes and discovery", "upstreams", "1", `{"nodes":{},"service_name":"a","discovery_type":"dns"}`, invalid + "value should match only one schema, but matches both schemas 1 and 2"},
		{"discovery", "upstreams", "1", `{"service_name":"a","discovery_type":"dns"}`, ""},
		{"nodes are neither", "upstreams", "1", `{"nodes":[{"host":"a"}]}`, invalid + `property "nodes" validation failed: object matches none of the required`},
		{"negative weight", "upstreams", "1", `{"nodes":{"a:80":-1}}`, invalid + `property "nodes" validation failed: object matches none of the required`},
		{"bare IPv6", "upstreams", "1", `{"nodes":[{"host":"::1","port":80,"weight":1}]}`, invalid + `IPv6 address must be enclosed with '[' and ']'`},
		{"bare IPv6 inline", "routes", "1", `{"uri":"/","upstream":{"nodes":[{"host":"::1","port":80,"weight":1}]}}`, invalid + `IPv6 address must be enclosed with '[' and ']'`},
		{"IPv6", "upstreams", "1", `{"nodes":[{"host":"[::1]","port":80,"weight":1}]}`, ""},
		{"port too large", "upstreams", "1", `{"nodes":{"127.0.0.1:65536":1}}`, "invalid port 65536"},
		{"port 0", "services", "1", `{"upstream":{"nodes":{"127.0.0.1:0":1}}}`, "invalid port 0"},
		{"rewrite without a host", "upstreams", "1", `{"nodes":{},"pass_host":"rewrite"}`, "`upstream_host` can't be empty when `pass_host` is `rewrite`"},
		{"rewrite", "upstreams", "1", `{"nodes":{},"pass_host":"rewrite","upstream_host":"a.com"}`, ""},
		{"chash without a key", "upstreams", "1", `{"nodes":{},"type":"chash"}`, "missing key"},
		{"chash", "upstreams", "1", `{"nodes":{},"type":"chash","key":"remote_addr"}`, ""},
		{"chash by an argument", "upstreams", "1", `{"nodes":{},"type":"chash","key":"arg_device_id"}`, ""},
		{"chash by consumer", "upstreams", "1", `{"nodes":{},"type":"chash","hash_on":"consumer"}`, ""},
		{"chash by combination", "upstreams", "1", `{"nodes":{},"type":"chash","hash_on":"vars_combinations","key":"$host$uri"}`, ""},
		{"chash by a bad header", "upstreams", "1", `{"nodes":{},"type":"chash","hash_on":"header","key":"a b"}`, invalid + `failed to match pattern "^[a-zA-Z0-9-_]+$" with "a b"`},
		{
			"chash by a bad variable", "upstreams", "1", `{"nodes":{},"type":"chash","key":"not_support"}`,
			invalid + `failed to match pattern "^((uri|server_name|server_addr|request_uri|remote_port|remote_addr|query_string|host|hostname|mqtt_client_id)|arg_[0-9a-zA-z_-]+)$" with "not_support"`,
		},
		{"hash_on", "upstreams", "1", `{"nodes":{},"hash_on":"aabbcc"}`, invalid + `property "hash_on" validation failed: matches none of the enum values`},
		{"passive checks alone", "upstreams", "1", `{"nodes":{},"checks":{"passive":{}}}`, invalid + `property "checks" validation failed: object matches none of the required: ["active"] or ["active","passive"]`},
		{"active checks", "upstreams", "1", `{"nodes":{},"checks":{"active":{"http_path":"/s"},"passive":{}}}`, ""},
		{"retries", "upstreams", "1", `{"nodes":{},"retries":-1}`, invalid + `property "retries" validation failed: expected -1 to be at least 0`},
		{"keepalive pool", "upstreams", "1", `{"nodes":{},"keepalive_pool":{"size":0}}`, invalid + `property "keepalive_pool" validation failed: property "size" validation failed: expected 0 to be at least 1`},
		{"client_cert alone", "upstreams", "1", `{"nodes":{},"tls":{"client_cert":` + pair.cert + `}}`, invalid + `property "tls" validation failed: failed to validate dependent schema for "client_cert": property "client_key" is required`},
		{"client_cert", "upstreams", "1", `{"nodes":{},"tls":{"client_cert":` + pair.cert + `,"client_key":` + pair.key + `}}`, ""},
		{"client_cert is nonsense", "upstreams", "1", `{"nodes":{},"tls":{"client_cert":` + nonsense(128) + `,"client_key":` + pair.key + `}}`, "failed to parse cert: PEM_read_bio_X509_AUX() failed"},

		{"consumer", "consumers", "jack", `{"username":"jack","plugins":{"key-auth":{"key":"free"}}}`, ""},
		{"consumer without a name in the path", "consumers", "", `{"username":"jack"}`, ""},
		{"consumer by another name", "consumers", "john", `{"username":"jack"}`, "wrong username"},
		{"consumer without a name", "consumers", "jack", `{}`, invalid + `property "username" is required`},
		{"consumer with a bad name", "consumers", "", `{"username":"a.b"}`, invalid + `property "username" validation failed: failed to match pattern "^[a-zA-Z0-9_\\-]+$" with "a.b"`},
		{"consumer's plugin", "consumers", "", `{"username":"jack","plugins":{"key-auth":{}}}`, `invalid plugins configuration: failed to check the configuration of plugin key-auth err: property "key" is required`},
		{"consumer's unknown plugin", "consumers", "", `{"username":"jack","plugins":{"x":{}}}`, `invalid plugins configuration: unknown plugin [x]`},

		{"ssl", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":` + pair.key + `}`, ""},
		{"ssl without a name", "ssls", "1", `{"cert":` + pair.cert + `,"key":` + pair.key + `}`, invalid + "then clause did not match"},
		{"ssl of a client", "ssls", "1", `{"type":"client","cert":` + pair.cert + `,"key":` + pair.key + `}`, ""},
		{"ssl of a client without a key", "ssls", "1", `{"type":"client","cert":` + pair.cert + `}`, invalid + "else clause did not match"},
		{"ssl with a nonsense key", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":"---` + strings.Repeat("x", 64) + `"}`, "failed to parse key: PEM_read_bio_PrivateKey() failed"},
		{"ssl with an encrypted key", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":` + nonsense(64) + `}`, "failed to decrypt previous encrypted key"},
		{"ssl with secrets", "ssls", "1", `{"sni":"a.com","cert":"$secret://vault/1/a/cert","key":"$env://KEY"}`, ""},
		{"ssl with a short certificate", "ssls", "1", `{"sni":"a.com","cert":"x","key":` + pair.key + `}`, invalid + `property "cert" validation failed: string too short, expected at least 128, got 1`},
		{"ssl without its second key", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":` + pair.key + `,"certs":[` + pair.cert + `]}`, "mismatched number of certs and keys"},
		{"ssl with a second pair", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":` + pair.key + `,"certs":[` + pair.cert + `],"keys":[` + pair.key + `]}`, ""},
		{"ssl with a bad second pair", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":` + pair.key + `,"certs":[` + nonsense(128) + `],"keys":[` + pair.key + `]}`, "failed to handle cert-key pair[1]: failed to parse cert: PEM_read_bio_X509_AUX() failed"},
		{"ssl with a bad ca", "ssls", "1", `{"sni":"a.com","cert":` + pair.cert + `,"key":` + pair.key + `,"client":{"ca":` + nonsense(128) + `}}`, "failed to validate client_cert: failed to parse cert: PEM_read_bio_X509_AUX() failed"},

		{"metadata", "plugin_metadata", "limit-count", `{"limit_header":"x"}`, ""},
		{"metadata of nobody", "plugin_metadata", "", `{}`, "missing plugin name"},
		{"metadata of an unknown plugin", "plugin_metadata", "x", `{}`, "invalid plugin name"},
		{"bad metadata", "plugin_metadata", "limit-count", `{"limit_header":1}`, invalid + `property "limit_header" validation failed: wrong type: expected string, got number`},
	}
	c := newCatalog(t, CatalogOptions{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := []byte(tt.value)
			if got := errText(Check(tt.kind, tt.id, value, refs, c)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if !bytes.Equal(value, []byte(tt.value)) {
				t.Errorf("Check has changed the value to %s", value)
			}
		})
	}
}

func TestCheckOthers(t *testing.T) {
	jack := `{"username":"jack","plugins":{"key-auth":{"key":"taken"}}}`
	rule := `{"plugins":{"limit-count":{"count":1}}}`
	broken := fakeRefs{err: errors.New("store is away"), values: map[string]string{"upstreams/1": ""}}
	tests := []struct {
		name, kind, id, value string
		refs                  RefLookup
		want                  string
	}{
		{"own key", "consumers", "jack", jack, fakeRefs{owner: Owner{Username: "jack"}}, ""},
		{"own credential", "consumers", "jack", jack, fakeRefs{owner: Owner{Username: "jack", CredentialID: "1"}}, ""},
		{"key of another", "consumers", "jack", jack, fakeRefs{owner: Owner{Username: "john"}}, "duplicate key of plugin key-auth found with consumer: john"},
		{
			"credential of another", "consumers", "jack", jack, fakeRefs{owner: Owner{Username: "john", CredentialID: "c1"}},
			"duplicate key of plugin key-auth found with credential: c1 of consumer: john",
		},
		{"own global rule", "global_rules", "1", rule, fakeRefs{rules: []string{"1"}}, ""},
		{"another global rule", "global_rules", "1", rule, fakeRefs{rules: []string{"1", "2"}}, "plugin 'limit-count' already exists in global rule with id '2'"},
		{"reference, store away", "routes", "1", `{"uri":"/","upstream_id":"1"}`, broken, "failed to fetch upstream info by upstream id [1]: store is away"},
		{"credential, store away", "consumers", "", jack, broken, "look for other consumers with the credential of plugin key-auth: store is away"},
		{"global rule, store away", "global_rules", "1", rule, broken, "look for other global rules with plugin limit-count: store is away"},
		{"no questions: reference", "routes", "1", `{"uri":"/","upstream_id":"1"}`, nil, ""},
		{"no questions: consumer", "consumers", "jack", jack, nil, ""},
		{"no questions: global rule", "global_rules", "1", rule, nil, ""},
	}
	c := newCatalog(t, CatalogOptions{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := errText(Check(tt.kind, tt.id, []byte(tt.value), tt.refs, c)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDecryptKey(t *testing.T) {
	pair := testPair(t)
	var key string
	if err := json.Unmarshal([]byte(pair.key), &key); err != nil {
		t.Fatal(err)
	}
	c := newCatalog(t, CatalogOptions{Keyring: fakeKeyring{plain: key}})
	tests := []struct {
		name, key, want string
	}{
		{"decrypted", `"` + sealed(key) + `"`, ""},
		{"not decrypted", `"` + strings.Repeat("y", 64) + `"`, "failed to decrypt previous encrypted key"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := `{"sni":"a.com","cert":` + pair.cert + `,"key":` + tt.key + `}`
			if got := errText(Check("ssls", "1", []byte(value), nil, c)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestResolveID(t *testing.T) {
	tests := []struct {
		name, kind, path, value string
		needed                  bool
		want, err               string
	}{
		{"path", "routes", "1", `{}`, true, "1", ""},
		{"property", "routes", "", `{"id":"a"}`, true, "a", ""},
		{"property is a number", "routes", "", `{"id":5}`, true, "5", ""},
		{"both", "routes", "3", `{"id":3}`, true, "3", ""},
		{"both, not the same", "routes", "1", `{"id":3}`, true, "", "wrong route id"},
		{"neither", "global_rules", "", `{}`, true, "", "missing global rule id"},
		{"false is none", "plugin_configs", "", `{"id":false}`, true, "", "missing plugin config id"},
		{"none is needed", "routes", "", `{}`, false, "", ""},
		{"path not needed", "services", "1", `{}`, false, "", "wrong service id, do not need it"},
		{"property not needed", "upstreams", "", `{"id":1}`, false, "", "wrong upstream id, do not need it"},
		{"left to the schema", "routes", "", `{"id":{"a":1}}`, true, `{"a":1}`, ""},
		{"consumer by path", "consumers", "jack", `{"username":"x"}`, true, "jack", ""},
		{"consumer by name", "consumers", "", `{"username":"jack"}`, true, "jack", ""},
		{"plugin", "plugin_metadata", "echo", `{"id":"x"}`, true, "echo", ""},
		{"null", "routes", "1", `null`, true, "", "missing configurations"},
		{"not JSON", "routes", "1", `{"id":`, true, "", "decode JSON: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k, _ := KindOf(tt.kind)
			got, err := k.ResolveID(tt.path, []byte(tt.value), tt.needed)
			if got != tt.want || errText(err) != tt.err {
				t.Errorf("got %q, %q, want %q, %q", got, errText(err), tt.want, tt.err)
			}
		})
	}
}

func TestCheckTimes(t *testing.T) {
	const forbidden = "the property is forbidden:  "
	tests := []struct {
		name, value, want string
	}{
		{"none", `{"uri":"/","upstream":{},"plugins":{}}`, ""},
		{"create_time", `{"create_time":1}`, forbidden + "create_time"},
		{"update_time", `{"update_time":1}`, forbidden + "update_time"},
		{"in the upstream", `{"upstream":{"create_time":1}}`, forbidden + "upstream.create_time"},
		{"in the plugins", `{"plugins":{"update_time":1}}`, forbidden + "plugins.update_time"},
		{"not an object", `[1]`, ""},
		{"not JSON", `{"create_time":`, "decode JSON: unexpected EOF"},
		{"an escaped name", `{"create\u005ftime":1}`, "the property is forbidden:  create_time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := errText(CheckTimes([]byte(tt.value))); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
