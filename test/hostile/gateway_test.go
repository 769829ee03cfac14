package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
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

// gateway is a gateway process with an upstream of its own.
type gateway struct {
	addr     string // where the cases of its setup go
	data     string // where ordinary requests go
	upstream *upstream
	keys     *strings.Replacer // of the Admin API, for the placeholders in raw cases
}

// Keys of the Admin API.
const (
	realKey   = "0f3a9c1b7d5e4826a1b2c3d4e5f60718"
	viewerKey = "5e4826a1b2c3d4e5f607180f3a9c1b7d"
)

// replicas says how many gateways serve the cases of a setup at once. The cases of one gateway run one after the other, because
// what reaches the upstream is the case's that runs.
func replicas() map[string]int {
	return map[string]int{"echo": 6, "policy": 3, "keyauth": 1, "admin": 1, "batch": 1}
}

// standalone is the apisix.yaml of the setups without an Admin API, as JSON, which is YAML too. UPSTREAM stands for the upstream.
func standalone() map[string]string {
	const up = `"upstream": {"type": "roundrobin", "nodes": {"UPSTREAM": 1}}`
	const consumers = `"consumers": [{"username": "jack", "plugins": {"key-auth": {"key": "k1"}}}]`
	return map[string]string{
		"echo": `{"routes": [{"id": "1", "uri": "/*", ` + up + `}]}`,
		// The cases speak of uri-blocker for /internal and root.exe; a refusal of all addresses on these routes does the same.
		"policy": `{` + consumers + `, "routes": [
			{"id": "a", "uri": "/public/*", ` + up + `},
			{"id": "b", "uri": "/admin/*", "plugins": {"key-auth": {}}, ` + up + `},
			{"id": "c", "uri": "/*", ` + up + `},
			{"id": "d", "uri": "/internal*", "plugins": {"ip-restriction": {"blacklist": ["0.0.0.0/0"]}}, ` + up + `},
			{"id": "e", "uri": "/*", "priority": 1, "vars": [["uri", "~~", "root\\.exe"]], "plugins": {"ip-restriction": {"blacklist": ["0.0.0.0/0"]}}, ` + up + `}
		]}`,
		"keyauth": `{` + consumers + `, "routes": [{"id": "1", "uri": "/*", "plugins": {"key-auth": {}}, ` + up + `}]}`,
	}
}

// start runs a gateway for a setup until the test ends.
func start(t *testing.T, binary, setup string) *gateway {
	t.Helper()
	u := newUpstream(t)
	g := &gateway{upstream: u, addr: program.FreeAddr(t), keys: strings.NewReplacer()}
	g.data = g.addr
	dir, admin := t.TempDir(), program.FreeAddr(t)
	conf := config(t, g.data, admin, setup)
	write(t, filepath.Join(dir, "config.yaml"), conf)
	resources, ok := standalone()[setup]
	if ok {
		write(t, filepath.Join(dir, "apisix.yaml"), strings.ReplaceAll(resources, "UPSTREAM", u.l.Addr().String())+"\n#END\n")
	}
	run(t, binary, dir, g.data)
	if !ok {
		route := `{"uri": "/*", "upstream": {"type": "roundrobin", "nodes": {"` + u.l.Addr().String() + `": 1}}}`
		put(t, admin, "routes/echo", route) // for ordinary requests
		put(t, admin, "routes/1", route)    // for the cases
		put(t, admin, "consumers/jack", `{"username": "jack", "plugins": {"key-auth": {"key": "k1"}}}`)
	}
	if setup == "admin" {
		g.addr = admin
		g.keys = strings.NewReplacer("REALKEY", realKey, "EDITORKEY", realKey, "VIEWERKEY", viewerKey)
	}
	poll(t, "serve the first request", func() error { return probe(g.data, "/ready") })
	return g
}

// config is config.yaml, as JSON.
func config(t *testing.T, data, admin, setup string) string {
	t.Helper()
	free := map[string]any{"ip": "127.0.0.1", "port": 0}
	deployment := map[string]any{"role": "data_plane", "role_data_plane": map[string]any{"config_provider": "yaml"}}
	if setup == "admin" || setup == "batch" {
		deployment = map[string]any{"role": "traditional", "admin": map[string]any{
			"admin_listen": address(t, admin),
			"admin_key": []any{
				map[string]any{"name": "root", "key": realKey, "role": "admin"},
				map[string]any{"name": "guest", "key": viewerKey, "role": "viewer"},
			},
		}}
	}
	doc, err := json.Marshal(map[string]any{
		"apisix": map[string]any{
			"node_listen": []any{address(t, data)}, "ssl": map[string]any{"enable": false}, "control": free, "status": free,
		},
		"deployment":   deployment,
		"nginx_config": map[string]any{"http": map[string]any{"enable_access_log": false}},
		"plugin_attr":  map[string]any{"prometheus": map[string]any{"export_addr": free}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

// run starts the process and waits until it accepts connections.
func run(t *testing.T, binary, dir, addr string) {
	t.Helper()
	cmd := exec.Command(binary, "run", "-c", filepath.Join(dir, "config.yaml"), "--data-dir", filepath.Join(dir, "data"))
	var output locked
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("the gateway has died: %v\n%s", err, output.String())
		}
		select {
		case <-exited:
		case <-time.After(5 * time.Second):
			if err := cmd.Process.Kill(); err == nil {
				<-exited
			}
		}
		if strings.Contains(output.String(), "panic") {
			t.Errorf("the gateway panicked:\n%s", output.String())
		}
	})
	poll(t, "start", func() error {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, output.String())
		}
		return conn.Close()
	})
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

func put(t *testing.T, admin, path, body string) {
	t.Helper()
	poll(t, "write "+path, func() error {
		req, err := http.NewRequest(http.MethodPut, "http://"+admin+"/apisix/admin/"+path, strings.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("X-API-KEY", realKey)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if answer, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
			return fmt.Errorf("got status %d, want 201: %s", resp.StatusCode, answer)
		}
		return nil
	})
}

// poll tries again until it succeeds.
func poll(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func write(t *testing.T, path, data string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
}

func address(t *testing.T, addr string) map[string]any {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"ip": a.IP.String(), "port": a.Port}
}
