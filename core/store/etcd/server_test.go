package etcd_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// binary is the server that the tests start.
const binary = "/usr/bin/etcd"

// server is an etcd server on loopback ports that stay the same when it is started again.
type server struct {
	t            *testing.T
	client, peer string      // addresses
	tls          *tls.Config // of the test's own clients; nil: plain HTTP
	user         string      // of the test's own clients, and its password; empty: none
	flags        []string    // more flags
	cmd          *exec.Cmd
	exited       <-chan struct{} // closed when cmd ended
}

// newServer starts a server over an empty folder. It is killed after the test.
func newServer(t *testing.T) *server {
	t.Helper()
	s := unstarted(t)
	s.start(t.TempDir())
	return s
}

func unstarted(t *testing.T) *server {
	t.Helper()
	if _, err := os.Stat(binary); err != nil {
		t.Skipf("%s is missing (Debian package etcd-server)", binary)
	}
	s := &server{t: t, client: freeAddress(t), peer: freeAddress(t)}
	t.Cleanup(s.kill)
	return s
}

// freeAddress returns an address that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs the server over the folder and waits until it serves. It tries again when somebody took a port in the
// meantime, for the first start with other ports.
func (s *server) start(dir string) {
	s.t.Helper()
	first := s.cmd == nil
	for range 10 {
		s.run(dir)
		if s.ready() {
			return
		}
		s.kill()
		if first {
			s.client, s.peer = freeAddress(s.t), freeAddress(s.t)
		}
	}
	s.t.Fatal("etcd does not start")
}

// run starts the process.
func (s *server) run(dir string) {
	s.t.Helper()
	client, peer := s.url(), "http://"+s.peer
	s.cmd = exec.Command(binary, "--data-dir", dir, "--name", "one", "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one="+peer,
		// A folder that was replaced is another cluster.
		"--initial-cluster-token", dir, "--heartbeat-interval", "50", "--election-timeout", "250")
	s.cmd.Args = append(s.cmd.Args, s.flags...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	exited := make(chan struct{})
	cmd := s.cmd
	go func() {
		defer close(exited)
		_ = cmd.Wait()
	}()
	s.exited = exited
}

func (s *server) url() string {
	if s.tls != nil {
		return "https://" + s.client
	}
	return "http://" + s.client
}

// ready waits until the server answers. It returns false if it ended.
func (s *server) ready() bool {
	s.t.Helper()
	cli := s.dial()
	defer cli.Close()
	alive := true
	eventually(s.t, "the server answers", func() bool {
		select {
		case <-s.exited:
			alive = false
			return true
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := cli.Get(ctx, "ready")
		return err == nil
	})
	return alive
}

// dial returns a client of the test's own.
func (s *server) dial() *clientv3.Client {
	s.t.Helper()
	cli, err := clientv3.New(clientv3.Config{
		Endpoints: []string{s.url()}, TLS: s.tls, Username: s.user, Password: s.user, Logger: zap.NewNop(),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return cli
}

// do runs a command of the test's own.
func (s *server) do(command func(context.Context, *clientv3.Client) error) {
	s.t.Helper()
	cli := s.dial()
	defer cli.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := command(ctx, cli); err != nil {
		s.t.Fatal(err)
	}
}

// put writes below the default prefix.
func (s *server) put(key, value string) {
	s.t.Helper()
	s.do(func(ctx context.Context, cli *clientv3.Client) error {
		_, err := cli.Put(ctx, "/apisix/"+key, value)
		return err
	})
}

// compact forgets all revisions but the last.
func (s *server) compact() {
	s.t.Helper()
	s.do(func(ctx context.Context, cli *clientv3.Client) error {
		resp, err := cli.Get(ctx, "any")
		if err != nil {
			return err
		}
		_, err = cli.Compact(ctx, resp.Header.Revision)
		return err
	})
}

// kill ends the server at once.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.exited
	}
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// proxy forwards connections to a server until it is cut.
type proxy struct {
	listener net.Listener
	target   string
	wg       sync.WaitGroup

	mu    sync.Mutex // guards what follows
	conns map[net.Conn]struct{}
	open  bool
}

// newProxy starts a proxy that lets everything through.
func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target, conns: map[net.Conn]struct{}{}, open: true}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		p.wg.Wait()
	})
	return p
}

func (p *proxy) url() string { return fmt.Sprintf("http://%s", p.listener.Addr()) }

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", p.target)
		if err != nil || !p.keep(c, up) {
			_ = c.Close()
			continue
		}
		for _, pair := range [][2]net.Conn{{c, up}, {up, c}} {
			p.wg.Go(func() {
				_, _ = io.Copy(pair[0], pair[1])
				_ = pair[0].Close()
				_ = pair[1].Close()
			})
		}
	}
}

func (p *proxy) keep(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		p.conns[c] = struct{}{}
		if !p.open {
			_ = c.Close()
		}
	}
	return p.open
}

// cut closes all connections and refuses new ones.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = false
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
}

// mend lets connections through again.
func (p *proxy) mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open = true
}
