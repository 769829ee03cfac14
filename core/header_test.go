package core_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/polygate/polygate/sdk"
)

func TestInvalidChanges(t *testing.T) {
	t.Parallel()
	changes := map[string]func(sdk.Exchange){
		"/request-value":    func(x sdk.Exchange) { x.Request().Header().Set("X-A", "a\r\nX-B: b") },
		"/request-name":     func(x sdk.Exchange) { x.Request().Header().Add("X A", "a") },
		"/response-value":   func(x sdk.Exchange) { x.Response().Header().Set("X-A", "a\x00") },
		"/response-name":    func(x sdk.Exchange) { x.Response().Header().Add("", "a") },
		"/method":           func(x sdk.Exchange) { x.Request().SetMethod("GET /x") },
		"/connect":          func(x sdk.Exchange) { x.Request().SetMethod("CONNECT") },
		"/path":             func(x sdk.Exchange) { x.Request().SetPath("no-slash") },
		"/path-nul":         func(x sdk.Exchange) { x.Request().SetPath("/a\x00b") },
		"/query":            func(x sdk.Exchange) { x.Request().SetQuery("a b") },
		"/upstream-host":    func(x sdk.Exchange) { x.SetVar("upstream_host", "a b\r\n") },
		"/upstream-uri":     func(x sdk.Exchange) { x.SetVar("upstream_uri", "/a b") },
		"/status-low":       func(x sdk.Exchange) { x.Response().SetStatus(199) },
		"/status-high":      func(x sdk.Exchange) { x.Response().SetStatus(600) },
		"/host":             func(x sdk.Exchange) { x.Request().Header().Set("Host", "a/b") },
		"/content-length-1": func(x sdk.Exchange) { x.Response().Header().Set("X-Fine", "\tä") },
	}
	var asked atomic.Int64
	up := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	access := native("access", 1, sdk.Hooks{Access: func(x sdk.Exchange) error { changes[x.Request().Path()](x); return nil }})
	exits := native("exits", 1, sdk.Hooks{Access: func(x sdk.Exchange) error {
		changes[x.Request().Path()](x)
		return x.Exit(200, "all is well")
	}})
	filter := native("filter", 1, sdk.Hooks{HeaderFilter: func(x sdk.Exchange) error { changes[x.Request().Path()](x); return nil }})
	g := start(t, []sdk.Plugin{access, exits, filter})
	for _, plugin := range []string{"access", "exits", "filter"} {
		g.route(`{"`+plugin+`":{}}`, up)
		for path := range changes {
			t.Run(plugin+path, func(t *testing.T) {
				before := asked.Load()
				got := g.get(path)
				if path == "/content-length-1" {
					if got.status != 200 {
						t.Errorf("got status %d, want 200", got.status)
					}
					return
				}
				want := `{"error_msg":"502 Bad Gateway: the plugin ` + plugin + ` failed"}` + "\n"
				if got.status != 502 || got.body != want {
					t.Errorf("got %d %q, want 502 %q", got.status, got.body, want)
				}
				if n := asked.Load() - before; plugin != "filter" && n != 0 {
					t.Errorf("got %d requests at the upstream, want none", n)
				}
			})
		}
	}
}

func TestEarlyResponseFields(t *testing.T) {
	t.Parallel()
	early := native("early", 10, sdk.Hooks{Access: func(x sdk.Exchange) error {
		h := x.Response().Header()
		h.Set("X-Set", "first")
		h.Set("X-Set", "plugin")
		h.Add("X-Add", "1")
		h.Add("X-Add", "2")
		h.Del("X-Up")
		if got := h.Get("X-Set") + " " + strings.Join(h.Values("x-add"), ","); got != "plugin 1,2" {
			return x.Exit(555, got)
		}
		if x.Response().Status() != 0 {
			return x.Exit(555, "a status")
		}
		return nil
	}})
	exits := native("exits", 1, sdk.Hooks{Access: func(x sdk.Exchange) error { return x.Exit(401, "no") }})
	fails := native("fails", 1, sdk.Hooks{HeaderFilter: func(sdk.Exchange) error { panic("no") }})
	breaks := native("breaks", 1, sdk.Hooks{BodyFilter: func(sdk.Exchange, *sdk.Chunk) error { panic("no") }})
	g := start(t, []sdk.Plugin{early, exits, fails, breaks})
	up := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Set", "upstream")
		w.Header().Set("X-Add", "0")
		w.Header().Set("X-Up", "upstream")
	})
	tests := []struct {
		name, plugins, node string
		status              int
		add                 string
	}{
		{"on the upstream's response", `{"early":{}}`, up, 200, "0,1,2"},
		{"on an exit", `{"early":{},"exits":{}}`, up, 401, "1,2"},
		{"on an error", `{"early":{}}`, refusing(t), 502, "1,2"},
		{"on a failure of a header filter", `{"early":{},"fails":{}}`, up, 500, "1,2"},
		{"on a failure of a body filter", `{"early":{},"breaks":{}}`, up, 500, "1,2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.route(tt.plugins, tt.node)
			got := g.get("/")
			add := strings.Join(got.header.Values("X-Add"), ",")
			if got.status != tt.status || got.header.Get("X-Set") != "plugin" || add != tt.add || got.header.Get("X-Up") != "" {
				t.Errorf("got %d %v, want %d with X-Set: plugin, X-Add: %s and no X-Up", got.status, got.header, tt.status, tt.add)
			}
			if got.header.Get("Server") != "polygate/9.9" || got.header.Get("Date") == "" {
				t.Errorf("got %v, want Server and Date too", got.header)
			}
		})
	}
}

func TestHeaderFilter(t *testing.T) {
	t.Parallel()
	var j journal
	filter := native("filter", 1, sdk.Hooks{
		HeaderFilter: func(x sdk.Exchange) error {
			r := x.Response()
			if r.Origin() != sdk.OriginUpstream || r.Status() != 200 || r.Header().Get("x-a") != "1" {
				j.add("wrong response")
			}
			for name, value := range r.Header().All() {
				if name == "X-A" {
					j.add(value)
				}
			}
			r.SetStatus(299)
			r.Header().Set("X-A", "changed")
			r.Header().Del("X-B")
			return nil
		},
		BodyFilter: func(x sdk.Exchange, _ *sdk.Chunk) error {
			x.Response().SetStatus(204)
			x.Response().Header().Set("X-Late", "1")
			return nil
		},
	})
	g := start(t, []sdk.Plugin{filter})
	g.route(`{"filter":{}}`, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Add("X-A", "1")
		w.Header().Add("X-A", "2")
		w.Header().Set("X-B", "b")
	}))
	got := g.get("/")
	if got.status != 299 || len(got.header["X-A"]) != 1 || got.header.Get("X-A") != "changed" || got.header.Get("X-B") != "" {
		t.Errorf("got %d %v, want the filter's changes", got.status, got.header)
	}
	if got.header.Get("X-Late") != "" {
		t.Errorf("got a change that was made after the header filter: %v", got.header)
	}
	if j.String() != "12" {
		t.Errorf("got %q of the upstream's fields, want 12", j.String())
	}
}

func TestRequestChanges(t *testing.T) {
	t.Parallel()
	change := native("change", 1, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
		r := x.Request()
		r.SetMethod("PATCH")
		r.SetPath("/a b/../ä")
		r.SetQuery("x=1&y=%20")
		r.Header().Set("X-New", "new")
		r.Header().Add("X-Twice", "2")
		r.Header().Del("X-Old")
		r.Header().Set("Host", "set.test:81")
		if r.Path() != "/ä" || r.Method() != "PATCH" || r.Query() != "x=1&y=%20" || r.Header().Get("X-Old") != "" {
			return x.Exit(555, r.Path())
		}
		return nil
	}})
	g := start(t, []sdk.Plugin{change})
	g.route(`{"change":{}}`, serve(t, echo))
	got := decodeEcho(t, g.get("/old?q", "X-Old: 1", "X-Twice: 1"))
	if got.Line != "PATCH /%C3%A4?x=1&y=%20" || got.Host != "set.test:81" {
		t.Errorf("got %q for %q, want the plugin's", got.Line, got.Host)
	}
	if h := got.Header; h.Get("X-New") != "new" || h.Get("X-Old") != "" || strings.Join(h["X-Twice"], ",") != "1,2" {
		t.Errorf("got %v, want the plugin's changes", h)
	}
}

// echoed is what echo saw.
type echoed struct {
	Line, Host, Body string
	Header           http.Header
	Trailer          http.Header
}

// echo is an upstream that answers with what it got.
func echo(w http.ResponseWriter, r *http.Request) {
	var body strings.Builder
	if _, err := io.Copy(&body, r.Body); err != nil {
		body.WriteString("! " + err.Error())
	}
	e := echoed{Line: r.Method + " " + r.RequestURI, Host: r.Host, Body: body.String(), Header: r.Header, Trailer: r.Trailer}
	_ = json.NewEncoder(w).Encode(e)
}

func decodeEcho(t testing.TB, a answer) (e echoed) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), &e); err != nil || a.status != 200 {
		t.Fatalf("got %d %q, want the upstream's echo", a.status, a.body)
	}
	return e
}

func TestMeta(t *testing.T) {
	t.Parallel()
	var j journal
	refuse := native("refuse", 1, sdk.Hooks{Access: func(x sdk.Exchange) error {
		if x.Request().Query() == "" {
			return nil
		}
		return x.Exit(403, "plain")
	}})
	g := start(t, []sdk.Plugin{scribe("a", 20, &j), scribe("b", 10, &j), refuse})
	up := say(t, "hello")
	tests := []struct {
		name, plugins, path, body, hooks string
	}{
		{"without", `{"a":{},"b":{}}`, "/x", "hello", "a.access b.access "},
		{"disable", `{"a":{"_meta":{"disable":true}},"b":{}}`, "/x", "hello", "b.access "},
		{"priority", `{"a":{"_meta":{"priority":5}},"b":{}}`, "/x", "hello", "b.access a.access "},
		{"filter that holds", `{"a":{"_meta":{"filter":[["uri","==","/x"]]}}}`, "/x", "hello", "a.access "},
		{"filter that does not hold", `{"a":{"_meta":{"filter":[["uri","==","/y"]]}},"b":{}}`, "/x", "hello", "b.access "},
		{"error_response as text", `{"refuse":{"_meta":{"error_response":"go away"}}}`, "/x?1", "go away", ""},
		{"error_response as an object", `{"refuse":{"_meta":{"error_response":{"code":7}}}}`, "/x?1", `{"code":7}` + "\n", ""},
		{"no error_response", `{"refuse":{}}`, "/x?1", "plain", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.route(tt.plugins, up)
			j.reset()
			if got := g.get(tt.path); got.body != tt.body {
				t.Errorf("got body %q, want %q", got.body, tt.body)
			}
			hooks := ""
			for _, h := range strings.Fields(j.String()) {
				if strings.HasSuffix(h, ".access") {
					hooks += h + " "
				}
			}
			if hooks != tt.hooks {
				t.Errorf("got hooks %q, want %q", hooks, tt.hooks)
			}
		})
	}
}
