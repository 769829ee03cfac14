package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// output keeps what a program prints while it runs.
type output struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// submatch waits until the output has a match and returns its first group.
func (o *output) submatch(t *testing.T, expr string) string {
	t.Helper()
	re := regexp.MustCompile(expr)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		if m := re.FindStringSubmatch(o.String()); m != nil {
			return m[1]
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("no match for %s in:\n%s", expr, o)
		}
	}
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func noEnv(string) (string, bool) { return "", false }

// anywhere are settings of a gateway that listens on free ports.
const anywhere = `apisix:
  node_listen: [{ip: 127.0.0.1, port: 0}]
  ssl: {enable: false}
  control: {port: 0}
  status: {port: 0}
nginx_config:
  error_log_level: info
  worker_shutdown_timeout: 1s
plugin_attr: {prometheus: {export_addr: {port: 0}}}
deployment:
  admin: {admin_listen: {port: 0}}
`

// gateway is a "polygate run" within the test.
type gateway struct {
	out, log output
	stop     context.CancelFunc
	code     chan int
}

func startGateway(t *testing.T, args ...string) *gateway {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	g := &gateway{stop: stop, code: make(chan int, 1)}
	go func() { g.code <- execute(ctx, append([]string{"run"}, args...), console{&g.out, &g.log, noEnv}) }()
	t.Cleanup(stop)
	return g
}

func (g *gateway) end(t *testing.T) {
	t.Helper()
	g.stop()
	if code := <-g.code; code != exitOK {
		t.Errorf("exit code: got %d, want 0\n%s", code, &g.log)
	}
}

func do(t *testing.T, method, url, key, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-API-KEY", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestRun(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer upstream.Close()
	dir := t.TempDir()
	logs := filepath.Join(dir, "logs", "access.log")
	config := write(t, filepath.Join(dir, "config.yaml"),
		strings.Replace(anywhere, "nginx_config:\n", "nginx_config:\n  http: {access_log: "+logs+", access_log_format: \"$status $uri\"}\n", 1))
	data := filepath.Join(dir, "data")

	g := startGateway(t, "-c", config, "--data-dir", data)
	key := g.log.submatch(t, `\n    ([A-Za-z0-9_-]{43})\n`)
	admin := g.log.submatch(t, `address=(\S+) for="the Admin API`)
	public := g.log.submatch(t, `address=(\S+) for="requests`)
	route := `{"uri":"/hello","upstream":{"type":"roundrobin","nodes":{"` + strings.TrimPrefix(upstream.URL, "http://") + `":1}}}`
	if code, body := do(t, "PUT", "http://"+admin+"/apisix/admin/routes/1", key, route); code != http.StatusCreated {
		t.Fatalf("put the route: got %d %s", code, body)
	}
	eventually(t, "the route is served", func() bool {
		code, body := do(t, "GET", "http://"+public+"/hello", "", "")
		return code == http.StatusOK && body == "hello"
	})
	g.end(t)
	if text, err := os.ReadFile(logs); err != nil || !strings.Contains(string(text), "200 /hello\n") {
		t.Errorf("access log: got %q, %v", text, err)
	}

	// The key and the route are there again after a start.
	g = startGateway(t, "-c", config, "--data-dir", data, "--log-format", "json")
	public = g.log.submatch(t, `"address":"([^"]+)","for":"requests`)
	eventually(t, "the route is served again", func() bool {
		code, _ := do(t, "GET", "http://"+public+"/hello", "", "")
		return code == http.StatusOK
	})
	if strings.Contains(g.log.String(), "A key for the Admin API was made") {
		t.Error("a second key was made")
	}
	g.end(t)
	for path, want := range map[string]os.FileMode{data: 0o700, filepath.Join(data, keyFile): 0o600} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s: got %o, want %o", path, got, want)
		}
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within 30 seconds: %s", what)
		}
	}
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	good := write(t, filepath.Join(dir, "good.yaml"), anywhere)
	bad := write(t, filepath.Join(dir, "bad.yaml"), "apisix: {node_lisen: 1}\nplugins: 1\n")
	silent := strings.Replace(anywhere, "nginx_config:\n", "nginx_config:\n  http: {enable_access_log: false}\n", 1)
	busy := write(t, filepath.Join(dir, "busy.yaml"), strings.Replace(silent, "port: 0", "port: "+port, 1))
	lost := write(t, filepath.Join(dir, "lost.yaml"), "deployment: {role: data_plane, role_data_plane: {config_provider: yaml}}\n")
	format := write(t, filepath.Join(dir, "format.yaml"), strings.Replace(anywhere, "nginx_config:\n", "nginx_config:\n  http: {access_log_format: $}\n", 1))
	broken := filepath.Join(dir, "broken")
	if err := os.Mkdir(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(broken, keyFile), "\n")
	data := filepath.Join(dir, "data")
	routes := write(t, filepath.Join(dir, "routes.yaml"), "routes:\n  - id: 1\n    uri: /a\n    plugins: {ip-restriction: {}}\n  - id: 2\n    uri: /b\n    plugins: {nonesuch: {}}\n#END\n")
	fine := write(t, filepath.Join(dir, "fine.yaml"), "routes:\n  - id: 1\n    uri: /a\n    upstream: {type: roundrobin, nodes: {'127.0.0.1:80': 1}}\n#END\n")
	tests := []struct {
		name string
		args []string
		code int
		want []string // in what is printed
	}{
		{"nothing", nil, exitOK, []string{"Exit codes:"}},
		{"help", []string{"help", "run"}, exitOK, []string{"--data-dir"}},
		{"version", []string{"version"}, exitOK, []string{"polygate "}},
		{"completion", []string{"completion", "bash"}, exitOK, []string{"bash completion"}},
		{"unknown command", []string{"rum"}, exitUsage, []string{`unknown command "rum"`, "polygate help"}},
		{"unknown flag", []string{"run", "--fast"}, exitUsage, []string{"unknown flag: --fast"}},
		{"form of the log", []string{"run", "--log-format", "xml"}, exitUsage, []string{`--log-format is "xml"; it is text or json`}},
		{"no folder to test", []string{"test"}, exitUsage, []string{"requires at least 1 arg"}},
		{"expression", []string{"test", "-run", "(", dir}, exitUsage, []string{"--run: error parsing regexp"}},
		{"no such file", []string{"run", "-c", filepath.Join(dir, "none.yaml")}, exitConfig, []string{"none.yaml: no such file", "name the file with -c"}},
		{"bad settings", []string{"run", "-c", bad}, exitConfig, []string{
			"the configuration has 2 errors:", bad + `:1:10: apisix.node_lisen: unknown key; did you mean "node_listen"?`, bad + ":2:10: plugins: expected a list"}},
		{"no resources", []string{"run", "-c", lost}, exitConfig, []string{"apisix.yaml: no such file", "config_provider is yaml or json"}},
		{"format of the access log", []string{"run", "-c", format, "--data-dir", data}, exitConfig, []string{format + ": nginx_config.http.access_log_format: byte 1"}},
		{"taken port", []string{"run", "-c", busy, "--data-dir", data}, exitListen, []string{
			"listen on 127.0.0.1:" + port + " for requests (apisix.node_listen)", "stop the process that listens there, or choose another port"}},
		{"data folder", []string{"run", "-c", good, "--data-dir", good}, exitStore, []string{"make the data folder:", "choose another one with --data-dir"}},
		{"empty key", []string{"run", "-c", good, "--data-dir", broken}, exitStore, []string{"admin.key is empty; remove the file"}},
		{"valid", []string{"validate", "-c", good}, exitOK, []string{"the configuration is valid"}},
		{"valid with routes", []string{"validate", "-c", good, fine}, exitOK, []string{"the configuration is valid"}},
		{"not valid", []string{"validate", "-c", bad, routes}, exitConfig, []string{
			bad + ":2:10: plugins", routes + ":4:15: routes/1: ", routes + ":7:15: routes/2: ", "4 errors"}},
		{"format to validate", []string{"validate", "-c", format, fine}, exitConfig, []string{format + ": nginx_config.http.access_log_format: byte 1"}},
		{"no routes to validate", []string{"validate", "-c", lost}, exitConfig, []string{"apisix.yaml: no such file"}},
		{"cases", []string{"test", "-v", "testdata/pass"}, exitOK, []string{"ok   testdata/pass/proxy", "passed, 0 failed"}},
		{"some cases", []string{"test", "-run", "nonesuch", "testdata/pass"}, exitRuntime, []string{"no case ran"}},
		{"a case that fails", []string{"test", "testdata/fail"}, exitRuntime, []string{"testdata/fail/status.txtar:10: request 1", "-404\n", "+200\n", "0 passed, 1 failed"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out output
			code := execute(t.Context(), tt.args, console{&out, &out, noEnv})
			if code != tt.code {
				t.Errorf("exit code: got %d, want %d", code, tt.code)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is missing", want)
				}
			}
			if t.Failed() {
				t.Logf("printed:\n%s", &out)
			}
		})
	}
}
