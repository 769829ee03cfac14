package settings

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadFiles(t *testing.T) {
	tests := []struct {
		name string
		text string
		want string // one line for each problem, without the file's name
	}{
		{"syntax", "apisix:\n  - a\n b: c\n", "2:1: not valid YAML: did not find expected key"},
		{"not a mapping", "- a\n", "1:1: expected a mapping, got a list"},
		{"two documents", "apisix: {}\n---\na: b\n", "2:1: a second YAML document begins here; only one is allowed"},
		{"unknown section", "apisx: {}\n", `1:1: apisx: unknown key; did you mean "apisix"?`},
		{"unknown key", "apisix:\n  node_lisen: 1\n", `2:3: apisix.node_lisen: unknown key; did you mean "node_listen"?`},
		{"suggestion among ignored keys", "apisix: {enable_reusport: true}\n", `1:10: apisix.enable_reusport: unknown key; did you mean "enable_reuseport"?`},
		{"no suggestion", "apisix: {qqqqqqqq: 1}\n", "1:10: apisix.qqqqqqqq: unknown key"},
		{"key of APISIX 2", "apisix: {port_admin: 1}\netcd: {}\n",
			"1:10: apisix.port_admin: this key has moved; write deployment.admin.admin_listen.port\n2:1: etcd: this key has moved; write deployment.etcd"},
		{"unknown plugins", "polygate: {unknown_plugins: ignore}\n", `1:29: polygate.unknown_plugins: expected one of skip, reject; got "ignore"`},
		{"key twice", "apisix:\n  enable_admin: true\n  enable_admin: false\n", `3:3: the key "enable_admin" is there already, in line 2`},
		{"all at once", "apisix:\n  node_listen: x\n  enable_ipv6: 7\nplugins: {}\n",
			"2:16: apisix.node_listen[0]: expected a whole number, got the string \"x\"\n" +
				"3:16: apisix.enable_ipv6: expected true or false, got the number 7\n" +
				"4:10: plugins: expected a list, got a mapping"},
		{"port", "apisix: {node_listen: [-1, 65536]}\n",
			"1:24: apisix.node_listen[0]: -1 is not between 0 and 65535\n1:28: apisix.node_listen[1]: 65536 is not between 0 and 65535"},
		{"no port", "apisix: {node_listen: [{ip: 127.0.0.1}]}\n", `1:24: apisix.node_listen[0]: the key "port" is missing`},
		{"address", "apisix: {control: {ip: localhost}}\n", `1:24: apisix.control.ip: "localhost" is not an IP address`},
		{"string", "deployment: {etcd: {password: 123}}\n", "1:31: deployment.etcd.password: expected a string, got the number 123; put it in quotes"},
		{"choice", "deployment: {role: data_plan}\n",
			`1:20: deployment.role: expected one of traditional, control_plane, data_plane, standalone; got "data_plan"; did you mean "data_plane"?`},
		{"time", "nginx_config: {http: {send_timeout: soon}}\n",
			`1:37: nginx_config.http.send_timeout: expected a number of seconds or a time such as "60s" or "1h 30m", got the string "soon"`},
		{"time out of range", "nginx_config: {http: {send_timeout: 0}}\n", "1:37: nginx_config.http.send_timeout: 0 is less than 1ms"},
		{"size", "nginx_config: {http: {client_max_body_size: 1t}}\n",
			`1:45: nginx_config.http.client_max_body_size: expected a size such as 1024, "8k", "1m" or "1g", got the string "1t"`},
		{"range of addresses", "apisix: {trusted_addresses: [10.0.0.0/33]}\n",
			`1:30: apisix.trusted_addresses[0]: expected an IP address or a range such as 10.0.0.0/8, got the string "10.0.0.0/33"`},
		{"null in a list", "plugins: [a, null]\n", "1:14: plugins[1]: expected a value, got null"},
		{"variable", "deployment: {etcd: {user: '${{ETCD_USER}}'}}\n",
			"1:27: environment variable ETCD_USER is not set; set it, or give a default: ${{ETCD_USER:=value}}"},
		{"name of a variable", "deployment: {etcd: {user: '${{a b}}'}}\n", `1:27: "a b" is not the name of an environment variable`},
		{"type of an attribute", "plugin_attr:\n  prometheus:\n    export_addr: 9091\n", "3:18: plugin_attr.prometheus.export_addr: expected a mapping, got the number 9091"},
		{"metrics", "plugin_attr: {prometheus: {export_uri: metrics}}\n",
			`1:27: plugin_attr.prometheus: export_uri "metrics" does not begin with a slash`},
		{"port of the metrics", "plugin_attr: {prometheus: {export_addr: {port: 1.5}}}\n",
			"1:27: plugin_attr.prometheus: not the attributes of prometheus: json: cannot unmarshal number 1.5 into Go struct field .export_addr.port of type int"},
		{"number that JSON lacks", "plugin_attr: {a: {b: .inf}}\n", "1:22: plugin_attr.a.b: not a value that JSON has: .inf"},
		{"taken port", "apisix: {node_listen: 9443}\n", "1:23: apisix.node_listen[0]: the port 9443 is taken by apisix.ssl.listen[0] already; choose another one"},
		{"taken port in the file", "apisix: {node_listen: [1, 1]}\n", "1:27: apisix.node_listen[1]: the port 1 is taken by apisix.node_listen[0] already; choose another one"},
		{"protocol", "apisix: {ssl: {ssl_protocols: SSLv3}}\n", `1:31: apisix.ssl.ssl_protocols: "SSLv3" is not one of TLSv1, TLSv1.1, TLSv1.2, TLSv1.3`},
		{"keyring", "apisix: {data_encryption: {keyring: short}}\n", "1:37: apisix.data_encryption.keyring: a key has 5 bytes; 16 or 32 are needed"},
		{"zone", "apisix: {proxy_cache: {zones: [{name: a, memory_size: 1m, disk_size: 1g}]}}\n",
			"1:32: apisix.proxy_cache.zones[0]: a zone on disk needs disk_size, disk_path and cache_levels"},
		{"data plane without a source", "deployment: {role: data_plane}\n",
			"1:20: deployment.role: a data plane needs resources from elsewhere; name the hosts in deployment.etcd.host, or set deployment.role_data_plane.config_provider to yaml"},
		{"provider", "deployment: {role_traditional: {config_provider: json}}\n",
			"1:50: deployment.role_traditional.config_provider: a traditional gateway takes etcd or yaml"},
		{"published key", "deployment: {admin: {admin_key: [{name: admin, role: admin, key: edd1c9f034335f136f87ad84b625c8f1}]}}\n",
			"1:66: deployment.admin.admin_key[0].key: this key is published in APISIX's documentation; use one of your own, or leave it empty to have one made"},
		{"no key", "deployment: {admin: {admin_key: []}}\n", "1:33: deployment.admin.admin_key: at least one key is needed, or admin_key_required: false"},
		{"certificate of the Admin API", "deployment: {admin: {https_admin: true}}\n",
			"1:35: deployment.admin.https_admin: needs admin_api_mtls.admin_ssl_cert and admin_api_mtls.admin_ssl_cert_key"},
		{"etcd host", "deployment: {etcd: {host: ['127.0.0.1:2379']}}\n", `1:27: deployment.etcd.host: "127.0.0.1:2379" is not a URL such as http://127.0.0.1:2379`},
		{"stream address", "apisix: {stream_proxy: {tcp: ['5-1'], udp: [{tls: true}]}}\n",
			`1:31: apisix.stream_proxy.tcp[0]: expected a port, "ip:port" or a range of ports such as "2000-2100", got the string "5-1"` + "\n" +
				`1:45: apisix.stream_proxy.udp[0]: the key "addr" is missing`},
		{"syslog", "nginx_config: {http: {access_log: 'syslog:server=a'}}\n",
			"1:35: nginx_config.http.access_log: a syslog server is not supported here; use the plugin syslog"},
		{"alias of itself", "apisix: &a\n  control: *a\n", "1:9: the document is nested too deeply or too large, or an alias contains itself"},
		{"endless aliases", bomb(), "1:4: the document is nested too deeply or too large, or an alias contains itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("c", []byte(tt.text), nil)
			if err == nil {
				t.Fatal("got no error")
			}
			got := strings.ReplaceAll(err.Error(), "c:", "")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// bomb is a document of a few hundred bytes with a thousand million nodes.
func bomb() string {
	text := "a: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := 1; i < 9; i++ {
		ref := "*a" + string(rune('0'+i-1))
		text += "b" + string(rune('0'+i)) + ": &a" + string(rune('0'+i)) + " [" + strings.Repeat(ref+",", 9) + ref + "]\n"
	}
	return text
}

func TestBadEnvironment(t *testing.T) {
	_, err := Parse("c", nil, environ("APISIX_DEPLOYMENT_ETCD_HOST", "x", "APISIX_WORKER_PROCESSES", "many"))
	want := `environment variable APISIX_DEPLOYMENT_ETCD_HOST: expected a JSON list of URLs such as ["http://127.0.0.1:2379"], got x
environment variable APISIX_WORKER_PROCESSES: expected "auto" or a number from 1 to 4096, got many`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
