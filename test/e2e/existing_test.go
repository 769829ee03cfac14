package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/polygate/polygate/test/program"
)

// TestExisting starts a gateway on an etcd that an APISIX has written: everything is served, and shown as it is stored.
func TestExisting(t *testing.T) {
	f := readFixture(t, newUpstream(t))
	etcd := newEtcd(t)
	f.store(t, etcd)
	g := newGateway(t, map[string]any{"etcd": map[string]any{"host": []any{etcd}, "prefix": "/apisix"}})
	g.waitFor("routes/1", "/one")

	t.Run("shown", func(t *testing.T) { testShown(t, g, f) })
	t.Run("listed", func(t *testing.T) { testListed(t, g) })
	t.Run("served", func(t *testing.T) { testServed(t, g) })
	t.Run("told", func(t *testing.T) { testTold(t, g) })
}

// testShown reads every resource. Secret fields of plugins are shown in plain text, private keys are not.
func testShown(t *testing.T, g *gateway, f *fixture) {
	for key, want := range f.shown {
		if key == "plugins" || key == "routes/text" || strings.HasPrefix(key, "data_plane/") {
			continue
		}
		t.Run(key, func(t *testing.T) {
			got := g.call(http.MethodGet, "/"+key, "", nil)
			_, value, _ := strings.Cut(got.body, `"value":`)
			if end := strings.LastIndex(value, `,"createdIndex":`); end >= 0 {
				value = value[:end]
			}
			if diff := cmp.Diff(want, value); diff != "" {
				t.Errorf("it is not shown as it is stored (-want +got):\n%s", diff)
			}
		})
	}
}

// testListed reads every list: what init_etcd of APISIX wrote is no resource, and credentials are no consumers.
func testListed(t *testing.T, g *gateway) {
	for path, want := range map[string]int{
		"/routes": 8, "/services": 1, "/upstreams": 2, "/consumers": 4, "/consumers/rose/credentials": 1, "/ssls": 1, "/global_rules": 1,
		"/plugin_configs": 1, "/consumer_groups": 1, "/protos": 1, "/secrets": 1, "/stream_routes": 1, "/plugin_metadata": 1,
	} {
		t.Run(path, func(t *testing.T) {
			got := g.call(http.MethodGet, path, "", nil)
			var list struct {
				Total int               `json:"total"`
				List  []json.RawMessage `json:"list"`
			}
			if err := json.Unmarshal([]byte(got.body), &list); err != nil {
				t.Fatalf("%v: %d %s", err, got.status, got.body)
			}
			if list.Total != want || len(list.List) != want {
				t.Errorf("got %d of %d, want %d: %s", len(list.List), list.Total, want, got.body)
			}
		})
	}
}

// testServed sends requests to what is stored.
func testServed(t *testing.T, g *gateway) {
	for _, tt := range []struct {
		name, path string
		header     map[string]string
		status     int
		body       string            // contained
		want       map[string]string // response header
	}{
		{"service and plugin config", "/one", nil, 200, "/one", map[string]string{"X-Plugin-Config": "pc1", "X-RateLimit-Limit": "2000"}},
		{"no key", "/two", nil, 401, "Missing API key", nil},
		{"encrypted key", "/two", map[string]string{"apikey": "jack-key"}, 200, "/two jack", map[string]string{"X-Group": "g1"}},
		{"credential under the older key", "/two/x", map[string]string{"apikey": "rose-key"}, 200, "/two/x rose", nil},
		{"key from the environment", "/two", map[string]string{"apikey": "key-of-env"}, 200, "/two env", nil},
		{"key that is not encrypted", "/two", map[string]string{"apikey": "written-before-encryption"}, 200, "/two plain", nil},
		{"stored ciphertext is no key", "/two", map[string]string{"apikey": "IUDzaf3LmthjUaijPaCiiA=="}, 401, "Invalid API key", nil},
		{"encrypted password", "/five", map[string]string{"Authorization": "Basic amFjazpqYWNrLXBhc3N3b3Jk"}, 200, "/five jack", nil},
		{"unknown plugin", "/three", nil, 200, "/three", map[string]string{"Access-Control-Allow-Origin": "*"}},
		{"expression", "/four?a=%C3%BC", nil, 200, "/four", nil},
		{"expression that is false", "/four?a=u", nil, 404, "404 Route Not Found", nil},
		{"disabled", "/off", nil, 404, "404 Route Not Found", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := g.get(http.DefaultClient, "http://"+g.data+tt.path, tt.header)
			if got.status != tt.status || !strings.Contains(got.body, tt.body) {
				t.Errorf("got %d %s, want %d %s", got.status, got.body, tt.status, tt.body)
			}
			for name, want := range tt.want {
				if value := got.header.Get(name); value != want {
					t.Errorf("%s: got %q, want %q", name, value, want)
				}
			}
		})
	}
	t.Run("encrypted private key", func(t *testing.T) {
		dialer := &net.Dialer{}
		c := &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, g.tls)
			},
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // it signed itself
		}}
		defer c.CloseIdleConnections()
		if got := g.get(c, "https://shop.example.com/one", nil); got.status != http.StatusOK {
			t.Errorf("got %d %s, want 200", got.status, got.body)
		}
	})
}

// testTold reads /v1/sync: what makes no sense is named, and nothing else.
func testTold(t *testing.T, g *gateway) {
	var s struct {
		Ready    bool `json:"ready"`
		Rejected []struct {
			Key string `json:"key"`
		} `json:"rejected"`
	}
	got := g.get(http.DefaultClient, "http://"+g.control+"/v1/sync", nil)
	if err := json.Unmarshal([]byte(got.body), &s); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, r := range s.Rejected {
		keys = append(keys, r.Key)
	}
	slices.Sort(keys)
	if want := []string{"routes/bad", "routes/text"}; !s.Ready || !slices.Equal(keys, want) {
		t.Errorf("ready: got %v, want true; rejected: got %v, want %v", s.Ready, keys, want)
	}
}

// get sends a request with header fields.
func (g *gateway) get(c *http.Client, url string, header map[string]string) answer {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	return do(g.t, c, req)
}

// waitFor waits until a route is in service.
func (g *gateway) waitFor(what, path string) {
	g.t.Helper()
	poll(g.t, what+" is in service", func() error {
		resp, err := http.Get("http://" + g.data + path)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("got %s", resp.Status)
		}
		return nil
	})
}

// newEtcd starts a server and returns its URL. It is killed after the test.
func newEtcd(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("etcd"); err != nil {
		missing(t, "there is no program etcd; `make setup` installs it (Debian package etcd-server)")
	}
	client, peer := "http://"+program.FreeAddr(t), "http://"+program.FreeAddr(t)
	cmd := exec.Command("etcd", "--data-dir", t.TempDir(), "--log-level", "error", "--listen-client-urls", client,
		"--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return client
}

// store writes the fixture below the prefix, and the placeholders of init_etcd.
func (f *fixture) store(t *testing.T, endpoint string) {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var ops []clientv3.Op
	for _, folder := range folders() {
		ops = append(ops, clientv3.OpPut("/apisix/"+folder+"/", "init_dir"))
	}
	for key, value := range f.stored {
		ops = append(ops, clientv3.OpPut("/apisix/"+key, value))
	}
	poll(t, "etcd is filled", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		resp, err := c.Txn(ctx).Then(ops...).Commit()
		if err == nil && !resp.Succeeded {
			err = errors.New("the transaction did not succeed")
		}
		return err
	})
}

// folders are those that init_etcd writes (apisix/constants.lua).
func folders() []string {
	return []string{
		"upstreams", "plugins", "ssls", "stream_routes", "plugin_metadata", "routes", "services", "consumers", "global_rules", "protos",
		"plugin_configs", "consumer_groups", "secrets",
	}
}
