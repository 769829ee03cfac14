package upstream

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// How long the resolver keeps what it knows.
const (
	defaultValid   = 30 * time.Second
	defaultWait    = 5 * time.Second
	keepGood       = 10 * time.Minute // addresses whose refresh fails
	keepIdle       = 10 * time.Minute // names that nobody asks for
	keepFailure    = time.Second
	retryAfter     = 5 * time.Second // a failed refresh, at most
	publishedShare = 8               // see Resolver.publish
)

// ErrClosed says that a resolver was closed.
var ErrClosed = errors.New("the resolver is closed")

var errNoAddress = errors.New("the name has no address")

// LookupFunc finds the addresses of a name. It returns when ctx ends.
type LookupFunc func(ctx context.Context, host string) ([]netip.Addr, error)

// ResolverOptions say how a resolver works. The zero value is a resolver that asks the system.
type ResolverOptions struct {
	Lookup LookupFunc    // nil: SystemLookup(nil, false)
	Valid  time.Duration // between two lookups of a name; 0: 30 s
	Wait   time.Duration // for one lookup, at most; 0: 5 s
}

// Resolver keeps the addresses of names fresh in the background, so that only the first request to a name waits for a lookup.
// When a lookup fails, the last addresses stay in use for up to 10 minutes. Names that nobody asked for during 10 minutes are
// forgotten. It is safe for concurrent use.
type Resolver struct {
	lookup LookupFunc
	valid  time.Duration
	wait   time.Duration
	ctx    context.Context // of all lookups
	cancel context.CancelFunc
	wg     sync.WaitGroup // lookups, and timers that are set

	read atomic.Pointer[map[string]*name] // a copy of names, perhaps an old one

	mu     sync.Mutex
	names  map[string]*name // guarded by mu
	misses int              // names looked for in read in vain since it was copied; guarded by mu
	closed bool             // guarded by mu
}

// name is a name that was asked for.
type name struct {
	host   string
	answer atomic.Pointer[answer] // nil: not known (yet)
	used   atomic.Bool            // since the last refresh

	done     chan struct{} // closed when the first lookup has ended
	first    *answer       // of the first lookup, once done is closed
	timer    *time.Timer   // guarded by Resolver.mu
	lastGood time.Time     // guarded by Resolver.mu
	lastUsed time.Time     // guarded by Resolver.mu
}

// answer is what a lookup found: addresses or an error.
type answer struct {
	addrs []netip.Addr
	err   error
}

func (a *answer) pick() (netip.Addr, error) {
	switch len(a.addrs) {
	case 0:
		return netip.Addr{}, a.err
	case 1:
		return a.addrs[0], nil
	}
	return a.addrs[rand.IntN(len(a.addrs))], nil
}

// NewResolver returns a resolver, which must be closed.
func NewResolver(o ResolverOptions) *Resolver {
	r := &Resolver{lookup: o.Lookup, valid: o.Valid, wait: o.Wait, names: map[string]*name{}}
	if r.lookup == nil {
		r.lookup = SystemLookup(nil, false)
	}
	if r.valid <= 0 {
		r.valid = defaultValid
	}
	if r.wait <= 0 {
		r.wait = defaultWait
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.read.Store(&map[string]*name{})
	return r
}

// Close ends all lookups and waits for them. Afterwards only names that are known already are found.
func (r *Resolver) Close() {
	r.mu.Lock()
	if !r.closed {
		r.closed = true
		r.cancel()
		for _, n := range r.names {
			if n.timer != nil && n.timer.Stop() {
				r.wg.Done()
			}
		}
	}
	r.mu.Unlock()
	r.wg.Wait()
}

// Lookup returns one of host's addresses, a random one each time. If the name is known it neither blocks nor allocates. Otherwise it waits
// until the lookup or ctx ends, and fails at once for a second after a lookup that failed. An address, also one in
// brackets, is returned as it is.
func (r *Resolver) Lookup(ctx context.Context, host string) (netip.Addr, error) {
	if n := (*r.read.Load())[host]; n != nil {
		if a := n.answer.Load(); a != nil && a.err == nil {
			if !n.used.Load() {
				n.used.Store(true)
			}
			return a.pick()
		}
	}
	return r.lookupSlow(ctx, host)
}

func (r *Resolver) lookupSlow(ctx context.Context, host string) (netip.Addr, error) {
	if addr, err := netip.ParseAddr(unbracket(host)); err == nil {
		return addr, nil
	}
	n, a := r.find(host)
	if a == nil {
		a = r.await(ctx, n)
	}
	addr, err := a.pick()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("resolve %s: %w", host, err)
	}
	return addr, nil
}

// await waits for the first answer.
func (r *Resolver) await(ctx context.Context, n *name) *answer {
	ctx, cancel := context.WithTimeout(ctx, r.wait)
	defer cancel()
	select {
	case <-n.done:
		return n.first
	case <-ctx.Done():
		return &answer{err: ctx.Err()}
	}
}

// find returns the name, and what is known of it. It starts to look up a new one.
func (r *Resolver) find(host string) (*name, *answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.names[host]
	if n == nil {
		if r.closed {
			return nil, &answer{err: ErrClosed}
		}
		n = &name{host: host, done: make(chan struct{}), lastUsed: time.Now()}
		r.names[host] = n
		r.wg.Go(func() {
			n.first = r.refresh(n)
			close(n.done)
		})
	}
	n.used.Store(true)
	if (*r.read.Load())[host] != n {
		r.publish()
	}
	return n, n.answer.Load()
}

// publish copies names to read when that was missed often enough to pay for the copy. The caller holds mu.
func (r *Resolver) publish() {
	r.misses++
	if r.misses*publishedShare < len(r.names) {
		return
	}
	r.misses = 0
	names := maps.Clone(r.names)
	r.read.Store(&names)
}

// refresh looks n up, says what happens to it next, and returns what it found.
func (r *Resolver) refresh(n *name) *answer {
	ctx, cancel := context.WithTimeout(r.ctx, r.wait)
	defer cancel()
	addrs, err := r.lookup(ctx, n.host)
	if err == nil && len(addrs) == 0 {
		err = errNoAddress
	}
	found := &answer{addrs: addrs, err: err}

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return &answer{err: ErrClosed}
	}
	now := time.Now()
	switch {
	case err == nil:
		n.lastGood = now
		n.answer.Store(found)
		r.after(n, jitter(r.valid), r.expire)
	case !n.lastGood.IsZero() && now.Sub(n.lastGood) < keepGood:
		r.after(n, jitter(min(r.valid, retryAfter)), r.expire)
	default:
		n.answer.Store(found)
		r.after(n, keepFailure, r.forget)
	}
	return found
}

// after calls f with n when d has passed, unless the resolver is closed by then. The caller holds mu.
func (r *Resolver) after(n *name, d time.Duration, f func(*name)) {
	r.wg.Add(1)
	n.timer = time.AfterFunc(d, func() {
		defer r.wg.Done()
		f(n)
	})
}

// expire refreshes a name that is still in use and forgets any other.
func (r *Resolver) expire(n *name) {
	r.mu.Lock()
	now := time.Now()
	if n.used.Swap(false) {
		n.lastUsed = now
	}
	idle, closed := now.Sub(n.lastUsed) >= keepIdle, r.closed
	r.mu.Unlock()
	switch {
	case closed:
	case idle:
		r.forget(n)
	default:
		r.refresh(n)
	}
}

func (r *Resolver) forget(n *name) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	delete(r.names, n.host)
	n.answer.Store(nil)
	r.publish()
}

// jitter returns a duration within a tenth of d, so that names that were asked for together are not looked up together for ever.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
