package core_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/sdk"
)

func TestVars(t *testing.T) {
	t.Parallel()
	logged := make(chan map[string]string, 1)
	hostname, _ := os.Hostname()
	var names []string
	tests := []struct {
		name string
		want string // a regular expression over the whole value; "-": it has none
		when string // rewrite or log
	}{
		{"remote_addr", `127\.0\.0\.1`, "rewrite"}, {"remote_port", `[0-9]+`, "rewrite"},
		{"realip_remote_addr", `127\.0\.0\.1`, "rewrite"}, {"realip_remote_port", `[0-9]+`, "rewrite"},
		{"binary_remote_addr", "\x7f\x00\x00\x01", "rewrite"},
		{"uri", `/a b/c`, "rewrite"}, {"document_uri", `/a b/c`, "rewrite"}, {"request_uri", `/a%20b/c\?x=1&y=%41&x=2&z`, "rewrite"},
		{"real_request_uri", `/a%20b/\./c\?x=1&y=%41&x=2&z`, "rewrite"},
		{"method", "POST", "rewrite"}, {"request_method", "POST", "rewrite"},
		{"request", `POST /a%20b/\./c\?x=1&y=%41&x=2&z HTTP/1\.1`, "rewrite"},
		{"args", `x=1&y=%41&x=2&z`, "rewrite"}, {"query_string", `x=1&y=%41&x=2&z`, "rewrite"}, {"is_args", `\?`, "rewrite"},
		{"arg_x", "1", "rewrite"}, {"arg_y", "A", "rewrite"}, {"arg_z", "", "rewrite"}, {"arg_none", "-", "rewrite"},
		{"host", `gw\.test`, "rewrite"}, {"http_host", `GW\.test:80`, "rewrite"},
		{"scheme", "http", "rewrite"}, {"https", "", "rewrite"}, {"server_protocol", `HTTP/1\.1`, "rewrite"},
		{"http_x_twice", "1, 2", "rewrite"}, {"http_none", "-", "rewrite"}, {"http_user_agent", "test", "rewrite"},
		{"cookie", "a=1; b=2", "rewrite"}, {"cookie_b", "2", "rewrite"}, {"cookie_c", "-", "rewrite"},
		{"content_type", `application/x-www-form-urlencoded; charset=utf-8`, "rewrite"}, {"content_length", "10", "rewrite"},
		{"post_arg_f", "v w", "rewrite"}, {"post_arg_g", "-", "rewrite"},
		{"server_addr", `127\.0\.0\.1`, "rewrite"}, {"server_port", "PORT", "rewrite"}, {"server_name", "_", "rewrite"},
		{"hostname", regexp.QuoteMeta(hostname), "rewrite"}, {"pid", strconv.Itoa(os.Getpid()), "rewrite"},
		{"ssl_server_name", "-", "rewrite"}, {"remote_user", "-", "rewrite"},
		{"msec", `[0-9]{10}\.[0-9]{3}`, "rewrite"}, {"time_iso8601", `20..-..-..T..:..:..[+-]..:..`, "rewrite"},
		{"time_local", `../.../20..:..:..:.. [+-]....`, "rewrite"}, {"request_time", `[0-9]+\.[0-9]{3}`, "rewrite"},
		{"status", "000", "rewrite"}, {"upstream_addr", "-", "rewrite"}, {"upstream_status", "-", "rewrite"}, {"upstream_scheme", "http", "rewrite"},
		{"upstream_host", `GW\.test:80`, "rewrite"}, {"upstream_uri", `/a%20b/c\?x=1&y=%41&x=2&z`, "rewrite"},
		{"route_id", "r1", "rewrite"}, {"route_name", "the route", "rewrite"}, {"service_id", "s1", "rewrite"},
		{"service_name", "the service", "rewrite"}, {"matched_uri", `/a\*`, "rewrite"}, {"matched_host", `\*\.test`, "rewrite"},
		{"uri_param_:ext", "-", "rewrite"}, {"consumer_name", "-", "rewrite"}, {"consumer_group_id", "-", "rewrite"},
		{"sent_http_x_up", "-", "rewrite"}, {"upstream_http_x_up", "-", "rewrite"}, {"balancer_ip", "-", "rewrite"},
		{"own", "set", "rewrite"}, {"nonsense", "-", "rewrite"}, {"other_nonsense", "-", "rewrite"},
		{"status", "201", "log"}, {"sent_http_x_up", "a, b", "log"}, {"upstream_http_x_up", "a, b", "log"},
		{"upstream_addr", "127.0.0.1:1, NODE", "log"}, {"upstream_status", "502, 201", "log"},
		{"upstream_response_time", `[0-9]+\.[0-9]{3}, [0-9]+\.[0-9]{3}`, "log"},
		{"upstream_connect_time", `0\.000, [0-9]+\.[0-9]{3}`, "log"}, {"upstream_header_time", `-, [0-9]+\.[0-9]{3}`, "log"},
		{"balancer_ip", `127\.0\.0\.1`, "log"}, {"balancer_port", "NPORT", "log"}, {"upstream_unresolved_host", `127\.0\.0\.1`, "log"},
		{"upstream_host", `GW\.test:80`, "log"},
		{"body_bytes_sent", "5", "log"}, {"bytes_sent", "SENT", "log"}, {"request_length", "RECEIVED", "log"},
		{"request_time", `[0-9]+\.[0-9]{3}`, "log"}, {"route_id", "r1", "log"}, {"own", "set", "log"},
	}
	for _, tt := range tests {
		names = append(names, tt.name)
	}
	all := func(x core.Vars) map[string]string {
		values := map[string]string{}
		for _, name := range names {
			if v, ok := x.Var(name); ok {
				values[name] = v
			}
		}
		return values
	}
	var early map[string]string
	look := native("look", 1, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
		x.SetVar("own", "first")
		x.SetVar("own", "set")
		early = all(x)
		return nil
	}})
	g := start(t, []sdk.Plugin{look}, func(o *core.Options) { o.AccessLog = func(v core.Vars) { logged <- all(v) } })
	node := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-Up", "a")
		w.Header().Add("X-Up", "b")
		w.WriteHeader(201)
		_, _ = w.Write([]byte("hello"))
	})
	g.puts(
		"services/s1", `{"name":"the service","upstream":`+upstreamOf("127.0.0.1:1", node)+`}`,
		"routes/r1", `{"name":"the route","uri":"/a*","host":"*.test","plugins":{"look":{}},"service_id":"s1"}`,
	)
	sent := "POST /a%20b/./c?x=1&y=%41&x=2&z HTTP/1.1\r\nHost: GW.test:80\r\nX-Twice: 1\r\nx-twice: 2\r\nUser-Agent: test\r\nCookie: a=1; b=2\r\n" +
		"Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: 10\r\nConnection: close\r\n\r\ne=1&f=v%20"
	sent = strings.Replace(sent, "e=1&f=v%20", "f=v%20w&e=", 1)
	c := dial(t, g.addr)
	c.send(sent)
	raw, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatal(err)
	}
	late := <-logged
	_, port, _ := net.SplitHostPort(g.addr)
	_, nodePort, _ := net.SplitHostPort(node)
	known := strings.NewReplacer("NPORT", nodePort, "PORT", port, "NODE", node, "SENT", strconv.Itoa(len(raw)), "RECEIVED", strconv.Itoa(len(sent)))
	for _, tt := range tests {
		t.Run(tt.when+"/"+tt.name, func(t *testing.T) {
			values := early
			if tt.when == "log" {
				values = late
			}
			got, ok := values[tt.name]
			if tt.want == "-" {
				if ok {
					t.Errorf("got %q, want no value", got)
				}
				return
			}
			if want := known.Replace(tt.want); !ok || !regexp.MustCompile("^(?:"+want+")$").MatchString(got) {
				t.Errorf("got %q, %t, want %s", got, ok, want)
			}
		})
	}
}

// TestVarsOfTheNextRequest looks for what a request leaves behind for the next one on the same exchange.
func TestVarsOfTheNextRequest(t *testing.T) {
	t.Parallel()
	leftovers := []string{
		"own", "status", "upstream_addr", "upstream_status", "balancer_ip", "balancer_port", "sent_http_x_up", "upstream_http_x_up", "body_bytes_sent",
		"consumer_name", "http_x_secret", "arg_secret", "bytes_sent", "upstream_host",
	}
	var first, second []string
	took := ""
	g := start(t, []sdk.Plugin{native("look", 1, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
		var values []string
		for _, name := range leftovers {
			v, ok := x.Var(name)
			values = append(values, name+"="+v+strconv.FormatBool(ok))
		}
		if first == nil {
			first = values
		} else {
			second = values
		}
		took, _ = x.Var("request_time")
		if x.Request().Path() == "/1" {
			x.SetVar("own", "set")
			x.SetVar("upstream_host", "secret.test")
			x.Response().Header().Set("X-Up", "1")
		}
		return nil
	}})})
	g.route(`{"look":{}}`, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/1" {
			<-time.After(200 * time.Millisecond)
		}
		_, _ = w.Write([]byte("hello"))
	}))
	c := dial(t, g.addr)
	for _, path := range []string{"/0", "/1?secret=1", "/0"} {
		c.send(request("GET", path, "", "X-Other: 1"))
		got := c.read("GET")
		if got.body != "hello" {
			t.Fatalf("got %d %q", got.status, got.body)
		}
		if up := got.header.Get("X-Up"); (up != "") != strings.HasPrefix(path, "/1") {
			t.Errorf("%s: got X-Up %q", path, up)
		}
	}
	if !strings.HasPrefix(took, "0.0") {
		t.Errorf("got request_time %s at the beginning, want that of this request", took)
	}
	if strings.Join(first, " ") != strings.Join(second, " ") {
		t.Errorf("got %v, want what the first request had: %v", second, first)
	}
}
