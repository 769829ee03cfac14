package core_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/sdk"
)

// vault is a Vault with one secret store, as its HTTP API shows it.
type vault struct {
	mu     sync.Mutex
	values map[string]string // guarded by mu
	down   bool              // guarded by mu
}

func (v *vault) set(key, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.values[key] = value
}

func (v *vault) setDown(down bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down = down
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.down || r.Header.Get("X-Vault-Token") != "root" || r.URL.Path != "/v1/kv/apisix/jack" {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": v.values})
}

// quickly makes secrets short-lived, so that a test sees them being read again.
func quickly(o *core.Options) {
	o.Settings.APISIX.LRU.Secret.TTL, o.Settings.APISIX.LRU.Secret.NegTTL = 40*time.Millisecond, 20*time.Millisecond
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	v := &vault{values: map[string]string{"key": "k1", "name": "one"}}
	manager := fmt.Sprintf(`{"uri":"http://%s","prefix":"kv/apisix","token":"root"}`, serve(t, v.ServeHTTP))
	var j journal
	g := start(t, []sdk.Plugin{keyed(), scribe("a", 20, &j)}, quickly)
	g.puts(
		"consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"$secret://vault/1/jack/key"}}}`,
		"routes/1", `{"uri":"/*","plugins":{"keyed":{},"a":{"as":"$secret://vault/1/jack/name"}},"upstream":`+upstreamOf(say(t, "hello"))+`}`,
	)
	status := func(key string) int { return g.get("/", "Key: "+key).status }
	t.Run("a manager that is not there", func(t *testing.T) {
		if got := status("$secret://vault/1/jack/key"); got != 401 {
			t.Errorf("got %d for the reference itself, want 401", got)
		}
		if s := g.Status(); len(s.Warnings) == 0 || !strings.Contains(s.Warnings[0].Text, "vault/1") {
			t.Errorf("got the warnings %v, want one that names the manager", s.Warnings)
		}
	})
	t.Run("which comes", func(t *testing.T) {
		g.put("secrets/vault/1", manager)
		if got := status("k1"); got != 200 || !j.has("one.access") {
			t.Errorf("got %d and %q, want 200 and the plugin with the secret", got, j.String())
		}
		if s := g.Status(); len(s.Warnings) > 0 {
			t.Errorf("got the warnings %v, want none", s.Warnings)
		}
	})
	t.Run("a secret is changed", func(t *testing.T) {
		v.set("key", "k2")
		v.set("name", "two")
		eventually(t, "the new key is known", func() bool { return status("k2") == 200 })
		if got := status("k1"); got != 401 {
			t.Errorf("got %d for the old key, want 401", got)
		}
		eventually(t, "the plugin has the new secret", func() bool { status("k2"); return j.has("two.access") })
	})
	t.Run("the manager is away", func(t *testing.T) {
		v.setDown(true)
		eventually(t, "the trouble shows", func() bool {
			s := g.Status().Secrets
			return len(s) == 1 && s[0].Name == "vault/1" && !s[0].OK && s[0].Err != ""
		})
		if got := status("k2"); got != 200 {
			t.Errorf("got %d, want the last value to stay in use", got)
		}
	})
}

func TestEnvironmentSecrets(t *testing.T) {
	t.Setenv("POLYGATE_TEST_KEY", "from-env")
	g := start(t, []sdk.Plugin{keyed()})
	g.puts(
		"consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"$ENV://POLYGATE_TEST_KEY"}}}`,
		"consumers/jill", `{"username":"jill","plugins":{"keyed":{"key":"$env://POLYGATE_TEST_NOT_THERE"}}}`,
		"routes/1", `{"uri":"/*","plugins":{"keyed":{}},"upstream":`+upstreamOf(say(t, "hello"))+`}`,
	)
	if got := g.get("/", "Key: from-env"); got.status != 200 {
		t.Errorf("got %d, want 200", got.status)
	}
	if got := g.get("/", "Key: $env://POLYGATE_TEST_NOT_THERE"); got.status != 401 {
		t.Errorf("got %d for the reference itself, want 401", got.status)
	}
}
