package h1

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// deadlines is a connection of which only the deadlines matter.
type deadlines struct {
	net.Conn
	mu          sync.Mutex
	read, write int // how often each was cut
}

func (d *deadlines) set(t time.Time, counts ...*int) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !t.IsZero() && t.Before(time.Now()) {
		for _, n := range counts {
			*n++
		}
	}
	return nil
}

func (d *deadlines) SetDeadline(t time.Time) error      { return d.set(t, &d.read, &d.write) }
func (d *deadlines) SetReadDeadline(t time.Time) error  { return d.set(t, &d.read) }
func (d *deadlines) SetWriteDeadline(t time.Time) error { return d.set(t, &d.write) }

func (d *deadlines) cuts() (read, write int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.read, d.write
}

func TestGuard(t *testing.T) {
	const limit = 10 * time.Second
	tests := []struct {
		name        string
		use         func(g *guard)
		wait        time.Duration
		read, write int
		expired     bool
	}{
		{"no limit", func(*guard) {}, time.Hour, 0, 0, false},
		{"before the limit", func(g *guard) { g.armRead(limit) }, limit, 0, 0, false},
		{"after the limit", func(g *guard) { g.armRead(limit) }, limit + 3*tick, 1, 0, true},
		{"long after the limit", func(g *guard) { g.armRead(limit) }, time.Hour, 1, 0, true},
		{"limit taken back", func(g *guard) { g.armRead(limit); g.armRead(0) }, time.Hour, 0, 0, false},
		{"writing", func(g *guard) { g.armWrite(limit) }, limit + 4*tick, 0, 1, true},
		{"writing, before the limit", func(g *guard) { g.armWrite(limit) }, limit - tick, 0, 0, false},
		{"held", func(g *guard) { g.holdRead() }, time.Hour, 0, 0, false},
		{"released", func(g *guard) { g.holdRead(); g.releaseRead(limit) }, limit + 3*tick, 1, 0, true},
		{"released after its end", func(g *guard) { g.holdRead(); g.armRead(0); g.releaseRead(limit) }, time.Hour, 0, 0, false},
		{"released without a limit", func(g *guard) { g.holdRead(); g.releaseRead(0) }, time.Hour, 0, 0, false},
		{"cut", func(g *guard) { g.cut() }, 0, 1, 1, true},
		{"cut stays", func(g *guard) { g.cut(); g.readUntil(time.Time{}) }, 0, 2, 2, true},
		{"removed", func(g *guard) { g.armRead(limit); g.remove(); g.remove() }, time.Hour, 0, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := NewWatch()
				defer w.Close()
				d := &deadlines{}
				g := w.guard(d)
				tt.use(g)
				time.Sleep(tt.wait)
				synctest.Wait()
				if read, write := d.cuts(); read != tt.read || write != tt.write {
					t.Errorf("got %d and %d, want reading cut %d and writing %d times", read, write, tt.read, tt.write)
				}
				if got := g.expired(); got != tt.expired {
					t.Errorf("got expired %v, want %v", got, tt.expired)
				}
			})
		})
	}
}

// A watch without guards sleeps, and knows the time when the next one comes.
func TestWatchSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch()
		defer w.Close()
		w.guard(&deadlines{}).remove()
		time.Sleep(time.Hour)
		d := &deadlines{}
		g := w.guard(d)
		g.armRead(time.Second)
		time.Sleep(time.Second)
		synctest.Wait()
		if g.expired() {
			t.Error("got a limit that counts from the time before the sleep")
		}
		time.Sleep(3 * tick)
		synctest.Wait()
		if !g.expired() {
			t.Error("got no end at the limit")
		}
	})
}

// Of very many guards each is looked at, if not at every tick.
func TestWatchOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatch()
		defer w.Close()
		guards := make([]*guard, 10*sweepAtLeast)
		for i := range guards {
			guards[i] = w.guard(&deadlines{})
			guards[i].armRead(time.Second)
		}
		for _, g := range guards[:sweepAtLeast] {
			g.remove()
		}
		time.Sleep(time.Second + (sweepShare+4)*tick)
		synctest.Wait()
		for i, g := range guards {
			if got, want := g.expired(), i >= sweepAtLeast; got != want {
				t.Fatalf("got expired %v for guard %d, want %v", got, i, want)
			}
		}
	})
}

// A limit has one end: whoever arms it and the watch agree on whether it was reached.
func TestLimitHammer(t *testing.T) {
	for range 200 {
		var l limit
		var ends atomic.Int64
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := int64(1); i < 100; i++ {
				l.set(i)
				l.set(0)
			}
			l.set(100)
		})
		for range 2 {
			wg.Go(func() {
				for now := int64(0); now < 200; now++ {
					if l.reached(now) {
						ends.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if l.reached(1000) {
			ends.Add(1)
		}
		if ends.Load() != 1 || !l.fired() {
			t.Fatalf("got %d ends and fired %v, want one", ends.Load(), l.fired())
		}
	}
}

// Guards come and go while the watch sweeps and peers go away.
func TestWatchHammer(t *testing.T) {
	w := newWatch(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 30 {
				nc, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				peer, err := l.Accept()
				if err != nil {
					t.Error(err)
					return
				}
				g := w.guard(nc)
				g.armRead(time.Millisecond)
				g.waiting(func() {})
				_ = peer.Close()
				w.sweep(w.now.Load() + int64(time.Hour))
				g.waiting(nil)
				g.cut()
				g.remove()
				_ = nc.Close()
			}
		})
	}
	wg.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.guards) != 0 || len(w.gone.watched) != 0 {
		t.Errorf("got %d guards and %d watched descriptors left, want none", len(w.guards), len(w.gone.watched))
	}
}
