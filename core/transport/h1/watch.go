package h1

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// tick is how often time limits are looked at, and so how exact they are.
const tick = 25 * time.Millisecond

// Of very many connections only a share is looked at in one tick, so that watching stays cheap: each is looked at in every eighth.
const (
	sweepAtLeast = 4096
	sweepShare   = 8
)

// Watch enforces the time limits of many connections with one goroutine, and notices clients that go away. Setting a limit is
// one atomic store, where a deadline for each read and write would be an operation on the runtime's timers.
//
// The zero value is not usable; see NewWatch.
type Watch struct {
	start time.Time
	now   atomic.Int64 // nanoseconds since start, at the last tick; never 0
	done  chan struct{}
	wg    sync.WaitGroup
	gone  *goneSet
	wake  chan struct{} // the first guard has come

	mu     sync.Mutex
	guards []*guard // guarded by mu
	next   int      // the guard that the next sweep begins with; guarded by mu
}

// NewWatch starts a watch; Close ends it.
func NewWatch() *Watch {
	w := &Watch{start: time.Now(), done: make(chan struct{}), wake: make(chan struct{}, 1), gone: newGoneSet()}
	w.tell()
	w.wg.Add(1)
	go w.run()
	return w
}

// Close ends the watch. Limits are not enforced any more.
func (w *Watch) Close() {
	close(w.done)
	w.wg.Wait()
	w.gone.close()
}

func (w *Watch) tell() int64 {
	now := int64(time.Since(w.start)) + 1
	w.now.Store(now)
	return now
}

func (w *Watch) run() {
	defer w.wg.Done()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for {
		select {
		case <-w.done:
			return
		case <-ticker.C:
		}
		now := w.tell()
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
		ticker.Reset(tick)
	}
}

// sweep ends what is over its limit and tells whether there is anything to watch.
func (w *Watch) sweep(now int64) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.guards)
	for range min(n, max(sweepAtLeast, n/sweepShare+1)) {
		if w.next >= n {
			w.next = 0
		}
		w.guards[w.next].check(now)
		w.next++
	}
	return n > 0
}

// guard begins to watch a connection.
func (w *Watch) guard(nc net.Conn) *guard {
	g := &guard{watch: w, nc: nc, fd: descriptor(nc)}
	w.mu.Lock()
	g.index = len(w.guards)
	w.guards = append(w.guards, g)
	first := g.index == 0
	if first {
		// The watch may have slept since the last connection ended: a limit must not count from then.
		w.tell()
	}
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
	return g
}

func (w *Watch) remove(g *guard) {
	w.mu.Lock()
	if g.index < 0 {
		w.mu.Unlock()
		return
	}
	last := len(w.guards) - 1
	moved := w.guards[last]
	w.guards[g.index], moved.index = moved, g.index
	w.guards[last] = nil
	w.guards = w.guards[:last]
	g.index = -1
	w.mu.Unlock()
	w.gone.forget(g)
}
