package admin

import (
	"net/netip"
	"sync"
	"time"
)

const (
	maxFailures   = 10 // wrong keys per address and failureWindow
	failureWindow = time.Minute
	maxAddresses  = 10_000 // remembered at once
)

// limiter counts wrong keys per address, for IPv6 per /64.
type limiter struct {
	mu       sync.Mutex
	failures map[netip.Prefix]failures // guarded by mu
}

type failures struct {
	count int
	until time.Time // then all is forgotten
}

func newLimiter() *limiter { return &limiter{failures: make(map[netip.Prefix]failures)} }

// blocked returns how long an address has to wait, 0 for one that need not.
func (l *limiter) blocked(addr netip.Addr) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.failures[network(addr)]
	if f.count < maxFailures {
		return 0
	}
	return max(0, time.Until(f.until))
}

// fail counts one wrong key.
func (l *limiter) fail(addr netip.Addr) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	key := network(addr)
	f, known := l.failures[key]
	if !known && len(l.failures) >= maxAddresses {
		l.forget(now)
	}
	if !now.Before(f.until) {
		f = failures{until: now.Add(failureWindow)}
	}
	f.count++
	l.failures[key] = f
}

// forget makes room: it drops what has run out, else any one address.
func (l *limiter) forget(now time.Time) {
	for key, f := range l.failures {
		if !now.Before(f.until) {
			delete(l.failures, key)
		}
	}
	for key := range l.failures {
		if len(l.failures) < maxAddresses {
			return
		}
		delete(l.failures, key)
	}
}

// network is what counts as one client. The zero Prefix stands for all clients of Unix sockets.
func network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
