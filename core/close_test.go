package core_test

import (
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
)

// TestPluginsAreClosed looks for what keeps a plugin's configuration in memory after it was replaced.
func TestPluginsAreClosed(t *testing.T) {
	t.Parallel()
	var j journal
	closes := func(name string) sdk.Plugin {
		return testPlugin{sdk.Info{Name: name, Priority: 1, PreferRoute: true}, func(_ context.Context, conf json.RawMessage) (sdk.Hooks, error) {
			var c struct{ As string }
			if err := json.Unmarshal(conf, &c); err != nil {
				return sdk.Hooks{}, err
			}
			return sdk.Hooks{
				Access: func(x sdk.Exchange) error {
					x.Context()
					x.Response().Header().Set("X-As", c.As)
					return nil
				},
				Close: func() error { j.add(c.As + " "); return nil },
			}, nil
		}}
	}
	g := start(t, []sdk.Plugin{closes("closes"), closes("global"), keyed()})
	up := say(t, "hello")
	resources := []struct{ key, value string }{
		{"routes/1", `{"uri":"/*","plugins":{"keyed":{},"closes":{"as":"#-route"}},"upstream":` + upstreamOf(up) + `}`},
		{"routes/2", `{"uri":"/plain","plugins":{"global":{"as":"#-plain"}},"upstream":` + upstreamOf(up) + `}`},
		{"global_rules/1", `{"id":"1","plugins":{"global":{"as":"#-global"}}}`},
		{"consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"k"},"closes":{"as":"#-consumer"}}}`},
	}
	for _, version := range []string{"old", "new"} {
		for _, r := range resources {
			g.put(r.key, r.value, version)
		}
		c := dial(t, g.addr)
		for _, path := range []string{"/", "/plain", "/"} {
			c.send(request("GET", path, "", "Key: k"))
			if got := c.read("GET"); got.body != "hello" || !strings.HasPrefix(got.header.Get("X-As"), version) {
				t.Fatalf("got %d %q %v", got.status, got.body, got.header)
			}
		}
	}
	eventually(t, "the old configurations are closed", func() bool {
		runtime.GC()
		return j.has("old-route ") && j.has("old-plain ") && j.has("old-global ") && j.has("old-consumer ")
	})
	if j.has("new-") {
		t.Errorf("got %q closed, want nothing of the new configuration", j.String())
	}
}
