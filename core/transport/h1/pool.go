package h1

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// A Pool keeps the idle connections to one address. It is safe for concurrent use.
type Pool struct {
	target Target
	watch  *Watch

	mu     sync.Mutex
	idle   []*call // the one used last at the end; guarded by mu
	closed bool    // guarded by mu
}

// Target is an address of an upstream and how connections to it are made and kept.
type Target struct {
	Addr        string        // host:port
	TLS         *tls.Config   // nil for plain TCP
	Size        int           // idle connections kept
	IdleTimeout time.Duration // 0: no limit
	Requests    int           // per connection, 0: no limit
}

var _ transport.Pool = (*Pool)(nil)

// NewPool returns a pool without connections.
func NewPool(t Target, w *Watch) *Pool { return &Pool{target: t, watch: w} }

// Get returns an idle connection, or a new one. An idle connection on which the upstream has sent anything, the end included, is never
// used again: what came could pass for the response to another client's request.
func (p *Pool) Get(ctx context.Context, connect time.Duration, choice transport.Choice) (c transport.Call, reused bool, err error) {
	for choice != transport.Fresh {
		c := p.take()
		if c == nil {
			break
		}
		if c.alive() {
			return c, true, nil
		}
		c.close()
	}
	dialer := net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
	nc, err := dialer.DialContext(ctx, "tcp", p.target.Addr)
	if err != nil {
		return nil, false, err
	}
	if p.target.TLS != nil {
		if nc, err = p.handshake(ctx, nc, connect); err != nil {
			return nil, false, err
		}
	}
	return newCall(p, nc), false, nil
}

func (p *Pool) handshake(ctx context.Context, nc net.Conn, limit time.Duration) (net.Conn, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	t := tls.Client(nc, p.target.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return t, nil
}

// take takes the idle connection that was used last, nil where there is none. When that one is too old, all are.
func (p *Pool) take() *call {
	now := p.watch.now.Load()
	p.mu.Lock()
	n := len(p.idle)
	if n == 0 {
		p.mu.Unlock()
		return nil
	}
	c := p.idle[n-1]
	if p.old(c, now) {
		all := p.idle
		p.idle = nil
		p.mu.Unlock()
		closeAll(all)
		return nil
	}
	p.idle[n-1] = nil
	p.idle = p.idle[:n-1]
	p.mu.Unlock()
	return c
}

func (p *Pool) old(c *call, now int64) bool {
	return p.target.IdleTimeout > 0 && now-c.idleSince >= int64(p.target.IdleTimeout)
}

func (p *Pool) put(c *call) bool {
	c.idleSince = p.watch.now.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.target.Size {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}

// Reap closes the connections that have been idle for too long, or that the upstream has closed, and returns how many stay.
func (p *Pool) Reap() int {
	now := p.watch.now.Load()
	var gone []*call
	p.mu.Lock()
	kept := p.idle[:0]
	for _, c := range p.idle {
		if p.old(c, now) || !c.alive() {
			gone = append(gone, c)
		} else {
			kept = append(kept, c)
		}
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	p.mu.Unlock()
	closeAll(gone)
	return len(kept)
}

// Close closes the idle connections; those in use are closed when their calls are done.
func (p *Pool) Close() {
	p.mu.Lock()
	all := p.idle
	p.closed, p.idle = true, nil
	p.mu.Unlock()
	closeAll(all)
}

func closeAll(calls []*call) {
	for _, c := range calls {
		c.close()
	}
}
