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
	accepted atomic.Int64
	wg       sync.WaitGroup

	mu        sync.Mutex
	conns     map[*conn]struct{} // guarded by mu
	listeners []net.Listener     // guarded by mu
}

// Options are what a server is made of.
type Options struct {
	Handler transport.Handler
	Limits  transport.Limits
	Watch   *Watch
	Logger  *slog.Logger
}

// NewServer returns a server that does not listen yet.
func NewServer(o Options) *Server {
	return &Server{handler: o.Handler, limits: o.Limits, watch: o.Watch, log: o.Logger, conns: map[*conn]struct{}{}}
}

// Serve accepts connections until the server is shut down, and then returns nil. With a configuration they are TLS.
func (s *Server) Serve(l net.Listener, config *tls.Config) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
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
			time.Sleep(pause)
		}
	}
}

func (s *Server) start(nc net.Conn, config *tls.Config) {
	s.accepted.Add(1)
	if config != nil {
		nc = tls.Server(nc, config)
	}
	c := newConn(s, nc)
	s.mu.Lock()
	if s.stopping.Load() {
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

// Connections returns how many connections are open and how many were accepted so far.
func (s *Server) Connections() (open int, accepted int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns), s.accepted.Load()
}

func (s *Server) forget(c *conn) {
	c.guard.remove()
	if !c.hijacked {
		_ = c.nc.Close()
	}
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.wg.Done()
}

// Shutdown stops accepting, ends idle connections and waits for the others to finish their requests. When ctx ends first it
// cuts them and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopping.Store(true)
	for _, l := range s.listeners {
		_ = l.Close()
	}
	for c := range s.conns {
		if c.idle.Load() {
			c.guard.cut()
		}
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	for c := range s.conns {
		c.guard.cut()
	}
	s.mu.Unlock()
	<-done
	return ctx.Err()
}
