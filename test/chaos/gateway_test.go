package chaos

import (
	"bytes"
	"encoding/json"
	"errors"
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

// gateway is a gateway process that is configured from an etcd.
type gateway struct {
	t             *testing.T
	dir           string // of config.yaml and of the data
	data, control string // addresses
	log           *locked
	cmd           *exec.Cmd
	exited        chan error
	wrap          []string // command that runs the program
}

// newGateway starts a gateway. After the test it must still run, and stop when it is told to.
func newGateway(t *testing.T, endpoints ...string) *gateway {
	t.Helper()
	g := prepare(t, endpoints...)
	g.start()
	g.ready()
	return g
}

// prepare makes a gateway that does not run yet.
func prepare(t *testing.T, endpoints ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, dir: t.TempDir(), data: program.FreeAddr(t), control: program.FreeAddr(t), log: &locked{}}
	free := map[string]any{"ip": "127.0.0.1", "port": 0}
	conf, err := json.Marshal(map[string]any{
		"apisix": map[string]any{
			"node_listen": []any{listen(t, g.data)}, "ssl": map[string]any{"enable": false}, "control": listen(t, g.control), "status": free,
		},
		"deployment": map[string]any{
			"role": "data_plane", "role_data_plane": map[string]any{"config_provider": "etcd"},
			"etcd": map[string]any{"host": endpoints, "prefix": "/apisix", "timeout": 60, "resync_delay": 1},
		},
		"nginx_config": map[string]any{"http": map[string]any{"enable_access_log": false}},
		"plugin_attr":  map[string]any{"prometheus": map[string]any{"export_addr": free}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(g.dir, "config.yaml"), conf, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.finish)
	return g
}

func listen(t *testing.T, addr string) map[string]any {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"ip": a.IP.String(), "port": a.Port}
}

// copyPath is where the gateway keeps the copy of its configuration.
func (g *gateway) copyPath() string { return filepath.Join(g.dir, "data", "configuration") }

// start runs the process, with an empty log.
func (g *gateway) start() {
	g.t.Helper()
	g.log.reset()
	args := append(append([]string{}, g.wrap...), binary, "run", "-c", filepath.Join(g.dir, "config.yaml"), "--data-dir", filepath.Join(g.dir, "data"))
	g.cmd = exec.Command(args[0], args[1:]...)
	g.cmd.Stdout, g.cmd.Stderr = g.log, g.log
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := g.cmd.Start(); err != nil {
		g.t.Fatal(err)
	}
	cmd, exited := g.cmd, make(chan error, 1)
	g.exited = exited
	go func() { exited <- cmd.Wait() }()
}

// ready waits until there is a configuration.
func (g *gateway) ready() {
	g.t.Helper()
	g.until("it is ready", func(s syncState) error {
		if !s.Ready {
			return errors.New("it is not")
		}
		return nil
	})
}

// kill ends the process at once.
func (g *gateway) kill() {
	g.t.Helper()
	_ = g.cmd.Process.Kill()
	<-g.exited
	g.cmd = nil
}

// finish checks that the process still runs, and stops it.
func (g *gateway) finish() {
	if g.cmd == nil {
		return
	}
	if g.t.Failed() {
		g.t.Logf("the end of the gateway's log:\n%s", g.log.end(4<<10))
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

// syncState is the part of /v1/sync that the tests look at.
type syncState struct {
	Ready     bool   `json:"ready"`
	Reachable bool   `json:"reachable"`
	Revision  int64  `json:"revision"`
	Since     string `json:"since"`
	Error     string `json:"error"`
	FromCopy  bool   `json:"from_copy"`
	Rejected  []struct {
		Key    string `json:"key"`
		Reason string `json:"reason"`
	} `json:"rejected"`
}

// until waits until /v1/sync is as wanted.
func (g *gateway) until(what string, want func(syncState) error) {
	g.t.Helper()
	poll(g.t, "/v1/sync: "+what, func() error {
		status, body, err := get(http.DefaultClient, "http://"+g.control+"/v1/sync")
		if err != nil || status != http.StatusOK {
			return fmt.Errorf("got %d %s, %w", status, body, err)
		}
		var s syncState
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			return err
		}
		if err := want(s); err != nil {
			return fmt.Errorf("%w: %s", err, body)
		}
		return nil
	})
}

// away waits until the gateway says that the store is not reachable, and why.
func (g *gateway) away() {
	g.t.Helper()
	g.until("the store is away", func(s syncState) error {
		if s.Reachable || s.Error == "" || s.Since == "" || !s.Ready {
			return errors.New("it does not say so")
		}
		return nil
	})
}

// follows waits until the gateway says that it is in step with the store.
func (g *gateway) follows(revision int64) {
	g.t.Helper()
	g.until(fmt.Sprintf("revision %d is in service", revision), func(s syncState) error {
		if !s.Reachable || s.Error != "" || s.Revision < revision || s.FromCopy {
			return errors.New("it is not")
		}
		return nil
	})
}

// serves waits until the routes answer with the given texts; empty: there is no such route.
func (g *gateway) serves(want map[string]string) {
	g.t.Helper()
	for id, text := range want {
		poll(g.t, "route "+id+" answers "+text, func() error { return g.answers(id, text) })
	}
}

func (g *gateway) answers(id, text string) error {
	status, body, err := get(http.DefaultClient, "http://"+g.data+"/"+id)
	if err != nil {
		return err
	}
	if text == "" && status != http.StatusNotFound || text != "" && (status != http.StatusOK || strings.TrimSpace(body) != text) {
		return fmt.Errorf("got %d %s", status, body)
	}
	return nil
}

// route is a route that answers with a text.
func route(id, text string) string {
	return fmt.Sprintf(`{"id":%q,"uri":"/%s","plugins":{"mocking":{"response_example":%q}}}`, id, id, text)
}

func get(c *http.Client, url string) (status int, body string, err error) {
	resp, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
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

// end returns the last n bytes.
func (l *locked) end(n int) string {
	text := l.String()
	return text[max(0, len(text)-n):]
}

func (l *locked) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}
