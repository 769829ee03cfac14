package core

import (
	"runtime"
	"sync"

	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/core/upstream"
)

// poolKey is what connections must have in common to be shared.
type poolKey struct {
	addr   string
	keep   upstream.Keepalive
	tls    bool
	verify bool
	sni    string
	cert   *clientCert
}

// pools are the connections to all nodes. A pool ends when no target is bound to it and nobody has asked for it for a while: names and
// addresses come and go, and a client chooses the server name where its Host field is passed on.
type pools struct {
	watch *h1.Watch
	mu    sync.Mutex
	byKey map[poolKey]*poolEntry // guarded by mu
}

// poolEntry is a pool and who needs it.
type poolEntry struct {
	*h1.Pool
	bound int  // targets
	asked bool // since it was reaped last
}

// get returns the pool for one request.
func (p *pools) get(key poolKey, t *target) *h1.Pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entry(key, t)
	e.asked = true
	return e.Pool
}

// bind returns the pool for all requests to a target; it stays as long as the target does.
func (p *pools) bind(t *target, key poolKey) *h1.Pool {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.entry(key, nil)
	e.bound++
	runtime.AddCleanup(t, p.unbind, key)
	return e.Pool
}

func (p *pools) unbind(key poolKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.byKey[key]; e != nil {
		e.bound--
	}
}

// entry finds or makes an entry. The caller holds mu.
func (p *pools) entry(key poolKey, t *target) *poolEntry {
	if known := p.byKey[key]; known != nil {
		return known
	}
	dial := h1.Target{Addr: key.addr, Size: key.keep.Size, IdleTimeout: key.keep.Idle, Requests: key.keep.Requests}
	if key.tls {
		dial.TLS = t.tlsConfig(key.sni)
	}
	e := &poolEntry{Pool: h1.NewPool(dial, p.watch)}
	p.byKey[key] = e
	return e
}

// reap closes idle connections that are over their time, and ends pools that nobody needs.
func (p *pools) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, e := range p.byKey {
		idle := e.Reap()
		switch {
		case e.bound > 0 || e.asked || idle > 0 && key.keep.Idle > 0:
			e.asked = false
		default:
			e.Close()
			delete(p.byKey, key)
		}
	}
}

func (p *pools) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.byKey {
		e.Close()
	}
}
