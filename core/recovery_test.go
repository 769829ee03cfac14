package core

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
)

// puts makes a batch of keys and values; the revisions count up from rev.
func puts(rev int64, keysAndValues ...string) store.Batch {
	b := store.Batch{Revision: rev}
	for i := 0; i < len(keysAndValues); i += 2 {
		item := store.Item{Key: keysAndValues[i], Value: []byte(keysAndValues[i+1]), CreateRev: rev, ModRev: rev}
		b.Changes = append(b.Changes, store.Change{Item: item})
		b.Revision = rev
		rev++
	}
	return b
}

func full(b store.Batch) store.Batch {
	b.Full = true
	return b
}

// TestRecovery leads a gateway to a state that only the whole of what came before explains.
func TestRecovery(t *testing.T) {
	cert, key := modelPair(t, 1)
	vault := vaultWith(t, map[string]string{"pem": key})
	ssl, _ := json.Marshal(map[string]any{"type": "client", "cert": cert, "key": "$secret://vault/1/jack/pem"})
	good := `{"uri":"/1","plugins":{"a":{}}}`
	tests := []struct {
		name     string
		batches  []store.Batch
		key      string // must be in service at this revision
		revision int64
	}{
		{
			"a backup of the store is put back",
			[]store.Batch{puts(5, "routes/1", good), puts(6, "routes/1", `{"uri":7}`), full(puts(5, "routes/1", good))},
			"routes/1", 5,
		},
		{
			"a newer version waits while the older one cannot be made again",
			[]store.Batch{
				puts(1, "routes/1", good), puts(2, "plugin_metadata/b", `{"v":"bad"}`), puts(3, "routes/1", `{"uri":"/1","plugins":{"a":{},"b":{}}}`),
				puts(4, "plugin_metadata/a", `{"v":"bad"}`), puts(5, "plugin_metadata/b", `{"v":"1"}`), puts(6, "plugin_metadata/a", `{"v":"1"}`),
			},
			"routes/1", 3,
		},
		{
			"metadata that was waited for is itself waited for",
			[]store.Batch{
				puts(1, "plugins", `[{"name":"b"}]`), puts(2, "plugin_metadata/a", `{"v":"bad"}`),
				puts(3, "routes/1", good), puts(4, "plugins", `[{"name":"a"}]`), puts(5, "plugin_metadata/a", `{"v":"1"}`),
			},
			"routes/1", 3,
		},
		{
			"the certificate that an upstream shows comes with its secret",
			[]store.Batch{
				puts(1, "upstreams/u", `{"type":"roundrobin","scheme":"https","nodes":{"127.0.0.1:1":1},"tls":{"client_cert_id":"c"}}`),
				puts(2, "ssls/c", string(ssl)), puts(3, "secrets/vault/1", vault),
			},
			"ssls/c", 2,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := modelGateway(t)
			for _, b := range tt.batches {
				g.takeOver(b)
			}
			if item, ok := g.builder.item(tt.key); !ok || item.ModRev != tt.revision {
				t.Errorf("got %s at revision %d in service (%t), want %d", tt.key, item.ModRev, ok, tt.revision)
			}
			for key, r := range g.builder.rejected {
				t.Errorf("got %s rejected: %s", key, r.Reason)
			}
			if u := g.builder.byKind["upstreams"]["u"]; u != nil && (u.target.cert == nil || u.target.fault != nil) {
				t.Errorf("got no certificate for the upstream: %v", u.target.fault)
			}
		})
	}
}

// vaultWith is the manager of a Vault that has one secret.
func vaultWith(t *testing.T, values map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"data": values})
	}))
	t.Cleanup(server.Close)
	return `{"uri":"` + server.URL + `","prefix":"kv","token":"root"}`
}

// TestSecretsAreReadWithoutLock has a manager that does not answer while others want to know what is in service.
func TestSecretsAreReadWithoutLock(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"key": "k"}})
	}))
	t.Cleanup(server.Close)
	g := modelGateway(t)
	g.takeOver(puts(1, "consumers/jack", `{"username":"jack","plugins":{"keyed":{"key":"$secret://vault/1/jack/key"}}}`))
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.takeOver(puts(2, "secrets/vault/1", `{"uri":"`+server.URL+`","prefix":"kv","token":"root"}`))
	}()
	select {
	case <-asked:
	case <-time.After(10 * time.Second):
		t.Fatal("the manager was not asked")
	}
	free := g.builder.mu.TryRLock()
	if free {
		g.builder.mu.RUnlock()
	}
	close(answer)
	<-done
	if !free {
		t.Error("the configuration is locked while a secret is read")
	}
	if _, ok := g.current.Load().consumers.find("keyed", "k"); !ok {
		t.Error("the consumer is not found by its secret")
	}
}

// TestUnmatchableRoutes has a value that the schema lets pass and the router does not: the version before stays in service as a whole.
func TestUnmatchableRoutes(t *testing.T) {
	g := modelGateway(t)
	g.takeOver(puts(1, "routes/1", `{"uri":"/1","plugins":{"a":{}}}`))
	bad := `{"uri":"/1","plugins":{"a":{}},"remote_addr":"::::/200"}`
	if err := g.builder.try("routes", "1", []byte(bad)); err == nil {
		t.Error("the Admin API would take it")
	}
	g.takeOver(puts(2, "routes/1", bad))
	if item, _ := g.builder.item("routes/1"); item.ModRev != 1 || g.current.Load().router.Len() != 1 {
		t.Errorf("got revision %d in service, want 1", item.ModRev)
	}
	if r, ok := g.builder.rejected["routes/1"]; !ok || !r.Kept {
		t.Errorf("got %+v, want it to be told of", r.Rejected)
	}
}

// TestWaitingForAProgram has no store that could be away: the configuration comes when somebody sends it.
func TestWaitingForAProgram(t *testing.T) {
	g := modelGateway(t, func(o *Options) {
		o.Settings.Deployment.RoleTraditional.ConfigProvider = settings.ProviderYAML
		o.Settings.Deployment.Etcd.Timeout = time.Nanosecond
	})
	if err := g.awaitConfiguration(t.Context()); err != nil {
		t.Errorf("got %v, want to wait without end", err)
	}
}
