package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/polygate/polygate/test/program"
)

const adminKey = "0123456789abcdef-e2e"

// gateway is a gateway process with an Admin API.
type gateway struct {
	t                         *testing.T
	data, tls, admin, control string // addresses
	log                       *locked
	cmd                       *exec.Cmd
	exited                    chan error
}

// newGateway starts a gateway whose section "deployment" has the given members beside those of the Admin API. After the test it must
// still run, and stop when it is told to.
func newGateway(t *testing.T, deployment map[string]any) *gateway {
	t.Helper()
	g := &gateway{t: t, data: program.FreeAddr(t), tls: program.FreeAddr(t), admin: program.FreeAddr(t), control: program.FreeAddr(t), log: &locked{}, exited: make(chan error, 1)}
	dir := t.TempDir()
	config := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(config, g.config(deployment), 0o600); err != nil {
		t.Fatal(err)
	}
	g.cmd = exec.Command(binary, "run", "-c", config, "--data-dir", filepath.Join(dir, "data"))
	g.cmd.Env = append(os.Environ(), "E2E_KEY=key-of-env")
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { g.exited <- g.cmd.Wait() }()
	t.Cleanup(g.finish)
	poll(t, "the Admin API answers", func() error {
		resp, err := http.Head("http://" + g.admin + "/apisix/admin")
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	return g
}

// config is a config.yaml; JSON is YAML.
func (g *gateway) config(deployment map[string]any) []byte {
	free := map[string]any{"ip": "127.0.0.1", "port": 0}
	all := map[string]any{
		"role": "traditional",
		"admin": map[string]any{
			"admin_listen": g.listen(g.admin), "allow_admin": []any{"127.0.0.0/8"},
			"admin_key": []any{map[string]any{"name": "e2e", "key": adminKey, "role": "admin"}},
		},
	}
	for name, value := range deployment {
		all[name] = value
	}
	conf, err := json.Marshal(map[string]any{
		"apisix": map[string]any{
			"node_listen": []any{g.listen(g.data)}, "ssl": map[string]any{"enable": true, "listen": []any{g.listen(g.tls)}},
			"control": g.listen(g.control), "status": free, "proxy_mode": "http&stream",
		},
		"deployment":   all,
		"nginx_config": map[string]any{"http": map[string]any{"enable_access_log": false}},
		"plugin_attr":  map[string]any{"prometheus": map[string]any{"export_addr": free}},
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return conf
}

func (g *gateway) listen(addr string) map[string]any {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		g.t.Fatal(err)
	}
	return map[string]any{"ip": a.IP.String(), "port": a.Port}
}

// finish checks that the process still runs, and stops it.
func (g *gateway) finish() {
	if g.t.Failed() {
		g.t.Logf("the gateway's log:\n%s", g.log)
	}
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		g.t.Errorf("the gateway has died: %v\n%s", err, g.log)
	}
	select {
	case err := <-g.exited:
		if err != nil {
			g.t.Errorf("the gateway ended with %v\n%s", err, g.log)
		}
	case <-time.After(10 * time.Second):
		g.t.Errorf("the gateway does not end\n%s", g.log)
		_ = g.cmd.Process.Kill()
		<-g.exited
	}
	if strings.Contains(g.log.String(), "panic") {
		g.t.Errorf("the gateway panicked:\n%s", g.log)
	}
}

// answer is what came for a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// call sends a request to the Admin API, with its key.
func (g *gateway) call(method, path, body string, header http.Header) answer {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, "http://"+g.admin+"/apisix/admin"+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("X-API-KEY", adminKey)
	return do(g.t, http.DefaultClient, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) answer {
	t.Helper()
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// newUpstream starts an upstream that answers with the path and the consumer.
func newUpstream(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s", r.URL.Path, r.Header.Get("X-Consumer-Username"))
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// locked is a buffer that a process writes to while a test reads it.
type locked struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
