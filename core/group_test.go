package core_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
)

// A consumer's plugins beat its group's, and these the route's.
func TestConsumerGroups(t *testing.T) {
	t.Parallel()
	var j journal
	g := start(t, []sdk.Plugin{keyed(), scribe("a", 30, &j), scribe("b", 20, &j), scribe("c", 10, &j)})
	g.puts(
		"consumer_groups/g", `{"id":"g","plugins":{"b":{"as":"group-b"},"c":{"as":"group-c"}}}`,
		"consumers/jack", `{"username":"jack","group_id":"g","plugins":{"keyed":{"key":"k1"},"c":{"as":"jack-c"}}}`,
		"routes/1", `{"uri":"/*","plugins":{"keyed":{},"a":{},"b":{},"c":{}},"upstream":`+upstreamOf(say(t, "hello"))+`}`,
	)
	access := func() string {
		var out []string
		for _, step := range strings.Fields(j.String()) {
			if name, ok := strings.CutSuffix(step, ".access"); ok {
				out = append(out, name)
			}
		}
		return strings.Join(out, " ")
	}
	tests := []struct {
		name   string
		key    string
		value  string
		status int
		want   string
	}{
		{"as it is", "", "", 200, "a group-b jack-c"},
		{"the group is changed", "consumer_groups/g", `{"id":"g","plugins":{"b":{"as":"other-b"}}}`, 200, "a other-b jack-c"},
		{"the group switches a plugin off", "consumer_groups/g", `{"id":"g","plugins":{"b":{"_meta":{"disable":true}}}}`, 200, "a jack-c"},
		{"the consumer leaves the group", "consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"k1"}}}`, 200, "a b c"},
		{"a group that is not there", "consumers/jack", `{"username":"jack","group_id":"none","plugins":{"keyed":{"key":"k1"}}}`, 503, ""},
		{"which then comes", "consumer_groups/none", `{"id":"none","plugins":{"a":{"as":"late-a"}}}`, 200, "late-a b c"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.key != "" {
				g.put(tt.key, tt.value)
			}
			j.reset()
			got := g.get("/", "Key: k1")
			if got.status != tt.status || access() != tt.want {
				t.Errorf("got %d %q and %q, want %d and %q", got.status, got.body, access(), tt.status, tt.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	g := start(t, []sdk.Plugin{keyed()})
	g.puts(
		"consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"own"}}}`,
		"consumers/jack/credentials/c1", `{"plugins":{"keyed":{"key":"first"}}}`,
		"consumers/jack/credentials/c2", `{"plugins":{"keyed":{"key":"second"}}}`,
		"consumers/late/credentials/c3", `{"plugins":{"keyed":{"key":"orphan"}}}`,
		"routes/1", `{"uri":"/*","plugins":{"keyed":{}},"upstream":`+upstreamOf(serve(t, echo))+`}`,
	)
	// who answers with the consumer and the credential that a key belongs to.
	who := func(t *testing.T, key string) string {
		t.Helper()
		got := g.get("/", "Key: "+key)
		if got.status != 200 {
			return "nobody"
		}
		h := decodeEcho(t, got).Header
		return strings.TrimSpace(h.Get("X-Consumer-Username") + " " + h.Get("X-Credential-Identifier"))
	}
	tests := []struct {
		name   string
		change func()
		key    string
		want   string
	}{
		{"the consumer's own", nil, "own", "jack"},
		{"of a credential", nil, "first", "jack c1"},
		{"of another credential", nil, "second", "jack c2"},
		{"of a consumer that is not there", nil, "orphan", "nobody"},
		{"of a consumer that comes later", func() { g.put("consumers/late", `{"username":"late"}`) }, "orphan", "late c3"},
		{"changed", func() { g.put("consumers/jack/credentials/c1", `{"plugins":{"keyed":{"key":"third"}}}`) }, "third", "jack c1"},
		{"before the change", nil, "first", "nobody"},
		{"removed", func() { g.remove("consumers/jack/credentials/c2") }, "second", "nobody"},
		{"claimed by another one too", func() {
			g.put("consumers/mallory", `{"username":"mallory","plugins":{"keyed":{"key":"own"}}}`)
		}, "own", "jack"},
		{"after the older owner is gone", func() { g.remove("consumers/jack", "consumers/jack/credentials/c1") }, "own", "mallory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.change != nil {
				tt.change()
			}
			if got := who(t, tt.key); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
