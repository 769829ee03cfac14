package multiauth_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/plugins/basicauth"
	"github.com/polygate/polygate/plugins/cors"
	"github.com/polygate/polygate/plugins/hmacauth"
	"github.com/polygate/polygate/plugins/jwtauth"
	"github.com/polygate/polygate/plugins/keyauth"
	"github.com/polygate/polygate/plugins/multiauth"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const failed = `{"message":"Authorization Failed"}` + "\n"

// fake is an authentication plugin that does what a test wants.
type fake struct {
	rewrite func(sdk.Exchange) error
	refused error // by Configure
	closed  *int
}

// Info implements [sdk.Plugin].
func (fake) Info() sdk.Info { return sdk.Info{Name: "fake-auth", Auth: true} }

// Configure implements [sdk.Plugin].
func (f fake) Configure(_ context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	hooks := sdk.Hooks{Rewrite: f.rewrite}
	if f.closed != nil {
		hooks.Close = func() error { *f.closed++; return errors.New("closed with " + string(conf)) }
	}
	return hooks, f.refused
}

func plugin(more ...sdk.Plugin) sdk.Plugin {
	return multiauth.New(append(more, hmacauth.New(), basicauth.New(), jwtauth.New(), keyauth.New(), cors.New())...)
}

func exchange(fields ...string) *plugintest.Exchange {
	opts := []plugintest.Option{
		plugintest.WithConsumer("basic-auth", "foo", &sdk.Consumer{Username: "foo", Conf: []byte(`{"username":"foo","password":"bar"}`)}),
		plugintest.WithConsumer("key-auth", "one", &sdk.Consumer{Username: "one", Conf: []byte(`{"key":"one"}`)}),
	}
	for i := 0; i+1 < len(fields); i += 2 {
		opts = append(opts, plugintest.WithHeader(fields[i], fields[i+1]))
	}
	return plugintest.New(opts...)
}

func TestRewrite(t *testing.T) {
	const (
		both  = `{"auth_plugins":[{"basic-auth":{}},{"key-auth":{"hide_credentials":true}}]}`
		guest = `{"auth_plugins":[{"basic-auth":{"anonymous_consumer":"nobody"}},{"key-auth":{"anonymous_consumer":"foo"}}]}`
		all   = `{"auth_plugins":[{"basic-auth":{}},{"key-auth":{}},{"jwt-auth":{}},{"hmac-auth":{}}]}`
		key   = `apikey realm="key"`
		good  = "Basic Zm9vOmJhcg=="
		bad   = "Basic YmFyOmJhcgo="
	)
	tests := []struct {
		name, conf          string
		fields              []string
		status              int
		consumer, challenge string
	}{
		{"first", both, []string{"Authorization", good}, 200, "foo", ""},
		{"second", both, []string{"apikey", "one"}, 200, "one", ""},
		{"both", both, []string{"apikey", "one", "Authorization", good}, 200, "foo", ""},
		{"second although the first is wrong", both, []string{"apikey", "one", "Authorization", bad}, 200, "one", ""},
		{"neither", both, nil, 401, "", key},
		{"both wrong", both, []string{"apikey", "two", "Authorization", bad}, 401, "", key},
		{"guest of the second", guest, nil, 200, "foo", ""},
		{"no guest", guest, []string{"apikey", "two"}, 401, "", key},
		{"all refuse", all, []string{"apikey", "two"}, 401, "", `hmac realm="hmac"`},
		{"one object", `{"auth_plugins":[{"key-auth":{},"basic-auth":{}}]}`, nil, 401, "", `Basic realm="basic"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange(tt.fields...)
			out := plugintest.Run(t, plugin(), tt.conf, x)
			body, consumer := "", ""
			if tt.status == 401 {
				body = failed
			}
			if c := x.Consumers().Attached(); c != nil {
				consumer = c.Username
			}
			if out.Status != tt.status || out.Body != body || out.Err != nil || consumer != tt.consumer {
				t.Errorf("got %d %q (error %v) and consumer %q, want %d %q and %q", out.Status, out.Body, out.Err, consumer, tt.status, body, tt.consumer)
			}
			if got := out.Header.Get("WWW-Authenticate"); got != tt.challenge {
				t.Errorf("got WWW-Authenticate %q, want %q", got, tt.challenge)
			}
		})
	}
}

func TestHideCredentials(t *testing.T) {
	out := plugintest.Run(t, plugin(), `{"auth_plugins":[{"basic-auth":{}},{"key-auth":{"hide_credentials":true}}]}`, exchange("apikey", "one"))
	if out.Sent == nil || out.Sent.Header.Has("apikey") {
		t.Errorf("got request %+v, want one without the key", out.Sent)
	}
}

// TestLogs says why each plugin refused, but only where none let the request pass.
func TestLogs(t *testing.T) {
	tests := []struct {
		name string
		body any
		want string
	}{
		{"object", map[string]string{"message": "go"}, "go"},
		{"text", "go", "go"},
		{"bytes", []byte("go"), "go"},
		{"nothing", nil, ""},
		{"other object", map[string]int{"code": 1}, `{"code":1}`},
		{"no JSON", func() {}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			refuse := fake{rewrite: func(x sdk.Exchange) error { return x.Exit(403, tt.body) }}
			plugintest.Run(t, plugin(refuse), `{"auth_plugins":[{"fake-auth":{}},{"key-auth":{}}]}`, x)
			logs := x.Logs()
			if len(logs) == 0 || logs[0].Message != "fake-auth failed to authenticate the request" {
				t.Fatalf("got logs %+v, want why fake-auth refused", logs)
			}
			text, err := json.Marshal(logs[0])
			if err != nil {
				t.Fatal(err)
			}
			want, _ := json.Marshal(tt.want)
			if !strings.Contains(string(text), string(want)) || !strings.Contains(string(text), "403") {
				t.Errorf("got log record %s, want code 403 and error %s", text, want)
			}
		})
	}
	x := exchange("apikey", "one")
	plugintest.Run(t, plugin(), `{"auth_plugins":[{"basic-auth":{}},{"key-auth":{}}]}`, x)
	if got := x.Logs(); len(got) != 0 {
		t.Errorf("got logs %+v of a request that passed, want none", got)
	}
}

// TestResponseHeader keeps what a plugin does to the response only if its answer counts.
func TestResponseHeader(t *testing.T) {
	change := func(x sdk.Exchange) {
		header := x.Response().Header()
		header.Set("A", "1")
		header.Add("A", "2")
		header.Add("B", "3")
		header.Del("B")
		header.Set("Get", header.Get("A"))
		if len(header.Values("A")) != 0 {
			header.Set("Values", "some")
		}
		for range header.All() {
			header.Set("All", "some")
		}
	}
	upstream := plugintest.WithUpstream(plugintest.Upstream{Status: 200, Header: []plugintest.Field{{Name: "B", Value: "upstream"}}})
	tests := []struct {
		name string
		fake func(sdk.Exchange) error
		key  string
		want []string
	}{
		{"it passes", func(x sdk.Exchange) error { change(x); return nil }, "", []string{"A: 1", "A: 2", "Get: "}},
		{"another one passes", func(x sdk.Exchange) error { change(x); return x.Exit(401, nil) }, "one", []string{"B: upstream"}},
		{
			"none passes", func(x sdk.Exchange) error { change(x); return x.Exit(401, nil) }, "two",
			[]string{"A: 1", "A: 2", "Get: ", `WWW-Authenticate: apikey realm="key"`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange("apikey", tt.key)
			upstream(x)
			out := plugintest.Run(t, plugin(fake{rewrite: tt.fake}), `{"auth_plugins":[{"fake-auth":{}},{"key-auth":{}}]}`, x)
			out.Header.Del("Content-Type")
			out.Header.Del("Content-Length")
			if diff := cmp.Diff(tt.want, out.Header.Lines()); diff != "" {
				t.Errorf("fields differ (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFailure does not take a plugin that fails for one that refuses.
func TestFailure(t *testing.T) {
	broken := errors.New("broken")
	fails := fake{rewrite: func(sdk.Exchange) error { return broken }}
	out := plugintest.Run(t, plugin(fails), `{"auth_plugins":[{"fake-auth":{}},{"key-auth":{}}]}`, exchange("apikey", "one"))
	if !errors.Is(out.Err, broken) || out.Status != 500 {
		t.Errorf("got %d with error %v, want 500 with %v", out.Status, out.Err, broken)
	}
}

func TestClose(t *testing.T) {
	closed := 0
	p := plugin(fake{rewrite: func(sdk.Exchange) error { return nil }, closed: &closed})
	hooks := plugintest.Configure(t, p, `{"auth_plugins":[{"fake-auth":{"a":1}},{"key-auth":{}},{"fake-auth":{"a":2}}]}`, sdk.Scope{})
	err := hooks.Close()
	if closed != 2 || err == nil || !strings.Contains(err.Error(), `closed with {"a":1}`) {
		t.Errorf("got %d closed with error %v, want 2 and the errors of both", closed, err)
	}
	if _, err := plugintest.TryConfigure(p, `{"auth_plugins":[{"fake-auth":{}},{"none":{}}]}`, sdk.Scope{}); err == nil || closed != 3 {
		t.Errorf("got %d closed with error %v, want 3 once the configuration is refused", closed, err)
	}
}

func TestBadConfiguration(t *testing.T) {
	refused := fake{refused: errors.New("no"), rewrite: func(sdk.Exchange) error { return nil }}
	tests := []struct{ name, conf, want string }{
		{
			"configuration", `{"auth_plugins":[{"basic-auth":{"hide_credentials":"false"}},{"key-auth":{}}]}`,
			`plugin basic-auth check schema failed: property "hide_credentials" validation failed: wrong type: expected boolean, got string`,
		},
		{
			"no object", `{"auth_plugins":[{"key-auth":{}},{"basic-auth":"blah"}]}`,
			"plugin basic-auth check schema failed: wrong type: expected object, got string",
		},
		{
			"third one", `{"auth_plugins":[{"key-auth":{}},{"basic-auth":{}},{"jwt-auth":{"header":123}}]}`,
			`plugin jwt-auth check schema failed: property "header" validation failed: wrong type: expected string, got number`,
		},
		{"unknown", `{"auth_plugins":[{"key-auth":{}},{"none":{}}]}`, "none plugin did not found"},
		{"no authentication", `{"auth_plugins":[{"key-auth":{}},{"cors":{}}]}`, "cors plugin is not supported"},
		{"itself", `{"auth_plugins":[{"key-auth":{}},{"multi-auth":{}}]}`, "multi-auth plugin did not found"},
		{"refused", `{"auth_plugins":[{"key-auth":{}},{"fake-auth":{}}]}`, "plugin fake-auth check schema failed: no"},
		{"name alone", `{"auth_plugins":["key-auth","basic-auth"]}`, "auth_plugins: expected an object with the name and the configuration of a plugin"},
		{"null", `{"auth_plugins":[null,null]}`, "auth_plugins: expected an object with the name and the configuration of a plugin"},
		{"type", `{"auth_plugins":{}}`, "decode configuration: json: cannot unmarshal object into Go struct field .auth_plugins of type []json.RawMessage"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(plugin(refused), tt.conf, sdk.Scope{})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
		})
	}
	idle := plugin(fake{})
	if _, err := plugintest.TryConfigure(idle, `{"auth_plugins":[{"key-auth":{}},{"fake-auth":{}}]}`, sdk.Scope{}); err == nil {
		t.Error("a plugin that does nothing was accepted")
	}
}

func TestInfo(t *testing.T) {
	if info := plugin().Info(); info.Name != "multi-auth" || info.Priority != 2600 || !info.Auth {
		t.Errorf("got info %+v", info)
	}
}

func BenchmarkSecond(b *testing.B) {
	hooks := plugintest.Configure(b, plugin(), `{"auth_plugins":[{"basic-auth":{}},{"key-auth":{}}]}`, sdk.Scope{})
	x := exchange("apikey", "one")
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		if err := hooks.Rewrite(x); err != nil {
			b.Fatal(err)
		}
	}
}
