package core_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/sdk"
)

func TestUnservedResources(t *testing.T) {
	const up = `"upstream":{"type":"roundrobin","nodes":{"127.0.0.1:1":1}`
	tests := []struct{ name, key, value, want string }{
		{"filter_func", "routes/1", `{"uri":"/a","filter_func":"function(vars) return true end",` + up + `}}`, "filter_func needs the Lua host"},
		{"script", "routes/1", `{"uri":"/a","script":"local _M = {} return _M",` + up + `}}`, "script needs the Lua host"},
		{"pre_function", "routes/1", `{"uri":"/a","plugins":{"test":{"_meta":{"pre_function":"return"}}},` + up + `}}`, "pre_function needs the Lua host"},
		{"balancer", "upstreams/1", `{"type":"nonesuch","nodes":{"127.0.0.1:1":1}}`, "invalid balancer type: nonesuch"},
	}
	g := start(t, []sdk.Plugin{native("test", 1, sdk.Hooks{})})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			admin := dial(t, g.Addresses(core.PlaneAdmin)[0])
			admin.send(request("PUT", "/apisix/admin/"+tt.key, tt.value, "X-API-KEY: secret", "Connection: close"))
			got := admin.read("PUT")
			if got.status != 400 || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s from the Admin API, want 400 with %q", got.status, got.body, tt.want)
			}
			g.put(tt.key, tt.value)
			eventually(t, "the rejection to show", func() bool {
				r := g.Status().Rejected
				return len(r) == 1 && strings.Contains(r[0].Reason, tt.want)
			})
			g.remove(tt.key)
		})
	}
}

// What is stored but cannot be served is a warning, and the answer to its requests says why.
func TestUnservedUpstreams(t *testing.T) {
	tests := []struct{ name, upstream, want string }{
		{"scheme", `{"type":"roundrobin","scheme":"kafka","nodes":{"127.0.0.1:1":1}}`, "the scheme kafka is not served"},
		{"discovery", `{"type":"roundrobin","service_name":"a","discovery_type":"dns"}`, "no service discovery"},
	}
	g := start(t, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			admin := dial(t, g.Addresses(core.PlaneAdmin)[0])
			admin.send(request("PUT", "/apisix/admin/upstreams/1", tt.upstream, "X-API-KEY: secret", "Connection: close"))
			if got := admin.read("PUT"); got.status != 201 && got.status != 200 {
				t.Fatalf("got %d %s from the Admin API, want success", got.status, got.body)
			}
			g.put("routes/1", `{"uri":"/*","upstream_id":"1"}`)
			if got := g.get("/"); got.status != 503 || !strings.Contains(got.body, tt.want) {
				t.Errorf("got %d %s, want 503 with %q", got.status, got.body, tt.want)
			}
			w := g.Status().Warnings
			if len(w) != 1 || w[0].Key != "upstreams/1" || !strings.Contains(w[0].Text, tt.want) {
				t.Errorf("got the warnings %v, want one with %q", w, tt.want)
			}
		})
	}
}

func TestUnservedSettings(t *testing.T) {
	tests := []struct {
		name   string
		change func(*settings.APISIX)
		want   string
	}{
		{"port", func(a *settings.APISIX) { a.ProxyProtocol.ListenHTTPPort = 9181 }, "PROXY protocol"},
		{"listener", func(a *settings.APISIX) { a.NodeListen[0].ProxyProtocol = true }, "PROXY protocol"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := core.Options{Settings: testSettings(nil), Store: mem.New(), Logger: discard()}
			tt.change(&o.Settings.APISIX)
			if _, err := core.New(o); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestURIWithoutSlash(t *testing.T) {
	g := start(t, nil)
	g.put("routes/1", `{"uri":"hello","upstream":`+upstreamOf("127.0.0.1:1")+`}`)
	w := g.Status().Warnings
	if len(w) != 1 || !strings.Contains(w[0].Text, `"hello" begins with no slash`) {
		t.Errorf("got the warnings %v, want one about the uri", w)
	}
}

// Resources whose ids are still to be made are tried like others.
func TestPostThroughTheAdminAPI(t *testing.T) {
	g := start(t, nil)
	g.put("services/s", `{"upstream":`+upstreamOf("127.0.0.1:1")+`}`)
	for _, tt := range []struct{ path, value string }{
		{"routes", `{"uri":"/a","service_id":"s"}`},
		{"services/s/graphql_cost_decorations", `{"field_path":"Product.reviews"}`},
	} {
		admin := dial(t, g.Addresses(core.PlaneAdmin)[0])
		admin.send(request("POST", "/apisix/admin/"+tt.path, tt.value, "X-API-KEY: secret", "Connection: close"))
		if got := admin.read("POST"); got.status != 201 {
			t.Errorf("%s: got %d %s, want 201", tt.path, got.status, got.body)
		}
	}
}
