package health

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/polygate/polygate/core/upstream/balance"
)

// eventually polls until ok holds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-ticker.C {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

// realSpec makes a version whose nodes are real servers.
func realSpec(t *testing.T, raw string, addresses ...string) *Spec {
	t.Helper()
	s := &Spec{Checks: parse(t, raw), Version: 1}
	for i, address := range addresses {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			t.Fatal(err)
		}
		s.Nodes = append(s.Nodes, &balance.Node{
			Addr: address, Host: at.Addr().String(), IP: at.Addr(), Port: int(at.Port()), Weight: 1, Index: i,
		})
	}
	s.Picker = balance.NewRoundRobin(s.Nodes)
	return s
}

// frequent are checks that find out quickly.
func frequent(t *testing.T, spec *Spec) *Spec {
	t.Helper()
	a := &spec.Checks.active
	a.healthy.interval, a.unhealthy.interval, a.timeout = 20*time.Millisecond, 20*time.Millisecond, 200*time.Millisecond
	a.healthy.successes, a.unhealthy.failures, a.unhealthy.refusals, a.unhealthy.timeouts = 2, 2, 2, 2
	return spec
}

func TestServerFailsAndRecovers(t *testing.T) {
	var bad atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if bad.Load() || r.URL.Path != "/ready" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	s := New(Options{})
	defer s.Close()
	spec := frequent(t, realSpec(t, `{"active":{"http_path":"/ready"}}`, server.Listener.Addr().String()))
	v := s.NewChecker("upstreams/1").Bind(spec)
	bad.Store(true)
	eventually(t, "the node is unhealthy", func() bool { return !v.Serves(spec.Nodes[0]) })
	bad.Store(false)
	eventually(t, "the node is healthy", func() bool { return v.Serves(spec.Nodes[0]) })
	server.Close()
	eventually(t, "the node that is gone is unhealthy", func() bool { return !v.Serves(spec.Nodes[0]) })
}

func TestHTTPS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "names.test" || r.TLS.ServerName != "names.test" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	defer server.Close()
	for _, verify := range []bool{true, false} {
		t.Run(fmt.Sprint("verify ", verify), func(t *testing.T) {
			s := New(Options{})
			defer s.Close()
			raw := `{"active":{"type":"https","host":"names.test","https_verify_certificate":` + strconv.FormatBool(verify) + `}}`
			spec := frequent(t, realSpec(t, raw, server.Listener.Addr().String()))
			c := s.NewChecker("upstreams/1")
			v := c.Bind(spec)
			v.Failed(spec.Nodes[0], false)
			v.Failed(spec.Nodes[0], false)
			if verify {
				eventually(t, "checks were made", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return c.nodes[0].pending })
				if v.Serves(spec.Nodes[0]) {
					t.Error("a certificate that nobody signed is taken")
				}
				return
			}
			eventually(t, "the node is healthy", func() bool { return v.Serves(spec.Nodes[0]) })
		})
	}
}

// serverEnv makes the test binary a server, so that it can be stopped.
const serverEnv = "POLYGATE_HEALTH_TEST_SERVER"

func TestHelperServer(t *testing.T) {
	if os.Getenv(serverEnv) == "" {
		t.Skip("only within TestStoppedProcess")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = l.Close()
	}()
	_ = http.Serve(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}

// TestStoppedProcess has a server that accepts connections, because the kernel does, and never answers.
func TestStoppedProcess(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperServer$")
	cmd.Env = append(os.Environ(), serverEnv+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the server told no address")
	}
	s := New(Options{})
	defer s.Close()
	spec := frequent(t, realSpec(t, `{"active":{}}`, lines.Text()))
	c := s.NewChecker("upstreams/1")
	v := c.Bind(spec)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stopped node is unhealthy", func() bool { return !v.Serves(spec.Nodes[0]) })
	if n := c.Report().Nodes[0]; n.TimeoutFailure != 2 {
		t.Errorf("got %+v, want 2 timeouts", n)
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the node is healthy", func() bool { return v.Serves(spec.Nodes[0]) })
}

// FuzzConverse reads whatever a server may say.
func FuzzConverse(f *testing.F) {
	for _, seed := range []string{"HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 100 C\r\n\r\nHTTP/1.0 503\r\n", "HTTP/9.9  999 \n", "\r\n", "HTTP/1.1 20"} {
		f.Add([]byte(seed))
	}
	a := &active{timeout: time.Second, method: "GET", path: "/"}
	f.Fuzz(func(t *testing.T, said []byte) {
		near, far := net.Pipe()
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer far.Close()
			buf := make([]byte, 4096)
			_, _ = far.Read(buf)
			_, _ = far.Write(said)
		}()
		_, status, err := converse(near, a, "h")
		if err == nil && (status < 200 || status > 999) {
			t.Errorf("got the status %d from %q", status, said)
		}
		_ = near.Close()
		<-done
	})
}
