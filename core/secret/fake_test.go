package secret_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/polygate/polygate/core/secret"
)

// vaultFake is a Vault with a key-value engine. It is also a transport, so that it works where time does not pass by itself.
type vaultFake struct {
	mu    sync.Mutex
	data  map[string]string // path to the JSON of data
	token string
	down  error          // answers with it instead
	hang  bool           // answers nothing
	reads map[string]int // requests per path
	tries int            // requests, answered or not
}

func newVaultFake() *vaultFake {
	return &vaultFake{data: map[string]string{}, reads: map[string]int{}, token: "root-token"}
}

func (v *vaultFake) set(path, data string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.data["/v1/"+path] = data
}

// behave changes what the fake does.
func (v *vaultFake) behave(f func(v *vaultFake)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f(v)
}

func (v *vaultFake) count(path string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.reads["/v1/"+path]
}

func (v *vaultFake) total() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tries
}

func (v *vaultFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.reads[r.URL.Path]++
	data, ok := v.data[r.URL.Path]
	switch {
	case r.Header.Get("X-Vault-Token") != v.token:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"errors":["permission denied for `+r.Header.Get("X-Vault-Token")+`"]}`)
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"errors":[]}`)
	default:
		_, _ = io.WriteString(w, `{"request_id":"1","lease_duration":2764800,"data":`+data+`}`)
	}
}

func (v *vaultFake) RoundTrip(r *http.Request) (*http.Response, error) {
	v.mu.Lock()
	v.tries++
	down, hang := v.down, v.hang
	v.mu.Unlock()
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if down != nil {
		return nil, down
	}
	rec := httptest.NewRecorder()
	v.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// vaultResource is the configuration of a manager for a Vault.
func vaultResource(uri, token string) json.RawMessage {
	data, err := json.Marshal(map[string]any{"id": "vault/1", "uri": uri, "prefix": "kv/apisix", "token": token, "update_time": 1})
	if err != nil {
		panic(err)
	}
	return data
}

func managers(name string, raw json.RawMessage) map[string]json.RawMessage {
	return map[string]json.RawMessage{name: raw}
}

// logBuffer is a log that tests read.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.buf.String(), text)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func want(t *testing.T, r *secret.Resolver, ref, value string) {
	t.Helper()
	got, err := r.Resolve(context.Background(), ref)
	if err != nil || got != value {
		t.Errorf("%s: got %q, %v, want %q", ref, got, err, value)
	}
}

// wantError resolves ref in vain, and checks that the error says some things and no secrets.
func wantError(t *testing.T, r *secret.Resolver, ref string, says ...string) {
	t.Helper()
	got, err := r.Resolve(context.Background(), ref)
	if err == nil || got != "" {
		t.Fatalf("%s: got %q, %v, want an error", ref, got, err)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("got error %q, want %q in it", err, text)
		}
	}
	for _, hidden := range []string{"root-token", "wrong-token", "s3cret", "SECRETKEY", "SESSION", "PRIVATE"} {
		if strings.Contains(err.Error(), hidden) {
			t.Errorf("got error %q, want no %q in it", err, hidden)
		}
	}
}

// inProcess is a transport to a handler.
type inProcess struct{ handler http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Host = r.URL.Host
	rec := httptest.NewRecorder()
	p.handler.ServeHTTP(rec, r)
	return rec.Result(), nil
}
