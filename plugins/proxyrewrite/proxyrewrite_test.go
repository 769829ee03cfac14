package proxyrewrite

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestTarget(t *testing.T) {
	tests := []struct{ name, conf, target, want string }{
		{"a path", `{"uri":"/new"}`, "/hello", "/new"},
		{"the client's query stays", `{"uri":"/new"}`, "/hello?q=apisix&a=iresty", "/new?q=apisix&a=iresty"},
		{"queries are joined", `{"uri":"/new?q=apisix"}`, "/hello?a=iresty", "/new?q=apisix&a=iresty"},
		{"a query of its own", `{"uri":"/new?q=apisix"}`, "/hello", "/new?q=apisix"},
		{"an empty query of its own", `{"uri":"/new?"}`, "/hello?a=1", "/new?a=1"},
		{"variables", `{"uri":"/$arg_new_uri"}`, "/test?new_uri=hello", "/hello?new_uri=hello"},
		{"variables and defaults", `{"uri":"/${arg_a ?? x}/y?b=${arg_b ?? z}"}`, "/test", "/x/y?b=z"},
		{"a value cannot begin a query", `{"uri":"/a$uri/remain"}`, "/hello%3f0z=700%26a=c%20HTTP/1.1",
			"/a/hello%253F0z=700&a=c%20HTTP/1.1/remain"},
		{"a value in the query", `{"uri":"/a?b=$uri"}`, "/h%20%0d%0a%23x", "/a?b=/h%20%0D%0A%23x"},
		{"a value is not expanded again", `{"uri":"/a/$arg_b"}`, "/?b=$uri", "/a/$uri?b=$uri"},
		{"a pattern", `{"regex_uri":["^/test/(.*)/(.*)/(.*)","/$1_$2_$3"]}`, "/test/plugin/proxy/rewrite?a=1", "/plugin_proxy_rewrite?a=1"},
		{"a pattern that does not match", `{"regex_uri":["^/test/(.*)/(.*)/(.*)","/$1_$2_$3"]}`, "/test/not%20found", "/test/not%20found"},
		{"a pattern with a query", `{"regex_uri":["^/test/(.*)/(.*)/(.*)","/$1_$2_$3?a=c"]}`, "/test/plugin/proxy/rewrite?b=d", "/plugin_proxy_rewrite?a=c&b=d"},
		{"a group in the query", `{"regex_uri":["^(/reflect.*)","/new?orig=$1"]}`, "/reflect%0d%0aX:pwn", "/new?orig=/reflect%0D%0AX:pwn"},
		{"a question mark of the client's", `{"regex_uri":["^/test/(.*)","/$1"]}`, "/test/a%3Fb=1", "/a%3Fb=1"},
		{"the first pattern that matches", `{"regex_uri":["^/test/(.*)/hello","/hello/$1","^/test/(.*)/world","/world/$1","/","/never"]}`, "/test/x/world", "/world/x"},
		{"only the first match", `{"regex_uri":["a","b"]}`, "/aaa", "/baa"},
		{"uri before regex_uri", `{"uri":"/hello","regex_uri":["^/test/(.*)","/${1}1"]}`, "/test/hello", "/hello"},
		{"a slash is put in front", `{"regex_uri":["^/test/(.*)","$1"]}`, "/test/x", "/x"},
		{"dot segments are removed", `{"regex_uri":["^/test/(.*)","/a/$1"]}`, "/test/..%2f..%2fb", "/b"},
		{"raw", `{"use_real_request_uri_unsafe":true}`, "/print%5Furi?a=%41", "/print_uri?a=%41"},
		{"raw with a path", `{"uri":"/new","use_real_request_uri_unsafe":true}`, "/hello?a=1?b=%20", "/new?a=1?b=%20"},
		{"raw with a path and a query", `{"uri":"/new?x=1","use_real_request_uri_unsafe":true}`, "/hello?q=apisix", "/new?x=1&q=apisix"},
		{"raw with a pattern", `{"regex_uri":["/hello/(.*)","/hello?v=$1"],"use_real_request_uri_unsafe":true}`, "/hello/%ED%85%8C", "/hello?v=%ED%85%8C"},
		{"nothing about the target", `{"method":"POST"}`, "/a%2520b?x", "/a%2520b?x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, New(), tt.conf, plugintest.New(plugintest.WithTarget(tt.target)))
			if out.Err != nil || out.Sent == nil {
				t.Fatalf("got error %v, want none", out.Err)
			}
			if out.Sent.Target != tt.want {
				t.Errorf("target: got %q, want %q", out.Sent.Target, tt.want)
			}
		})
	}
}

func TestPathThatCannotBeSent(t *testing.T) {
	tests := []struct{ name, conf, target string }{
		{"a line feed", `{"uri":"/$arg_x"}`, "/?x=a%20HTTP/1.1%0d%0aHost:b"},
		{"a backslash", `{"uri":"/$arg_x"}`, "/?x=..%5csecret"},
		{"a pattern", `{"regex_uri":["^/(.*)","/x/$1"]}`, "/a%0ab"},
		{"raw", `{"uri":"/$arg_x","use_real_request_uri_unsafe":true}`, "/?x=a%0ab"},
		{"raw with a pattern", `{"regex_uri":["^/(.*)","/x/$1"],"use_real_request_uri_unsafe":true}`, "/a%5cb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, New(), tt.conf, plugintest.New(plugintest.WithTarget(tt.target)))
			if out.Err != nil || out.Exit == nil || out.Exit.Status != 400 {
				t.Errorf("got exit %v and error %v, want status 400", out.Exit, out.Err)
			}
		})
	}
}

func TestRawSpellingIsKept(t *testing.T) {
	x := plugintest.New(plugintest.WithTarget("/print%5Furi?a=%41"))
	plugintest.Run(t, New(), `{"use_real_request_uri_unsafe":true}`, x)
	if got, want := x.Vars()["upstream_uri"], "/print%5Furi?a=%41"; got != want {
		t.Errorf("upstream_uri: got %q, want %q", got, want)
	}
}

func TestHeaders(t *testing.T) {
	tests := []struct {
		name, conf string
		target     string
		want       []string
	}{
		{"set", `{"headers":{"X-Api":"v2","X-Num":1.50}}`, "/", []string{"X-Api: v2", "X-B: 2", "X-Num: 1.5"}},
		{"set replaces", `{"headers":{"set":{"X-Api":"v2"}}}`, "/", []string{"X-Api: v2", "X-B: 2"}},
		{"set several", `{"headers":{"set":{"x-api":["a","b"]}}}`, "/", []string{"x-api: a", "X-B: 2", "x-api: b"}},
		{"add", `{"headers":{"add":{"X-Api":["a",1]}}}`, "/", []string{"X-Api: 1", "X-B: 2", "X-api: 3", "X-Api: a", "X-Api: 1"}},
		{"set comes after add", `{"headers":{"add":{"X-Api":"a"},"set":{"X-Api":"s"}}}`, "/", []string{"X-Api: s", "X-B: 2"}},
		{"remove comes last", `{"headers":{"remove":["x-api","X-New"],"set":{"X-New":"1"}}}`, "/", []string{"X-B: 2"}},
		{"variables", `{"headers":{"set":{"X-Api":"$remote_addr","X-B":"${arg_x ?? none} $nothing"}}}`, "/", []string{"X-Api: 127.0.0.1", "X-B: none "}},
		{"nothing", `{"headers":{"set":{"X-Api":"$nothing","X-B":["","x"]},"add":{"X-C":"$nothing"}}}`, "/", []string{"X-B: x"}},
		{"groups", `{"regex_uri":["^/test/(.*)/(.*)","/echo"],"headers":{"set":{"X-Api":"$1/${2}/$3"}}}`, "/test/a/b", []string{"X-Api: a/b/", "X-B: 2"}},
		{"groups without a match", `{"regex_uri":["^/test/(.*)/(.*)","/echo"],"headers":{"set":{"X-Api":"$1/$2"}}}`, "/x", []string{"X-Api: /", "X-B: 2"}},
		{"a value cannot break a line", `{"headers":{"set":{"X-Api":"$arg_x"}}}`, "/?x=a%0d%0ab:c", []string{"X-Api: a%0D%0Ab:c", "X-B: 2"}},
		{"a group is not expanded", `{"regex_uri":["^/(.*)","/"],"headers":{"set":{"X-Api":"$1"}}}`, "/$remote_addr", []string{"X-Api: $remote_addr", "X-B: 2"}},
		{"a field named add", `{"headers":{"add":"x","remove":1}}`, "/", []string{"X-Api: 1", "X-B: 2", "X-api: 3", "add: x", "remove: 1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := plugintest.New(plugintest.WithTarget(tt.target), plugintest.WithHeader("X-Api", "1"),
				plugintest.WithHeader("X-B", "2"), plugintest.WithHeader("X-api", "3"))
			out := plugintest.Run(t, New(), tt.conf, x)
			if out.Err != nil {
				t.Fatalf("got error %v, want none", out.Err)
			}
			if diff := cmp.Diff(tt.want, out.Sent.Header.Lines()); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHostAndMethod(t *testing.T) {
	x := plugintest.New()
	out := plugintest.Run(t, New(), `{"host":"test.com:8080","method":"POST"}`, x)
	if got := x.Vars()["upstream_host"]; got != "test.com:8080" {
		t.Errorf("host: got %q, want test.com:8080", got)
	}
	if out.Sent.Method != "POST" {
		t.Errorf("method: got %s, want POST", out.Sent.Method)
	}
}

func TestSlowPattern(t *testing.T) {
	// The look-ahead takes the pattern to the engine that tracks back, where it would run for years.
	x := plugintest.New(plugintest.WithTarget("/" + strings.Repeat("a", 64)))
	out := plugintest.Run(t, New(), `{"regex_uri":["^/(?=a)(a+)+$b","/x"]}`, x)
	if out.Sent != nil && out.Sent.Target == "/x" || out.Err != nil {
		t.Errorf("got target %v and error %v, want an answer or the path as it was", out.Sent, out.Err)
	}
	if out.Exit != nil && (out.Status != 500 || !strings.Contains(out.Body, `"error_msg":"failed to match the uri /aaa`)) {
		t.Errorf("got %d %s, want 500 and failed to match the uri", out.Status, out.Body)
	}
}

func TestConfigureRefuses(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"odd", `{"regex_uri":["a","b","c"]}`, "The length of regex_uri should be an even number"},
		{"bad pattern", `{"regex_uri":["[^/test/(.*)","/$1"]}`, "invalid regex_uri([^/test/(.*), /$1): "},
		{"bad replacement", "{\"regex_uri\":[\"^/test/(.*)\",\"/$`1\"]}", "invalid regex_uri(^/test/(.*), /$`1): "},
		{"bad field name", `{"headers":{"X Api":"1"}}`, "invalid field character in header"},
		{"bad field value", `{"headers":{"X-Api":"1\r\n2"}}`, "invalid value character in header"},
		{"not JSON", `{"uri":1}`, "decode configuration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzRewrite(f *testing.F) {
	for _, seed := range []string{"/", "/a?b", "/%3f%0d%0a", "/$1", "/a//../b"} {
		f.Add(seed)
	}
	var plugins []sdk.Hooks
	for _, conf := range []string{
		`{"uri":"/a$uri/b?c=$uri&d=$arg_x","headers":{"X":"$uri"}}`,
		`{"regex_uri":["^/(.*)","/x/$1?y=$1"],"headers":{"X":"$1"}}`,
		`{"uri":"/a/$uri","use_real_request_uri_unsafe":true}`,
	} {
		hooks, err := plugintest.TryConfigure(New(), conf, sdk.Scope{})
		if err != nil {
			f.Fatal(err)
		}
		plugins = append(plugins, hooks)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") {
			return
		}
		for i, hooks := range plugins {
			x := plugintest.New(plugintest.WithVar("request_uri", path))
			x.Request().SetPath(path)
			out := plugintest.Walk(hooks, x)
			if out.Err != nil {
				t.Fatalf("plugin %d: got error %v, want none", i, out.Err)
			}
			if out.Exit != nil {
				continue
			}
			if strings.ContainsFunc(out.Sent.Target, isForbidden) {
				t.Errorf("plugin %d: target %q can not be sent", i, out.Sent.Target)
			}
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	benchmarks := map[string]string{
		"uri":       `{"uri":"/new"}`,
		"variables": `{"uri":"/new/$arg_x"}`,
		"regex":     `{"regex_uri":["^/(hello|new)/(.*)","/new/$2"]}`,
		"header":    `{"headers":{"set":{"X-Api":"v2"}}}`,
		"address":   `{"headers":{"set":{"X-Addr":"$remote_addr"}}}`,
		"host":      `{"host":"test.com"}`,
	}
	names := make([]string, 0, len(benchmarks))
	for name := range benchmarks {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Run(name, func(b *testing.B) {
			hooks, err := plugintest.TryConfigure(New(), benchmarks[name], sdk.Scope{})
			if err != nil {
				b.Fatal(err)
			}
			x := plugintest.New(plugintest.WithTarget("/hello/world?x=1"))
			b.ReportAllocs()
			for b.Loop() {
				_ = hooks.Rewrite(x)
			}
		})
	}
}
