package config

import "testing"

// FuzzCheckDecode asks that a gateway can serve with what the Admin API writes, and that a whole configuration is judged as its items are.
func FuzzCheckDecode(f *testing.F) {
	for _, seed := range []string{
		`{"uri":"/","priority":1e300,"plugins":{}}`,
		`{"uri":"/","status":0,"hosts":["a.com"],"vars":[["arg_a","==",1]],"plugins":{"echo":{"_meta":{"disable":true,"priority":"x"}}}}`,
		`{"uris":["/a/*"],"methods":["GET"],"timeout":{"connect":1,"send":1,"read":1.5},"upstream":{"nodes":{"a:1":1}},"labels":{"a":"b"},"enable_websocket":true}`,
		`{"nodes":[{"host":"::1","port":80,"weight":1e18,"priority":-1,"metadata":{}}],"type":"chash","hash_on":"header","key":"x"}`,
		`{"nodes":{"[::1]:80":1,"a":0},"retries":3,"retry_timeout":1,"keepalive_pool":{"size":1,"idle_timeout":0,"requests":1000},"checks":{"active":{"type":"tcp"}}}`,
		`{"service_name":"s","discovery_type":"dns","type":"roundrobin","discovery_args":{"group_name":"g"},"scheme":"grpc","pass_host":"rewrite","upstream_host":"h"}`,
		`{"username":"jack","plugins":{"key-auth":{"key":"$secret://vault/1/a/b"}},"group_id":1}`,
		`{"uri":"http://127.0.0.1","prefix":"kv","token":"t","create_time":1,"labels":{"a":1}}`,
		`{"access_key_id":"a","secret_access_key":"b","region":"r"}`,
		`{"auth_config":{"client_email":"a","private_key":"b","project_id":"c","scope":["d"]},"ssl_verify":false}`,
		`{"sni":"A.com","snis":null,"cert":"$env://A","key":"$env://B","certs":[],"client":{"ca":"$env://C","depth":1},"ssl_protocols":["TLSv1.3"]}`,
		`{"remote_addr":"127.0.0.1/8","server_port":1,"upstream":{"nodes":[]},"protocol":{"name":"redis","logger":[{"name":"x","filter":[],"conf":{}}]}}`,
		`{"field_path":"Query.a","add_value":1e400,"mul_arguments":["first"]}`,
		`{"content":"syntax = \"proto3\";"}`,
		`[{"name":"echo","stream":false}]`,
		`{"limit_header":null,"id":"x"}`,
		`[]`,
	} {
		for i := range Kinds() {
			f.Add(uint8(i), []byte(seed))
		}
	}
	ids := map[string]string{
		"plugins": "", "consumers": "jack", "credentials": "jack/credentials/1", "graphql_cost_decorations": "1/graphql_cost_decorations/1",
		"secrets": "vault/1", "plugin_metadata": "limit-count",
	}
	c := newCatalog(f, CatalogOptions{Protocols: []string{"redis"}})
	f.Fuzz(func(t *testing.T, n uint8, value []byte) {
		k := Kinds()[int(n)%len(Kinds())]
		id, ok := ids[k.Name]
		if !ok {
			id = "1"
		}
		if Check(k.Name, id, value, nil, c) != nil {
			return
		}
		if _, _, err := Decode(k.Name, id, value, c); err != nil {
			t.Errorf("%s: %s: Check accepts what Decode refuses: %v", k.Name, value, err)
		}
	})
}
