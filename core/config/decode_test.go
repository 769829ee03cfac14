package config

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	yes, two := true, 2
	pair := testPair(t)
	var cert, key string
	if json.Unmarshal([]byte(pair.cert), &cert) != nil || json.Unmarshal([]byte(pair.key), &key) != nil {
		t.Fatal("the test pair is not JSON")
	}
	tests := []struct {
		name, kind, key, value string
		want                   any
		warnings               []Warning
	}{
		{
			name: "route with every property", kind: "routes", key: "routes/r1",
			value: `{"id":"other","name":"n","desc":"d","labels":{"a":"b"},"create_time":1,"update_time":2e0,
				"uris":["/a","/b/*"],"priority":-3,"methods":["GET"],"hosts":["A.com","*.B.com"],"remote_addrs":["127.0.0.0/8","::1"],
				"timeout":{"connect":0.5,"send":1,"read":2},"vars":[["arg_a","==","<b>"]],"filter_func":"function(vars) return true end",
				"script_id":5,"plugins":{"limit-count":{"count":1,"x":1.0}},"plugin_config_id":7,
				"upstream":{"nodes":{"::1":1},"retries":2},"service_id":1,"upstream_id":"u","enable_websocket":true,"status":0}`,
			want: &Route{
				Meta: Meta{ID: "r1", Name: "n", Desc: "d", Labels: map[string]string{"a": "b"}, CreateTime: 1, UpdateTime: 2},
				URIs: []string{"/a", "/b/*"}, Priority: -3, Methods: []string{"GET"}, Hosts: []string{"a.com", "*.b.com"},
				RemoteAddrs: []string{"127.0.0.0/8", "::1"}, Timeout: &Timeout{Connect: 0.5, Send: 1, Read: 2},
				Vars: json.RawMessage(`[["arg_a","==","<b>"]]`), FilterFunc: "function(vars) return true end", ScriptID: "5",
				Plugins:        Plugins{"limit-count": json.RawMessage(`{"count":1,"rejected_code":503,"x":1.0}`)},
				PluginConfigID: "7", ServiceID: "1", UpstreamID: "u", EnableWebsocket: &yes, Status: 0,
				Upstream: &Upstream{
					Type: "roundrobin", Scheme: "http", PassHost: "pass", HashOn: "vars",
					Nodes: Nodes{{Host: "[::1]", Weight: 1}}, Retries: &two,
				},
			},
		},
		{
			name: "route with few", kind: "routes", key: "1", value: `{"uri":"/","host":"FOO.com","remote_addr":"127.0.0.1","script":"return {} --"}`,
			want: &Route{Meta: Meta{ID: "1"}, URI: "/", Host: "foo.com", RemoteAddr: "127.0.0.1", Script: "return {} --", Status: 1},
		},
		{
			name: "empty tables", kind: "routes", key: "1", value: `{"uri":"/","plugins":[],"vars":{},"labels":[],"methods":{}}`,
			want: &Route{
				Meta: Meta{ID: "1", Labels: map[string]string{}}, URI: "/", Plugins: Plugins{}, Vars: json.RawMessage(`[]`),
				Methods: []string{}, Status: 1,
			},
		},
		{
			name: "unknown plugins", kind: "services", key: "s", value: `{"plugins":{"x":{"a":1},"echo":[],"z":{}}}`,
			want: &Service{Meta: Meta{ID: "s"}, Plugins: Plugins{"echo": json.RawMessage(`{}`)}},
			warnings: []Warning{
				{"x", "plugin x of services/s is unknown or not enabled and does not run"},
				{"z", "plugin z of services/s is unknown or not enabled and does not run"},
			},
		},
		{
			name: "service", kind: "services", key: "s", value: `{"hosts":["A.B"],"script":"return {} --","enable_websocket":true,"upstream_id":3}`,
			want: &Service{Meta: Meta{ID: "s"}, Hosts: []string{"a.b"}, Script: "return {} --", EnableWebsocket: &yes, UpstreamID: "3"},
		},
		{
			name: "upstream", kind: "upstreams", key: "1",
			value: `{"nodes":[{"host":"::1","port":80,"weight":1},{"host":"a","weight":0,"metadata":{"z":1}}],"retry_timeout":1.5,
				"tls":{"client_cert_id":4},"keepalive_pool":{"size":1},"checks":{"active":{"healthy":{}}},"type":"chash","key":"uri",
				"upstream_host":"h","scheme":"grpc","pass_host":"rewrite"}`,
			want: &Upstream{
				Meta: Meta{ID: "1"}, Type: "chash", Key: "uri", Scheme: "grpc", PassHost: "rewrite", UpstreamHost: "h", HashOn: "vars", RetryTimeout: 1.5,
				Nodes: Nodes{{Host: "[::1]", Port: 80, Weight: 1}, {Host: "a", Metadata: json.RawMessage(`{"z":1}`)}},
				TLS:   &UpstreamTLS{ClientCertID: "4"}, KeepalivePool: &KeepalivePool{Size: 1, IdleTimeout: 60, Requests: 1000},
				Checks: json.RawMessage(`{"active":{"concurrency":10,"healthy":{"http_statuses":[200,302],"interval":1,"successes":2},` +
					`"http_method":"GET","http_path":"/","http_req_body":"","https_verify_certificate":true,"timeout":1,"type":"http"}}`),
			},
		},
		{
			name: "upstream by discovery", kind: "upstreams", key: "1",
			value: `{"service_name":"s","discovery_type":"nacos","discovery_args":{"group_name":"g"},"labels":{"a":"b"}}`,
			want: &Upstream{
				Meta: Meta{ID: "1", Labels: map[string]string{"a": "b"}}, Type: "roundrobin", Scheme: "http", PassHost: "pass", HashOn: "vars",
				ServiceName: "s", DiscoveryType: "nacos", DiscoveryArgs: json.RawMessage(`{"group_name":"g"}`),
			},
		},
		{
			name: "consumer", kind: "consumers", key: "jack", value: `{"username":"jack","group_id":1,"plugins":{"key-auth":{"key":"k"}}}`,
			want: &Consumer{Meta: Meta{ID: "jack"}, Username: "jack", GroupID: "1", Plugins: Plugins{"key-auth": json.RawMessage(`{"key":"k"}`)}},
		},
		{
			name: "plugin_config", kind: "plugin_configs", key: "1", value: `{"id":1,"plugins":{"echo":{}}}`,
			want: &PluginConfig{Meta: Meta{ID: "1"}, Plugins: Plugins{"echo": json.RawMessage(`{}`)}},
		},
		{
			name: "global rule", kind: "global_rules", key: "1", value: `{"id":1,"plugins":{"echo":{"_meta":{"disable":true}}}}`,
			want: &GlobalRule{Meta: Meta{ID: "1"}, Plugins: Plugins{"echo": json.RawMessage(`{"_meta":{"disable":true}}`)}},
		},
		{
			name: "a disabled plugin may be wrong", kind: "global_rules", key: "1", value: `{"id":1,"plugins":{"limit-count":{"count":"x","_meta":{"disable":true}}}}`,
			want: &GlobalRule{Meta: Meta{ID: "1"}, Plugins: Plugins{"limit-count": json.RawMessage(`{"_meta":{"disable":true},"count":"x"}`)}},
		},
		{
			name: "ssl", kind: "ssls", key: "1", value: `{"snis":["A.com"],"cert":` + pair.cert + `,"key":` + pair.key + `,"certs":[` + pair.cert + `],"keys":[` + pair.key +
				`],"client":{"ca":` + pair.cert + `,"skip_mtls_uri_regex":["/a"]},"ssl_protocols":["TLSv1.3"]}`,
			want: &SSL{
				Meta: Meta{ID: "1"}, Type: "server", SNIs: []string{"a.com"}, Cert: cert, Key: key, Certs: []string{cert}, Keys: []string{key},
				Client: &SSLClient{CA: cert, Depth: 1, SkipMTLSURIRegex: []string{"/a"}}, Status: 1, SSLProtocols: []string{"TLSv1.3"},
			},
		},
		{
			name: "ssl with an encrypted key", kind: "ssls", key: "1", value: `{"sni":"A.com","cert":` + pair.cert + `,"key":` + nonsense(64) + `}`,
			want: &SSL{Meta: Meta{ID: "1"}, Type: "server", SNI: "a.com", Cert: cert, Key: nonsense(64)[1:65], Status: 1},
		},
		{
			name: "metadata", kind: "plugin_metadata", key: "limit-count", value: `{"id":"limit-count","a":1}`,
			want: &PluginMetadata{ID: "limit-count", Conf: json.RawMessage(`{"a":1,"limit_header":"X-RateLimit-Limit"}`)},
		},
		{
			name: "metadata of an unknown plugin", kind: "plugin_metadata", key: "plugin_metadata/x", value: `{"id":"x","a":1}`,
			want: &PluginMetadata{ID: "x", Conf: json.RawMessage(`{"a":1}`)},
		},
	}
	c := newCatalog(t, CatalogOptions{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			value := []byte(tt.value)
			got, warnings, err := Decode(tt.kind, tt.key, value, c)
			if err != nil {
				t.Fatalf("got error %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if !bytes.Equal(value, []byte(tt.value)) {
				t.Errorf("Decode has changed the value to %s", value)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	pair := testPair(t)
	tests := []struct {
		name, kind, value string
		strict            bool
		want              string
	}{
		{"no kind", "x", `{}`, false, `there is no kind of resource named "x"`},
		{"placeholder", "routes", `init_dir`, false, "routes/1: decode JSON: invalid character 'i' looking for beginning of value"},
		{"not an object", "routes", `[1]`, false, "routes/1: invalid item data, it should be an object"},
		{"schema", "routes", `{"uri":1}`, false, `routes/1: property "uri" validation failed: wrong type: expected string, got number`},
		{"vars", "routes", `{"uri":"/","plugins":{},"vars":[["a","=","b"]]}`, false, "routes/1: failed to validate the 'vars' expression: invalid operator '='"},
		{"plugin", "routes", `{"uri":"/","plugins":{"limit-count":{}}}`, false, `routes/1: failed to check the configuration of plugin limit-count err: property "count" is required`},
		{"consumer", "consumers", `{"username":"a","plugins":{"key-auth":{}}}`, false, `consumers/1: failed to check the configuration of plugin key-auth err: property "key" is required`},
		{"unknown plugin", "routes", `{"uri":"/","plugins":{"x":{}}}`, true, "routes/1: unknown plugin [x]; it is not part of this gateway, or not listed under plugins in config.yaml"},
		{"pass_host", "upstreams", `{"nodes":{},"pass_host":"rewrite"}`, false, "upstreams/1: `upstream_host` can't be empty when `pass_host` is `rewrite`"},
		{"chash", "upstreams", `{"nodes":{},"type":"chash"}`, false, "upstreams/1: missing key"},
		{"port", "upstreams", `{"nodes":{"a:70000":1}}`, false, "upstreams/1: nodes: node a:70000: invalid port 70000"},
		{"huge integer", "routes", `{"uri":"/","plugins":{},"priority":1e300}`, false, "routes/1: priority: 1e300 is out of the range of integers"},
		{"keys", "ssls", `{"sni":"a","cert":` + pair.cert + `,"key":` + pair.key + `,"keys":[` + pair.key + `]}`, false, "ssls/1: mismatched number of certs and keys"},
		{"two values", "routes", `{}{}`, false, "routes/1: decode JSON: there is more than one value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newCatalog(t, CatalogOptions{Strict: tt.strict})
			res, _, err := Decode(tt.kind, "1", []byte(tt.value), c)
			if errText(err) != tt.want || res != nil {
				t.Errorf("got %v, %q, want %q", res, errText(err), tt.want)
			}
		})
	}
}

func TestDecodeMetadataError(t *testing.T) {
	_, _, err := Decode("plugin_metadata", "limit-count", []byte(`{"limit_header":1}`), newCatalog(t, CatalogOptions{}))
	want := `plugin_metadata/limit-count: failed to check the configuration of plugin limit-count err: ` +
		`property "limit_header" validation failed: wrong type: expected string, got number`
	if errText(err) != want {
		t.Errorf("got %q, want %q", errText(err), want)
	}
}

// FuzzDecode looks for values that make a check panic, and for ones that Decode changes.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"uri":"/","plugins":{"limit-count":{"count":1,"_meta":{"filter":[["a","==",1]]}}},"upstream":{"nodes":{"a:1":1}}}`,
		`{"nodes":[{"host":"::1","port":80,"weight":1}],"type":"chash","hash_on":"header","key":"x","tls":{"client_cert_id":1}}`,
		`{"username":"jack","plugins":{"key-auth":{"key":"$secret://a"}}}`,
		`{"id":1,"plugins":[]}`,
		`{"sni":"a","cert":"$env://A","key":"$env://B","certs":[],"client":{"ca":"$env://C"}}`,
		`{"limit_header":null}`,
		`[]`,
	} {
		for i := range Kinds() {
			f.Add(uint8(i), []byte(seed))
		}
	}
	c := newCatalog(f, CatalogOptions{})
	refs := fakeRefs{values: map[string]string{"ssls/1": `{"type":"client"}`}}
	f.Fuzz(func(t *testing.T, n uint8, value []byte) {
		k := Kinds()[int(n)%len(Kinds())]
		before := bytes.Clone(value)
		res, _, err := Decode(k.Name, "1", value, c)
		if (res == nil) != (err != nil) {
			t.Errorf("%s: got %v and error %v", k.Name, res, err)
		}
		if id, err := k.ResolveID("", value, true); err == nil {
			_ = Check(k.Name, id, value, refs, c)
		}
		_ = CheckTimes(value)
		k.Refers(value, "upstreams", "1")
		if !bytes.Equal(before, value) {
			t.Errorf("%s: the value was changed", k.Name)
		}
	})
}
