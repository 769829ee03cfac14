// Package h1 speaks HTTP/1.1 with clients and with upstreams (RFC 9112). It reads a message in exactly one way or not at all.
package h1

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// Server serves HTTP/1.1 on any number of listeners. It is safe for concurrent use.
type Server struct {
	handler transport.Handler
	limits  transport.Limits
	watch   *Watch
	log     *slog.Logger

	stopping atomic.Bool
	stop     chan struct{} // closed when stopping is set
	accepted atomic.Int64
	wg       sync.WaitGroup // of accepting goroutines and connections
	spare    sync.Pool      // see output

	mu        sync.Mutex
	conns     map[*conn]struct{} // guarded by mu
	listeners []net.Listener     // guarded by mu
	cut       bool               // connections that come now are closed; guarded by mu
}

// Options are what a server is made of. All are required but Limits, without which nothing is limited.
type Options struct {
	Handler transport.Handler
	Limits  transport.Limits
	Watch   *Watch
	Logger  *slog.Logger
}

// NewServer returns a server that does not listen yet.
func NewServer(o Options) *Server {
	return &Server{
		handler: o.Handler, limits: o.Limits, watch: o.Watch, log: o.Logger, conns: map[*conn]struct{}{}, stop: make(chan struct{}),
	}
}

// Serve accepts connections until the server is shut down or the listener is closed, and then returns nil. With a configuration they
// are TLS. It closes the listener.
func (s *Server) Serve(l net.Listener, config *tls.Config) error {
	defer func() { _ = l.Close() }()
	if !s.listen(l) {
		return nil
	}
	defer s.wg.Done()
	for pause := time.Duration(0); ; {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(nc, config)
		case s.stopping.Load() || errors.Is(err, net.ErrClosed):
			return nil
		default:
			// Out of descriptors: connections that end give some back.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Error("accept", "address", l.Addr().String(), "error", err, "retry_in", pause)
			s.wait(pause)
		}
	}
}

func (s *Server) listen(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.listeners = append(s.listeners, l)
	s.wg.Add(1)
	return true
}

func (s *Server) wait(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.stop:
	}
}

func (s *Server) start(nc net.Conn, config *tls.Config) {
	s.accepted.Add(1)
	if config != nil {
		nc = tls.Server(nc, config)
	}
	c := newConn(s, nc)
	s.mu.Lock()
	if s.cut {
		s.mu.Unlock()
		c.guard.remove()
		_ = nc.Close()
		return
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	s.mu.Unlock()
	go c.serve()
}

// Connections returns how many connections are open and how many were accepted so far. Those that were handed over do not count.
func (s *Server) Connections() (open int, accepted int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns), s.accepted.Load()
}

// forget takes a connection off the server's books, once for each.
func (s *Server) forget(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.wg.Done()
}

// grace is how long an idle connection is kept when the server stops: a request may be on its way.
const grace = 250 * time.Millisecond

// Shutdown stops accepting, ends idle connections and waits for the others to finish their requests. Who has connected already, or sent
// a request before he can know, is still served. When ctx ends first Shutdown cuts what is left and returns ctx's error. It does not wait for
// connections that were handed over.
func (s *Server) Shutdown(ctx context.Context) error {
	s.beginStop()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	s.cut = true
	for _, l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		c.guard.cut()
	}
	s.mu.Unlock()
	<-done
	return ctx.Err()
}

func (s *Server) beginStop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Swap(true) {
		return
	}
	close(s.stop)
	for _, l := range s.listeners {
		// Closing the socket would reset the connections that wait to be accepted.
		if d, ok := l.(interface{ SetDeadline(time.Time) error }); !ok || d.SetDeadline(time.Now().Add(tick)) != nil {
			_ = l.Close()
		}
	}
	for c := range s.conns {
		c.hurry()
	}
}
