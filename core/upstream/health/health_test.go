package health

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/upstream/balance"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(t testing.TB, raw string) *Checks {
	t.Helper()
	c, err := Parse(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// specOf makes a version that checks nodes at 10.0.0.1 and so on.
func specOf(t testing.TB, version uint64, raw string, hosts ...string) *Spec {
	t.Helper()
	s := &Spec{Checks: parse(t, raw), Version: version}
	for i, host := range hosts {
		n := &balance.Node{Addr: host + ":80", Host: host, Port: 80, Weight: 1, Index: i}
		if ip, err := netip.ParseAddr(host); err == nil {
			n.IP = ip
		}
		s.Nodes = append(s.Nodes, n)
	}
	s.Picker = balance.NewRoundRobin(s.Nodes)
	return s
}

// network is one of upstreams that exist in memory only.
type network struct {
	mu    sync.Mutex
	how   map[string]func(net.Conn) // by address; guarded by mu
	asked map[string]int            // guarded by mu
	open  int                       // guarded by mu
	most  int                       // of open at the same time; guarded by mu
	wg    sync.WaitGroup
}

var errRefused = errors.New("connection refused")

func newNetwork() *network {
	return &network{how: map[string]func(net.Conn){}, asked: map[string]int{}}
}

func (w *network) set(address string, how func(net.Conn)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.how[address] = how
}

func (w *network) count(address string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[address]
}

// Dial connects, is refused where nobody listens, and waits in vain where how is hang.
func (w *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	w.mu.Lock()
	how := w.how[address]
	w.asked[address]++
	w.open++
	w.most = max(w.most, w.open)
	w.mu.Unlock()
	closed := func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
	}
	if how == nil {
		closed()
		return nil, errRefused
	}
	near, far := net.Pipe()
	w.wg.Go(func() {
		defer far.Close()
		how(far)
	})
	return &counted{Conn: near, closed: sync.OnceFunc(closed)}, nil
}

// counted is a connection that tells when it is closed.
type counted struct {
	net.Conn
	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}

// says is a server that answers every request with a text.
func says(text string) func(net.Conn) {
	return func(c net.Conn) {
		if readHead(c) != "" {
			_, _ = c.Write([]byte(text))
		}
	}
}

func status(code int) func(net.Conn) {
	return says(fmt.Sprintf("HTTP/1.1 %d Whatever\r\nContent-Length: 2\r\n\r\nok", code))
}

// hang is a server that does not answer.
func hang(c net.Conn) {
	readHead(c)
	_, _ = c.Read(make([]byte, 1))
}

func readHead(c net.Conn) string {
	var head strings.Builder
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return ""
		}
		head.WriteString(line)
		if line == "\r\n" {
			return head.String()
		}
	}
}

// statusesOf is the report as a text.
func statusesOf(c *Checker) string {
	var b strings.Builder
	for i, n := range c.Report().Nodes {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %d/%d/%d/%d", n.Status, n.Success, n.HTTPFailure, n.TCPFailure, n.TimeoutFailure)
	}
	return b.String()
}
