package h1

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// tick is how often time limits are looked at, and so how exact they are.
const tick = 25 * time.Millisecond

// Watch enforces the time limits of many connections with one goroutine, and notices clients that go away. Setting a limit is
// one atomic store: a deadline in the runtime's heap for each read and write would cost more than the rest of a request's bookkeeping.
//
// The zero value is not usable; see NewWatch.
type Watch struct {
	now  atomic.Int64 // nanoseconds since start, at the last tick
	done chan struct{}
	wg   sync.WaitGroup
	gone *goneSet

	mu     sync.Mutex
	guards []*guard // guarded by mu
	wake   chan struct{}
}

// NewWatch starts a watch; Close ends it.
func NewWatch() *Watch {
	w := &Watch{done: make(chan struct{}), wake: make(chan struct{}, 1), gone: newGoneSet()}
	w.now.Store(1)
	w.wg.Add(1)
	go w.run(time.Now())
	return w
}

// Close ends the watch. Limits are not enforced any more.
func (w *Watch) Close() {
	close(w.done)
	w.wg.Wait()
	w.gone.close()
}

func (w *Watch) run(start time.Time) {
	defer w.wg.Done()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-ticker.C:
		}
		now := int64(time.Since(start)) + 1
		w.now.Store(now)
		w.gone.poll()
		if w.sweep(now) {
			continue
		}
		ticker.Stop()
		select {
		case <-w.done:
			return
		case <-w.wake:
		}
		w.now.Store(int64(time.Since(start)) + 1)
		ticker.Reset(tick)
	}
}

// sweep ends what is over its limit and tells whether there is anything to watch.
func (w *Watch) sweep(now int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, g := range w.guards {
		if at := g.at.Load(); at > 0 && now > at && g.at.CompareAndSwap(at, fired) {
			g.interrupt()
		}
		if since := g.waitingSince.Load(); since > 0 && now-since > int64(2*tick) {
			w.gone.watch(g)
		}
	}
	return len(w.guards) > 0
}

func (w *Watch) add(g *guard) {
	w.mu.Lock()
	g.index = len(w.guards)
	w.guards = append(w.guards, g)
	first := g.index == 0
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

func (w *Watch) remove(g *guard) {
	w.mu.Lock()
	last := len(w.guards) - 1
	moved := w.guards[last]
	w.guards[g.index], moved.index = moved, g.index
	w.guards[last] = nil
	w.guards = w.guards[:last]
	w.mu.Unlock()
	w.gone.forget(g)
}

// fired is the limit of a guard that is over it.
const fired = -1

// A guard watches one connection.
type guard struct {
	watch *Watch
	nc    net.Conn
	fd    int          // -1 where there is none
	at    atomic.Int64 // the limit as the watch's time; 0 none, or fired
	index int          // guarded by watch.mu

	waitingSince atomic.Int64 // the watch's time, 0 when nobody waits
	goneMu       sync.Mutex
	onGone       func() // guarded by goneMu
}

// arm sets the limit for what comes next. A guard that has fired stays so.
func (g *guard) arm(d time.Duration) {
	at := int64(0)
	if d > 0 {
		at = g.watch.now.Load() + int64(d+tick)
	}
	if old := g.at.Load(); old == fired || !g.at.CompareAndSwap(old, at) {
		g.at.Store(fired)
	}
}

func (g *guard) expired() bool { return g.at.Load() == fired }

// cut ends whatever the connection waits for.
func (g *guard) cut() {
	g.at.Store(fired)
	g.interrupt()
}

func (g *guard) interrupt() { _ = g.nc.SetDeadline(time.Unix(1, 0)) }

// waiting notes whom to tell when the peer goes away; nil ends that.
func (g *guard) waiting(gone func()) {
	g.goneMu.Lock()
	g.onGone = gone
	g.goneMu.Unlock()
	if gone != nil {
		g.waitingSince.Store(g.watch.now.Load())
		return
	}
	if g.waitingSince.Swap(0) < 0 {
		g.watch.gone.forget(g)
	}
}

// peerGone calls whoever waits.
func (g *guard) peerGone() {
	g.goneMu.Lock()
	defer g.goneMu.Unlock()
	if g.onGone != nil {
		g.onGone()
		g.onGone = nil
	}
}

func (g *guard) remove() { g.watch.remove(g) }

func (w *Watch) guard(nc net.Conn) *guard {
	g := &guard{watch: w, nc: nc, fd: descriptor(nc)}
	w.add(g)
	return g
}
