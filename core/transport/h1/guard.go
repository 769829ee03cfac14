package h1

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// A guard has the time limits of one connection: one for reading and one for writing, because the two may go on in different
// goroutines. Each limit is set by one goroutine at a time.
type guard struct {
	watch *Watch
	nc    net.Conn
	fd    int // -1 where there is none
	read  limit
	write limit
	dead  atomic.Bool // cut
	index int         // in watch.guards, -1 once removed; guarded by watch.mu

	writeWait atomic.Int64 // nanoseconds until the watch asks what the peer has taken
	extended  int64        // the limit on writing that the watch has set itself; the watch's own
	taken     uint64       // bytes that the peer had taken then; the watch's own

	waitingSince atomic.Int64 // the watch's time, 0 when nobody waits, negative when the kernel watches
	goneMu       sync.Mutex
	onGone       func() // guarded by goneMu
}

// A limit is a point in the watch's time, or one of the states below. The zero value is no limit.
type limit struct{ at atomic.Int64 }

const (
	fired = -1 // the limit was reached
	held  = -2 // the limit begins later
)

// set replaces the limit. One that was reached stays so.
func (l *limit) set(at int64) {
	for old := l.at.Load(); old != fired; old = l.at.Load() {
		if l.at.CompareAndSwap(old, at) {
			return
		}
	}
}

// reached tells whether the limit is over by now, once.
func (l *limit) reached(now int64) bool {
	at := l.at.Load()
	return at > 0 && now > at && l.at.CompareAndSwap(at, fired)
}

func (l *limit) fired() bool { return l.at.Load() == fired }

func (g *guard) at(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return g.watch.now.Load() + int64(d+tick)
}

// armRead sets the limit for the next read, 0 is none.
func (g *guard) armRead(d time.Duration) { g.read.set(g.at(d)) }

// armWrite sets the limit for the next write, 0 is none. It is extended as long as the peer takes something: the watch looks after half of
// the time, and again at the end of it.
func (g *guard) armWrite(d time.Duration) {
	if half := int64(d / 2); half > 0 && g.writeWait.Load() != half {
		g.writeWait.Store(half)
	}
	g.write.set(g.at(d / 2))
}

// holdRead leaves reading without limit until releaseRead.
func (g *guard) holdRead() { g.read.set(held) }

// releaseRead starts a limit that is held. It may be called from any goroutine.
func (g *guard) releaseRead(d time.Duration) { g.read.at.CompareAndSwap(held, g.at(d)) }

// expired tells whether a limit was reached or the connection was cut.
func (g *guard) expired() bool { return g.dead.Load() || g.read.fired() || g.write.fired() }

// cut ends whatever the connection waits for, now and later. It may be called from any goroutine.
func (g *guard) cut() {
	g.dead.Store(true)
	g.interrupt()
}

func (g *guard) interrupt() { _ = g.nc.SetDeadline(past()) }

// past is a deadline that is over.
func past() time.Time { return time.Unix(1, 0) }

// readUntil replaces the limit on reading, also one that was reached, by a deadline of the connection; the zero time is none.
func (g *guard) readUntil(t time.Time) {
	g.read.at.Store(0)
	_ = g.nc.SetReadDeadline(t)
	if g.dead.Load() {
		g.interrupt()
	}
}

// check ends what is over its limit at the watch's time now, and hands long waits to the kernel.
func (g *guard) check(now int64) {
	if g.read.reached(now) {
		_ = g.nc.SetReadDeadline(past())
	}
	if at := g.write.at.Load(); at > 0 && now > at {
		g.checkWrite(at, now)
	}
	if since := g.waitingSince.Load(); since > 0 && now-since > int64(2*tick) {
		g.watch.gone.watch(g)
	}
}

// checkWrite ends a write whose limit at is over, unless it is the first time or the peer has taken something since the last.
func (g *guard) checkWrite(at, now int64) {
	taken, known := acknowledged(g.fd)
	if at == g.extended && (!known || taken == g.taken) {
		if g.write.reached(now) {
			_ = g.nc.SetWriteDeadline(past())
		}
		return
	}
	if next := now + g.writeWait.Load(); g.write.at.CompareAndSwap(at, next) {
		g.extended, g.taken = next, taken
	}
}

// waiting notes whom to tell when the peer goes away; nil ends that. After it has returned, no former function runs.
func (g *guard) waiting(gone func()) {
	g.goneMu.Lock()
	g.onGone = gone
	g.goneMu.Unlock()
	if gone != nil {
		g.waitingSince.Store(g.watch.now.Load())
		return
	}
	if g.waitingSince.Load() != 0 && g.waitingSince.Swap(0) < 0 {
		g.watch.gone.forget(g)
	}
}

// peerGone calls whoever waits.
func (g *guard) peerGone() {
	g.goneMu.Lock()
	defer g.goneMu.Unlock()
	if gone := g.onGone; gone != nil {
		g.onGone = nil
		gone()
	}
}

// remove ends the watching of the connection, which is to be closed after it. Further calls do nothing.
func (g *guard) remove() { g.watch.remove(g) }
