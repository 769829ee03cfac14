package plugintest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestVar(t *testing.T) {
	x := plugintest.New(
		plugintest.WithMethod("POST"), plugintest.WithTarget("/a%20b?x=1%202&y"), plugintest.WithRemoteAddr("192.0.2.1"),
		plugintest.WithHeader("Host", "example.com"), plugintest.WithHeader("X-Id", "7"), plugintest.WithHeader("Cookie", "a=b; c=d"),
		plugintest.WithVar("own", "o"), plugintest.WithUpstream(plugintest.Upstream{Status: 201, Header: []plugintest.Field{{Name: "X-Up", Value: "u"}}}),
	)
	x.Respond()
	for name, want := range map[string]string{
		"request_method": "POST", "uri": "/a b", "request_uri": "/a%20b?x=1%202&y", "args": "x=1%202&y", "query_string": "x=1%202&y",
		"is_args": "?", "arg_x": "1 2", "arg_y": "", "remote_addr": "192.0.2.1", "host": "example.com", "scheme": "http", "http_x_id": "7",
		"cookie_c": "d", "own": "o", "status": "201", "sent_http_x_up": "u",
	} {
		if got, ok := x.Var(name); !ok || got != want {
			t.Errorf("%s: got %q and %v, want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"arg_z", "http_none", "cookie_z", "none", "consumer_name", "sent_http_none"} {
		if got, ok := x.Var(name); ok {
			t.Errorf("%s: got %q, want none", name, got)
		}
	}
}

func TestSetPathIsCanonical(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"plain", "/a/b", "/a/b"}, {"no slash", "a", "/a"}, {"empty", "", "/"}, {"dots", "/a/./../b/..", "/"},
		{"above the root", "/../../a", "/a"}, {"slash at the end", "/a/b/..", "/a/"}, {"dots in names", "/a/.b/..c", "/a/.b/..c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := plugintest.New()
			x.Request().SetPath(tt.in)
			if got := x.Request().Path(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct {
		name string
		do   func(x *plugintest.Exchange)
		want string
	}{
		{"name", func(x *plugintest.Exchange) { x.Request().Header().Set("a b", "c") }, "invalid header field name"},
		{"empty name", func(x *plugintest.Exchange) { x.Request().Header().Add("", "c") }, "invalid header field name"},
		{"value", func(x *plugintest.Exchange) { x.Response().Header().Add("a", "b\nc") }, "invalid value"},
		{"method", func(x *plugintest.Exchange) { x.Request().SetMethod("") }, "invalid method"},
		{"status", func(x *plugintest.Exchange) { x.Response().SetStatus(600) }, "invalid status"},
		{"nothing", func(x *plugintest.Exchange) { x.Response().Header().Set("a", "b\tc") }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := plugintest.New()
			tt.do(x)
			err := x.Failure()
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWalkRecords(t *testing.T) {
	hooks := sdk.Hooks{
		Access: func(x sdk.Exchange) error {
			x.Log().With("a", 1).WithGroup("g").Warn("careful", "b", 2)
			return x.Exit(403, struct {
				Message string `json:"message"`
			}{"<no>"})
		},
		BodyFilter: func(_ sdk.Exchange, chunk *sdk.Chunk) error { return nil },
		Log:        func(sdk.Exchange) { panic("too late") },
	}
	x := plugintest.New()
	out := plugintest.Walk(hooks, x)
	if out.Exit == nil || out.Exit.Status != 403 || out.Origin != sdk.OriginPlugin || len(x.Exits()) != 1 {
		t.Errorf("exit: got %v from %v, want 403 from the plugin", out.Exit, out.Origin)
	}
	if want := "{\"message\":\"<no>\"}\n"; out.Body != want {
		t.Errorf("body: got %q, want %q", out.Body, want)
	}
	if out.Err == nil || !strings.Contains(out.Err.Error(), "too late") {
		t.Errorf("error: got %v, want the panic of the log hook", out.Err)
	}
	logs := x.Logs()
	if len(logs) != 1 || logs[0].Message != "careful" || logs[0].Attrs["a"] != "1" || logs[0].Attrs["g.b"] != "2" {
		t.Errorf("log: got %v, want one record with two attributes", logs)
	}
	x.Reset()
	if len(x.Exits()) != 0 || x.Response().Origin() != sdk.OriginNone {
		t.Error("after Reset: got what was before, want nothing")
	}
}

func TestConfigureFillsDefaults(t *testing.T) {
	plugin := &capture{schema: `{"properties":{"a":{"default":1},"b":{"default":{},"properties":{"c":{"default":"x"}}},
		"d":{"items":{"properties":{"e":{"default":true}}}},"f":{}}}`}
	plugintest.Configure(t, plugin, `{"d":[{},{"e":false}],"z":0}`, sdk.Scope{})
	if want := `{"a":1,"b":{"c":"x"},"d":[{"e":true},{"e":false}],"z":0}`; plugin.conf != want {
		t.Errorf("got %s, want %s", plugin.conf, want)
	}
	if _, err := plugintest.TryConfigure(plugin, `{`, sdk.Scope{}); err == nil {
		t.Error("not JSON: got no error, want one")
	}
}

func TestBodyLimit(t *testing.T) {
	x := plugintest.New(plugintest.WithBody("12345"))
	if _, err := x.Request().Body().Bytes(4); !errors.Is(err, sdk.ErrBodyTooLarge) {
		t.Errorf("got %v, want %v", err, sdk.ErrBodyTooLarge)
	}
	if body, err := x.Request().Body().Bytes(5); err != nil || string(body) != "12345" {
		t.Errorf("got %q and %v, want the body", body, err)
	}
}

func TestHeaderSetKeepsThePlace(t *testing.T) {
	x := plugintest.New(plugintest.WithHeader("A", "1"), plugintest.WithHeader("B", "2"), plugintest.WithHeader("a", "3"))
	x.Request().Header().Set("a", "4")
	var got []string
	for name, value := range x.Request().Header().All() {
		got = append(got, name+"="+value)
	}
	if want := []string{"a=4", "B=2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
