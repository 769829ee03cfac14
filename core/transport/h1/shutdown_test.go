package h1

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// Clients under load lose no request when the server stops: a request that was sent on a connection that the server had not announced to
// close gets its response.
func TestShutdownUnderLoad(t *testing.T) {
	const clients = 16
	for range 5 {
		r := start(t, echo, nil)
		var wg sync.WaitGroup
		var lost, served atomic.Int64
		for range clients {
			wg.Go(func() {
				n, ok := keepAsking(t, r.addr)
				served.Add(n)
				if !ok {
					lost.Add(1)
				}
			})
		}
		eventually(t, "the clients are at work", func() bool { _, accepted := r.Connections(); return accepted >= clients })
		if err := r.Shutdown(t.Context()); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		wg.Wait()
		if lost.Load() != 0 {
			t.Errorf("got %d lost requests of %d, want none", lost.Load(), served.Load())
		}
		if err := <-r.ended; err != nil {
			t.Errorf("got %v from Serve, want nil", err)
		}
	}
}

// keepAsking sends one request after the other until it is told that the connection ends.
func keepAsking(t *testing.T, addr string) (served int64, ok bool) {
	c := dial(t, addr)
	last := time.Now()
	for {
		idle := time.Since(last)
		if _, err := io.WriteString(c, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"); err != nil {
			return served, false
		}
		resp, err := http.ReadResponse(c.r, nil)
		if err != nil {
			// Who was idle for too long cannot know that the connection ended before his request.
			return served, idle > grace/2
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != "POST /a abc" {
			return served, false
		}
		served++
		last = time.Now()
		if resp.Close {
			return served, true
		}
	}
}

// Idle connections end; a request that comes at the last moment is served.
func TestShutdownOfIdleConnections(t *testing.T) {
	r := start(t, echo, nil)
	idle, late, fresh := dial(t, r.addr), dial(t, r.addr), dial(t, r.addr)
	for _, c := range []*client{idle, late} {
		c.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
		c.expect(200, "GET /a ")
	}
	eventually(t, "all are accepted", func() bool { _, accepted := r.Connections(); return accepted == 3 })
	began := time.Now()
	done := make(chan error)
	go func() { done <- r.Shutdown(context.Background()) }()
	eventually(t, "the server stops", r.stopping.Load)
	late.send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n")
	if resp := late.expect(200, "GET /late "); !resp.Close {
		t.Error("got a response that does not announce the end of the connection")
	}
	for _, c := range []*client{idle, late, fresh} {
		if rest := c.expectEnd(); rest != "" {
			t.Errorf("got %q, want the end", rest)
		}
	}
	if err := <-done; err != nil {
		t.Errorf("got %v, want no error", err)
	}
	if took := time.Since(began); took > grace+time.Second {
		t.Errorf("got the end after %v, want it soon after %v", took, grace)
	}
}

// What waits to be accepted when the server stops is served.
func TestShutdownServesBacklog(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	held := &heldListener{TCPListener: l.(*net.TCPListener), held: make(chan struct{})}
	w := newWatch(t)
	s := NewServer(Options{Handler: serveFunc(echo), Limits: transport.DefaultLimits(), Watch: w})
	ended := make(chan error)
	go func() { ended <- s.Serve(held, nil) }()
	c := dial(t, l.Addr().String())
	c.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
	eventually(t, "the server listens", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.listeners) == 1 })
	done := make(chan error)
	go func() { done <- s.Shutdown(context.Background()) }()
	eventually(t, "the server stops", s.stopping.Load)
	close(held.held)
	c.expect(200, "GET /a ")
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// heldListener accepts nothing until it is let go.
type heldListener struct {
	*net.TCPListener
	held chan struct{}
}

func (l *heldListener) Accept() (net.Conn, error) {
	<-l.held
	return l.TCPListener.Accept()
}

func TestShutdownCuts(t *testing.T) {
	begun, cut := make(chan struct{}), make(chan error, 1)
	r := start(t, func(s transport.Stream) {
		close(begun)
		_, err := io.ReadAll(s.Body())
		cut <- err
		s.Abort()
	}, nil)
	c := dial(t, r.addr)
	c.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), short)
	defer cancel()
	if err := r.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if err := <-cut; err == nil {
		t.Error("got the body, want an error")
	}
	c.expectEnd()
}
