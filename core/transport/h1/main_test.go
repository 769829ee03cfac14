package h1

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/polygate/polygate/core/transport"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of a test.
const patience = 10 * time.Second

// A wire is a connection whose other end has sent everything already.
type wire struct {
	net.Conn
	from io.Reader
}

func (w *wire) Read(p []byte) (int, error) { return w.from.Read(p) }

// wires returns the same bytes as they come in one piece, in halves, and one by one.
func wires(s string) map[string]*wire {
	return map[string]*wire{
		"at once":      {from: strings.NewReader(s)},
		"in halves":    {from: iotest.HalfReader(strings.NewReader(s))},
		"byte by byte": {from: iotest.OneByteReader(strings.NewReader(s))},
	}
}

func newInput(w *wire) *input { return &input{nc: w, buf: make([]byte, startBuffer)} }

// serveFunc is a handler that serves by a function and answers malformed requests with the reason.
type serveFunc func(s transport.Stream)

func (f serveFunc) Serve(s transport.Stream) { f(s) }

func (f serveFunc) Refuse(_ *transport.Peer, e *transport.Refusal) (contentType string, body []byte) {
	return "text/plain", []byte(e.Reason)
}

// echo answers with the request line and the body.
func echo(s transport.Stream) {
	r := s.Request()
	body, err := io.ReadAll(s.Body())
	if err != nil {
		s.Abort()
		return
	}
	answer(s, r.Method+" "+r.Path+" "+string(body))
}

// answer sends a page.
func answer(s transport.Stream, page string) {
	r := transport.Response{Status: 200, ContentLength: int64(len(page))}
	s.Respond(&r, false)
	if s.Write([]byte(page), true) != nil || s.Finish(nil) != nil {
		s.Abort()
	}
}

// A rig is a server on a loopback socket.
type rig struct {
	*Server
	watch *Watch
	addr  string
	ended chan error // what Serve returned
}

func newWatch(t testing.TB) *Watch {
	w := NewWatch()
	t.Cleanup(w.Close)
	return w
}

func start(t testing.TB, serve serveFunc, tweak func(*transport.Limits)) *rig {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limits := transport.DefaultLimits()
	if tweak != nil {
		tweak(&limits)
	}
	w := newWatch(t)
	r := &rig{
		Server: NewServer(Options{Handler: serve, Limits: limits, Watch: w, Logger: slog.New(slog.DiscardHandler)}),
		watch:  w, addr: l.Addr().String(), ended: make(chan error, 1),
	}
	go func() { r.ended <- r.Serve(l, nil) }()
	t.Cleanup(func() {
		if err := r.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return r
}

// A client is a connection to a server under test.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, nc)
}

func newClient(t testing.TB, nc net.Conn) *client {
	_ = nc.SetDeadline(time.Now().Add(patience))
	t.Cleanup(func() { _ = nc.Close() })
	return &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// receive reads a response to a request with that method, and its body.
func (c *client) receive(method string) (resp *http.Response, body string) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("no response: %v", err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("half a response: %v", err)
	}
	return resp, string(b)
}

// expect reads a response and compares status and body.
func (c *client) expect(status int, body string) *http.Response {
	c.t.Helper()
	resp, got := c.receive("GET")
	if resp.StatusCode != status || got != body {
		c.t.Fatalf("got %d %q, want %d %q", resp.StatusCode, got, status, body)
	}
	return resp
}

// expectEnd waits for the end of the connection and returns what came before it.
func (c *client) expectEnd() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		c.t.Fatalf("the connection is still open after %q", b)
	}
	return string(b)
}

// eventually polls until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !ok(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("it did not happen in time: %s", what)
		}
	}
}
