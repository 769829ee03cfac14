package settings

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func environ(vars ...string) Env {
	return func(name string) (string, bool) {
		for i := 0; i < len(vars); i += 2 {
			if vars[i] == name {
				return vars[i+1], true
			}
		}
		return "", false
	}
}

func mustParse(t *testing.T, text string, vars ...string) *Settings {
	t.Helper()
	s, err := Parse("config.yaml", []byte(text), environ(vars...))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	return s
}

func TestEmptyFilesAreTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "null", "apisix:\nplugin_attr: {}\n", "deployment:\n  etcd:\n"} {
		s := mustParse(t, text)
		if diff := cmp.Diff(Default(), s, cmpopts.IgnoreFields(Settings{}, "File"), prefixes); diff != "" {
			t.Errorf("%q: -want +got\n%s", text, diff)
		}
	}
}

var prefixes = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func TestDefaults(t *testing.T) {
	s := Default()
	tests := []struct {
		name      string
		got, want any
	}{
		{"listen", s.APISIX.NodeListen[0].String(), ":9080"},
		{"tls", s.APISIX.SSL.Listen[0].String(), ":9443"},
		{"admin", s.Deployment.Admin.Listen.String(), "127.0.0.1:9180"},
		{"control", s.APISIX.Control.String(), "127.0.0.1:9090"},
		{"status", s.APISIX.Status.String(), "127.0.0.1:7085"},
		{"header timeout", s.Nginx.HTTP.ClientHeaderTimeout, 10 * time.Second},
		{"keepalive", s.Nginx.HTTP.KeepaliveTimeout, 60 * time.Second},
		{"store", s.Deployment.Store(), StoreEmbedded},
		{"plugins", len(s.Plugins), 107},
		{"metrics", s.Metrics(), Metrics{
			Enabled: true, Address: Address{"127.0.0.1", 9091}, URI: "/apisix/prometheus/metrics", Prefix: "apisix_",
		}},
		{"http", s.APISIX.HTTP(), true},
		{"stream", s.APISIX.Stream(), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %v, want %v", tt.got, tt.want)
			}
		})
	}
}

func TestValues(t *testing.T) {
	ports := func(list []Listener) string {
		var out []string
		for _, l := range list {
			text := l.String()
			if l.HTTP2 {
				text += " h2"
			}
			if l.ProxyProtocol {
				text += " pp"
			}
			out = append(out, text)
		}
		return strings.Join(out, ", ")
	}
	tests := []struct {
		name string
		text string
		vars []string
		got  func(s *Settings) any
		want any
	}{
		{"unknown plugins", "polygate: {unknown_plugins: reject}", nil, func(s *Settings) any { return s.Polygate.UnknownPlugins }, UnknownReject},
		{"one port", "apisix: {node_listen: 1984}", nil, func(s *Settings) any { return ports(s.APISIX.NodeListen) }, ":1984 h2"},
		{"ports", "apisix: {node_listen: [1984, 1985]}", nil, func(s *Settings) any { return ports(s.APISIX.NodeListen) }, ":1984 h2, :1985 h2"},
		{"addresses", "apisix: {node_listen: [{ip: 127.0.0.1, port: 1, enable_http2: false}, {port: 2}]}", nil,
			func(s *Settings) any { return ports(s.APISIX.NodeListen) }, "127.0.0.1:1, :2 h2"},
		{"ipv6 address", `apisix: {node_listen: [{ip: "[::1]", port: 1}]}`, nil,
			func(s *Settings) any { return ports(s.APISIX.NodeListen) }, "[::1]:1 h2"},
		{"no ipv6, no http2", "apisix: {enable_ipv6: false, enable_http2: false}", nil,
			func(s *Settings) any { return ports(s.APISIX.NodeListen) }, "0.0.0.0:9080"},
		{"proxy protocol", "apisix: {proxy_protocol: {listen_http_port: 9181}}", nil,
			func(s *Settings) any { return ports(s.APISIX.NodeListen) }, ":9080 h2, :9181 h2 pp"},
		{"stream", "apisix: {proxy_mode: stream, stream_proxy: {tcp: [9100, {addr: '127.0.0.1:4000-4010', tls: true}], udp: ['9300-9310']}}", nil,
			func(s *Settings) any { return s.APISIX.StreamProxy }, StreamProxy{
				TCP: []StreamListener{{Port: 9100, LastPort: 9100}, {IP: "127.0.0.1", Port: 4000, LastPort: 4010, TLS: true}},
				UDP: []StreamListener{{Port: 9300, LastPort: 9310}},
			}},
		{"protocols", "apisix: {ssl: {ssl_protocols: TLSv1.2  TLSv1.3}}", nil,
			func(s *Settings) any { return s.APISIX.SSL.Protocols }, []string{"TLSv1.2", "TLSv1.3"}},
		{"ciphers", "apisix: {ssl: {ssl_ciphers: A-B:C}}", nil, func(s *Settings) any { return s.APISIX.SSL.Ciphers }, []string{"A-B", "C"}},
		{"etcd host as text", "deployment: {etcd: {host: 'http://a:1'}}", nil, func(s *Settings) any { return s.Deployment.Etcd.Host }, []string{"http://a:1"}},
		{"external etcd", "deployment: {etcd: {host: ['http://a:1']}}", nil, func(s *Settings) any { return s.Deployment.Store() }, StoreEtcd},
		{"file", "deployment: {role: data_plane, role_data_plane: {config_provider: yaml}}", nil,
			func(s *Settings) any { return s.Deployment.Store() }, StoreFile},
		{"memory", "deployment: {role: traditional, role_traditional: {config_provider: yaml}}", nil,
			func(s *Settings) any { return s.Deployment.Store() }, StoreMemory},
		{"the file for who has no Admin API", "deployment: {role_traditional: {config_provider: yaml}}\napisix: {enable_admin: false}", nil,
			func(s *Settings) any { return s.Deployment.Store() }, StoreFile},
		{"json file", "deployment: {role: data_plane, role_data_plane: {config_provider: json}}", nil,
			func(s *Settings) any { return s.Standalone() }, "apisix.json"},
		{"no admin on a data plane", "deployment: {role: data_plane, role_data_plane: {config_provider: json}}", nil,
			func(s *Settings) any { return s.APISIX.EnableAdmin }, false},
		{"seconds", "nginx_config: {http: {client_header_timeout: 5}}", nil, func(s *Settings) any { return s.Nginx.HTTP.ClientHeaderTimeout }, 5 * time.Second},
		{"time", "nginx_config: {http: {keepalive_timeout: 1h 30m}}", nil, func(s *Settings) any { return s.Nginx.HTTP.KeepaliveTimeout }, 90 * time.Minute},
		{"size", "nginx_config: {http: {client_max_body_size: 1m}}", nil, func(s *Settings) any { return s.Nginx.HTTP.ClientMaxBodySize }, Size(1 << 20)},
		{"on", `nginx_config: {http: {real_ip_recursive: "on", underscores_in_headers: off}}`, nil,
			func(s *Settings) any { return [2]bool{s.Nginx.HTTP.RealIPRecursive, s.Nginx.HTTP.UnderscoresHeaders} }, [2]bool{true, false}},
		{"real ip", "nginx_config: {http: {real_ip_from: [10.1.2.3/8, '::1', 'unix:']}}", nil,
			func(s *Settings) any { return s.Nginx.HTTP.RealIPFrom },
			[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		{"processors", "nginx_config: {worker_processes: 3}", nil, func(s *Settings) any { return s.Nginx.WorkerProcesses }, 3},
		{"all processors", "nginx_config: {worker_processes: auto}", nil, func(s *Settings) any { return s.Nginx.WorkerProcesses }, 0},
		{"processors from the environment", "", []string{"APISIX_WORKER_PROCESSES", "2"}, func(s *Settings) any { return s.Nginx.WorkerProcesses }, 2},
		{"list replaces", "plugins: [echo]", nil, func(s *Settings) any { return s.Plugins }, []string{"echo"}},
		{"null empties a list", "plugins:", nil, func(s *Settings) any { return len(s.Plugins) }, 0},
		{"null admin key", "deployment: {admin: {admin_key: null}}", nil, func(s *Settings) any { return s.Deployment.Admin.KeyRequired }, false},
		{"format as a block", "nginx_config:\n  http:\n    access_log_format: |\n      $uri\n", nil,
			func(s *Settings) any { return s.Nginx.HTTP.AccessLogFormat }, "$uri"},
		{"attributes are merged", "plugin_attr: {prometheus: {export_addr: {port: 1}, refresh_interval: null, metrics: [1.5, x]}}", nil,
			func(s *Settings) any { return string(s.PluginAttr["prometheus"]) },
			`{"enable_export_server":true,"export_addr":{"ip":"127.0.0.1","port":1},"export_uri":"/apisix/prometheus/metrics","metric_prefix":"apisix_","metrics":[1.5,"x"]}`},
		{"attributes of others", "plugin_attr: {mine: {big: 18446744073709551615, off: off, when: 2020-01-01}}", nil,
			func(s *Settings) any { return string(s.PluginAttr["mine"]) }, `{"big":18446744073709551615,"off":"off","when":"2020-01-01"}`},
		{"discovery", "discovery: {dns: {servers: ['127.0.0.1:53']}}", nil, func(s *Settings) any { return string(s.Discovery["dns"]) }, `{"servers":["127.0.0.1:53"]}`},
		{"xrpc", "xrpc: {protocols: [{name: redis}]}", nil, func(s *Settings) any { return string(s.XRPC) }, `{"protocols":[{"name":"redis"}]}`},
		{"runner", "ext-plugin: {cmd: [go-runner, run]}", nil, func(s *Settings) any { return s.ExtPlugin.Cmd }, []string{"go-runner", "run"}},
		{"wasm", "wasm: {plugins: [{name: a, file: a.wasm, priority: 7}]}", nil, func(s *Settings) any { return s.Wasm.Plugins },
			[]WasmPlugin{{Name: "a", File: "a.wasm", Priority: 7}}},
		{"variable", "apisix: {node_listen: '${{PORT}}'}", []string{"PORT", "77"}, func(s *Settings) any { return s.APISIX.NodeListen[0].Port }, 77},
		{"default of a variable", "deployment: {etcd: {prefix: '${{ P := /x }}'}}", nil, func(s *Settings) any { return s.Deployment.Etcd.Prefix }, "/x"},
		{"variable within text", "deployment: {etcd: {host: 'http://${{H}}:${{P:=2379}}'}}", []string{"H", "h"},
			func(s *Settings) any { return s.Deployment.Etcd.Host[0] }, "http://h:2379"},
		{"variable in a key", "deployment: {etcd: {'${{K}}': secret}}", []string{"K", "password"}, func(s *Settings) any { return s.Deployment.Etcd.Password }, "secret"},
		{"number where text is wanted", "deployment: {etcd: {password: '${{PW}}'}}", []string{"PW", "0123"}, func(s *Settings) any { return s.Deployment.Etcd.Password }, "0123"},
		{"boolean variable", "apisix: {enable_control: '${{C:=false}}'}", nil, func(s *Settings) any { return s.APISIX.EnableControl }, false},
		{"hosts from the environment", "deployment: {etcd: {host: ['http://a:1']}}", []string{"APISIX_DEPLOYMENT_ETCD_HOST", `["http://b:2"]`},
			func(s *Settings) any { return s.Deployment.Etcd.Host }, []string{"http://b:2"}},
		{"no metrics without the plugin", "plugins: []", nil, func(s *Settings) any { return s.Metrics().Enabled }, false},
		{"metrics elsewhere", "plugin_attr: {prometheus: {export_addr: {port: 5}}}", nil,
			func(s *Settings) any { return s.Metrics().Address.String() }, "127.0.0.1:5"},
		{"merge keys", "apisix:\n  control: &c {ip: 127.0.0.2, port: 5}\n  status: {<<: *c, port: 6}\n", nil,
			func(s *Settings) any { return s.APISIX.Status.String() }, "127.0.0.2:6"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.got(mustParse(t, tt.text, tt.vars...))
			if diff := cmp.Diff(tt.want, got, prefixes); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(path, []byte("apisix: {node_listen: 1}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.Standalone(), filepath.Join(dir, "apisix.yaml"); got != want {
		t.Errorf("Standalone: got %q, want %q", got, want)
	}
	if _, err := Load(filepath.Join(dir, "none.yaml"), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want ErrNotExist", err)
	}
}

func TestWarnings(t *testing.T) {
	s := mustParse(t, `nginx_config:
  http_configuration_snippet: |
    # nothing but a comment
  stream_configuration_snippet: |
    server { listen 1; }
  event: {worker_connections: 10}
  http:
    lua_shared_dict: {a: 1m}
apisix:
  enable_reuseport: true
  extra_lua_cpath: ""
  admin_key: null
`)
	want := []string{
		"config.yaml:4:3: nginx_config.stream_configuration_snippet: ignored: configuration of nginx cannot be applied, there is no nginx here",
		"config.yaml:6:3: nginx_config.event: ignored: the Go runtime sees to it",
		"config.yaml:8:5: nginx_config.http.lua_shared_dict: ignored: memory is shared within the process, there are no zones to size",
		"config.yaml:10:3: apisix.enable_reuseport: ignored: one process accepts all connections",
		"config.yaml:12:3: apisix.admin_key: ignored: this key has moved; write deployment.admin.admin_key",
	}
	var got []string
	for _, w := range s.Warnings {
		got = append(got, w.Error())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", "apisix: {node_listen: [9080, {ip: 127.0.0.1, port: 1}]}", "a: &a [*a]", "a: &a {<<: *a}", "apisix: {x: ${{A:=1}}}",
		"nginx_config: {http: {keepalive_timeout: 1h 2m, client_max_body_size: 8k}}", "plugin_attr: {prometheus: {x: .nan}}",
		"apisix: {stream_proxy: {tcp: ['1-65535', {addr: 5}]}}", "!!binary x: y", "? [a]\n: b", "deployment: {etcd: {host: 1}}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("config.yaml", data, nil)
		if err != nil {
			var ps Problems
			if !errors.As(err, &ps) || len(ps) == 0 {
				t.Fatalf("got %T, want Problems", err)
			}
			return
		}
		for name, attr := range s.PluginAttr {
			if !json.Valid(attr) {
				t.Errorf("attributes of %s are not JSON: %s", name, attr)
			}
		}
		if s.Deployment.Store() == "" {
			t.Error("no store")
		}
	})
}
