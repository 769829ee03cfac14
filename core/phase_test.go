package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
)

func TestPhaseOrder(t *testing.T) {
	t.Parallel()
	var j journal
	g := start(t, []sdk.Plugin{scribe("a", 20, &j), scribe("b", 10, &j), scribe("all", 1, &j), native("stop", 15, sdk.Hooks{
		Access: func(x sdk.Exchange) error { return x.Exit(418, "no") },
	})})
	up := say(t, "hello")
	g.puts(
		"global_rules/1", `{"id":"1","plugins":{"all":{}}}`,
		"routes/1", `{"uri":"/ok","plugins":{"a":{},"b":{}},"upstream":`+upstreamOf(up)+`}`,
		"routes/2", `{"uri":"/exit","plugins":{"a":{},"b":{},"stop":{}},"upstream":`+upstreamOf(up)+`}`,
		"routes/3", `{"uri":"/down","plugins":{"a":{}},"upstream":`+upstreamOf(refusing(t))+`}`,
	)
	tests := []struct {
		name, path string
		status     int
		want       string
	}{
		{
			name: "a request walks through all phases, the global rules first", path: "/ok", status: 200,
			want: "all.rewrite a.rewrite b.rewrite all.access a.access b.access all.before_proxy a.before_proxy b.before_proxy " +
				"all.header_filter a.header_filter b.header_filter all.body_filter a.body_filter b.body_filter all.log a.log b.log ",
		},
		{
			name: "an exit keeps the later hooks of the request from running, but not the filters", path: "/exit", status: 418,
			want: "all.rewrite a.rewrite b.rewrite all.access a.access " +
				"all.header_filter a.header_filter b.header_filter all.body_filter a.body_filter b.body_filter all.log a.log b.log ",
		},
		{
			name: "an error passes the filters too", path: "/down", status: 502,
			want: "all.rewrite a.rewrite all.access a.access all.before_proxy a.before_proxy " +
				"all.header_filter a.header_filter all.body_filter a.body_filter all.log a.log ",
		},
		{
			name: "global rules run where there is no route", path: "/none", status: 404,
			want: "all.rewrite all.access all.header_filter all.body_filter all.log ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			j.reset()
			if got := g.get(tt.path); got.status != tt.status {
				t.Errorf("got status %v, want %v", got.status, tt.status)
			}
			eventually(t, "the log hooks have run", func() bool { return strings.Count(j.String(), ".log") == strings.Count(tt.want, ".log") })
			if diff := cmp.Diff(tt.want, j.String()); diff != "" {
				t.Errorf("hooks (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	got := g.get("/none")
	if got.status != 404 || got.body != `{"error_msg":"404 Route Not Found"}`+"\n" || got.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %+v, want APISIX's 404", got)
	}
	if s := got.header.Get("Server"); s != "polygate/9.9" {
		t.Errorf("got server %q, want polygate/9.9", s)
	}
}

// failing is a plugin that misbehaves in the phase that its configuration names, by "how".
func failing() sdk.Plugin {
	return testPlugin{
		info: sdk.Info{Name: "failing", Version: "0.1", Priority: 5},
		configure: func(_ context.Context, conf json.RawMessage) (sdk.Hooks, error) {
			var c struct{ Phase, How string }
			if err := json.Unmarshal(conf, &c); err != nil {
				return sdk.Hooks{}, err
			}
			fail := func() error {
				if c.How == "panic" {
					panic("the secret text")
				}
				return errors.New("the secret text")
			}
			at := func(phase sdk.Phase) func(sdk.Exchange) error {
				return func(x sdk.Exchange) error {
					if c.Phase != phase.String() || x.Request().Header().Get("X-Calm") != "" {
						return nil
					}
					return fail()
				}
			}
			body := at(sdk.PhaseBodyFilter)
			log := at(sdk.PhaseLog)
			return sdk.Hooks{
				Rewrite: at(sdk.PhaseRewrite), Access: at(sdk.PhaseAccess), BeforeProxy: at(sdk.PhaseBeforeProxy),
				HeaderFilter: at(sdk.PhaseHeaderFilter),
				BodyFilter:   func(x sdk.Exchange, _ *sdk.Chunk) error { return body(x) },
				Log:          func(x sdk.Exchange) { _ = log(x) },
			}, nil
		},
	}
}

func TestFailingHooks(t *testing.T) {
	t.Parallel()
	var j journal
	g := start(t, []sdk.Plugin{failing(), scribe("after", 1, &j)})
	up := say(t, "hello")
	tests := []struct {
		phase  sdk.Phase
		status int // of a failure
	}{
		{sdk.PhaseRewrite, 500}, {sdk.PhaseAccess, 500}, {sdk.PhaseBeforeProxy, 500}, {sdk.PhaseHeaderFilter, 500},
		{sdk.PhaseBodyFilter, 500}, {sdk.PhaseLog, 200},
	}
	for _, tt := range tests {
		for _, how := range []string{"panic", "error"} {
			if how == "error" && tt.phase == sdk.PhaseLog {
				continue
			}
			t.Run(how+" in "+tt.phase.String(), func(t *testing.T) {
				g.logs.reset()
				g.route(fmt.Sprintf(`{"failing":{"phase":%q,"how":%q},"after":{}}`, tt.phase, how), up)
				j.reset()
				got := g.get("/x")
				if got.status != tt.status || got.err != nil {
					t.Errorf("got %+v, want status %d", got, tt.status)
				}
				if strings.Contains(got.body, "secret") || tt.status == 500 && !strings.Contains(got.body, "plugin failing") {
					t.Errorf("got body %q, want one that names the plugin and says no more", got.body)
				}
				eventually(t, "the other plugin's log hook has run", func() bool { return j.has("after.log") })
				eventually(t, "the failure is in the log", func() bool { return g.logs.has("the secret text") })
				if !g.logs.has("plugin failing: " + tt.phase.String()) {
					t.Errorf("the log does not name plugin and phase")
				}
				if how == "panic" && !g.logs.has("phase_test.go") {
					t.Errorf("the log has no stack")
				}
				if got := g.get("/x", "X-Calm: 1"); got.status != 200 || got.body != "hello" {
					t.Errorf("got %+v of another request, want hello", got)
				}
			})
		}
	}
}

func TestExitBodies(t *testing.T) {
	t.Parallel()
	bodies := map[string]func(sdk.Exchange) error{
		"nil":    func(x sdk.Exchange) error { return x.Exit(403, nil) },
		"nil200": func(x sdk.Exchange) error { return x.Exit(200, nil) },
		"string": func(x sdk.Exchange) error { return x.Exit(201, "text") },
		"bytes":  func(x sdk.Exchange) error { return x.Exit(202, []byte("bytes")) },
		"json":   func(x sdk.Exchange) error { return x.Exit(401, map[string]string{"message": "a<b"}) },
		"raw":    func(x sdk.Exchange) error { return x.Exit(400, json.RawMessage(`{"a":1}`)) },
		"bad":    func(x sdk.Exchange) error { return x.Exit(400, func() {}) },
		"low":    func(x sdk.Exchange) error { return x.Exit(101, nil) },
		"high":   func(x sdk.Exchange) error { return x.Exit(600, nil) },
		"empty":  func(x sdk.Exchange) error { return x.Exit(204, "ignored") },
		"gone":   func(x sdk.Exchange) error { return x.Exit(499, "seen") },
		"inside": func(x sdk.Exchange) error { return fmt.Errorf("wrapped: %w", x.Exit(409, "wrapped")) },
	}
	g := start(t, []sdk.Plugin{native("exits", 1, sdk.Hooks{Access: func(x sdk.Exchange) error {
		return bodies[strings.TrimPrefix(x.Request().Path(), "/")](x)
	}})})
	g.route(`{"exits":{}}`, refusing(t))
	tests := []struct {
		name, path, body, contentType string
		status                        int
	}{
		{"an error without a body says who refuses", "/nil", `{"error_msg":"403 Forbidden: refused by the plugin exits"}` + "\n", "application/json", 403},
		{"a success without a body is empty", "/nil200", "", "", 200},
		{"a string", "/string", "text", "text/plain; charset=utf-8", 201},
		{"bytes", "/bytes", "bytes", "text/plain; charset=utf-8", 202},
		{"a value is JSON with a newline", "/json", `{"message":"a<b"}` + "\n", "application/json", 401},
		{"raw JSON", "/raw", `{"a":1}` + "\n", "application/json", 400},
		{"no JSON", "/bad", `{"error_msg":"500 Internal Server Error: the plugin exits answered with something that is not JSON"}` + "\n", "application/json", 500},
		{"an interim status", "/low", `{"error_msg":"500 Internal Server Error: the plugin exits failed"}` + "\n", "application/json", 500},
		{"a status that is none", "/high", `{"error_msg":"500 Internal Server Error: the plugin exits failed"}` + "\n", "application/json", 500},
		{"no content", "/empty", "", "text/plain; charset=utf-8", 204},
		{"499 is a status like others", "/gone", "seen", "text/plain; charset=utf-8", 499},
		{"an exit that was wrapped", "/inside", "wrapped", "text/plain; charset=utf-8", 409},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := g.get(tt.path)
			if got.status != tt.status || got.body != tt.body || got.header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %q %q, want %d %q %q", got.status, got.header.Get("Content-Type"), got.body, tt.status, tt.contentType, tt.body)
			}
		})
	}
}
