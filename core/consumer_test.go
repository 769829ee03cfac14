package core_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
)

// keyed is an authentication plugin by the field "Key".
func keyed() sdk.Plugin {
	p := native("keyed", 100, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
		c, ok := x.Consumers().Find("keyed", x.Request().Header().Get("Key"))
		if !ok {
			if c, ok = x.Consumers().ByName("nobody"); !ok {
				return x.Exit(401, map[string]string{"message": "who?"})
			}
		}
		x.Consumers().Attach(c)
		return nil
	}}).(testPlugin)
	p.info.Auth, p.info.CredentialField = true, "key"
	p.info.ConsumerSchema = []byte(`{"type":"object","properties":{"key":{"type":"string"}},"required":["key"]}`)
	return p
}

func TestConsumers(t *testing.T) {
	t.Parallel()
	var j journal
	check := native("check", 1, sdk.Hooks{Access: func(x sdk.Exchange) error {
		if c := x.Consumers().Attached(); c != nil {
			name, _ := x.Var("consumer_name")
			j.add("<" + c.Username + " " + name + " " + c.Labels["custom_id"] + " " + string(c.Conf) + ">")
		}
		return nil
	}})
	g := start(t, []sdk.Plugin{keyed(), scribe("a", 20, &j), scribe("own", 10, &j), check})
	g.puts(
		"consumers/jack", `{"username":"jack","labels":{"custom_id":"c7"},"plugins":{"keyed":{"key":"k1"},"own":{},"a":{"as":"jacks"}}}`,
		"consumers/jill", `{"username":"jill","plugins":{"keyed":{"key":"k2"}}}`,
		"routes/1", `{"uri":"/*","plugins":{"keyed":{},"a":{},"check":{}},"upstream":`+upstreamOf(serve(t, echo))+`}`,
	)
	t.Run("the consumer's own plugins join the route's", func(t *testing.T) {
		j.reset()
		got := decodeEcho(t, g.get("/", "Key: k1", "X-Consumer-Username: root", "X-Credential-Identifier: 1", "X-Consumer-Custom-ID: 2"))
		h := got.Header
		if h.Get("X-Consumer-Username") != "jack" || h.Get("X-Consumer-Custom-Id") != "c7" || h.Get("X-Credential-Identifier") != "" {
			t.Errorf("got %v, want the consumer's identity", h)
		}
		want := `a.rewrite jacks.rewrite own.rewrite jacks.access own.access <jack jack c7 {"key":"k1"}>jacks.before_proxy own.before_proxy `
		if !strings.HasPrefix(j.String(), want) {
			t.Errorf("got %q, want %q", j.String(), want)
		}
	})
	t.Run("another consumer has the route's only", func(t *testing.T) {
		j.reset()
		got := decodeEcho(t, g.get("/", "Key: k2"))
		if got.Header.Get("X-Consumer-Username") != "jill" || !strings.HasPrefix(j.String(), "a.rewrite a.access <jill") {
			t.Errorf("got %v and %q, want jill and the route's plugin", got.Header, j.String())
		}
	})
	t.Run("an unknown key", func(t *testing.T) {
		if got := g.get("/", "Key: k3"); got.status != 401 || got.body != `{"message":"who?"}`+"\n" {
			t.Errorf("got %+v, want 401", got)
		}
	})
	t.Run("a consumer who was changed", func(t *testing.T) {
		g.put("consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"k4"}}}`)
		if got := g.get("/", "Key: k1"); got.status != 401 {
			t.Errorf("got %d for the old key, want 401", got.status)
		}
		j.reset()
		decodeEcho(t, g.get("/", "Key: k4"))
		if j.has("own") || j.has("jacks") {
			t.Errorf("got %q, want the old plugins gone", j.String())
		}
	})
	t.Run("a consumer who was removed", func(t *testing.T) {
		g.remove("consumers/jack")
		if got := g.get("/", "Key: k4"); got.status != 401 {
			t.Errorf("got %d, want 401", got.status)
		}
	})
	t.Run("by name", func(t *testing.T) {
		g.put("consumers/nobody", `{"username":"nobody"}`)
		if got := decodeEcho(t, g.get("/")); got.Header.Get("X-Consumer-Username") != "nobody" {
			t.Errorf("got %v, want the anonymous consumer", got.Header)
		}
	})
}

func TestIdentityFields(t *testing.T) {
	t.Parallel()
	var j journal
	look := native("look", 1, sdk.Hooks{Rewrite: func(x sdk.Exchange) error {
		for name := range x.Request().Header().All() {
			j.add(strings.ToLower(name) + " ")
		}
		return nil
	}})
	g := start(t, []sdk.Plugin{look})
	g.put("global_rules/1", `{"id":"1","plugins":{"look":{}}}`)
	g.route("", serve(t, echo))
	got := decodeEcho(t, g.get("/", "x-consumer-USERNAME: root", "X-Consumer-Other: 1", "X-Credential-Identifier: 1", "Proxy: evil",
		"Keep-Alive: 5", "X-Hop: 1", "Connection: x-hop", "X-Kept: 1"))
	for _, name := range []string{"X-Consumer-Username", "X-Consumer-Other", "X-Credential-Identifier", "Proxy", "Keep-Alive", "X-Hop", "Connection"} {
		if got.Header.Get(name) != "" {
			t.Errorf("the upstream got %s", name)
		}
	}
	if j.has("x-consumer") || j.has("x-credential") || j.has("proxy ") || j.has("x-hop") {
		t.Errorf("a plugin saw %q", j.String())
	}
	if got.Header.Get("X-Kept") != "1" {
		t.Errorf("got %v, want X-Kept", got.Header)
	}
}
