package balance

import (
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestLeastConn(t *testing.T) {
	all := loaded(3, 4, 0)
	l := NewLeastConn(all)
	count := make([]int, len(all))
	var held []*Node
	for range 70 {
		n, err := l.Pick(&Try{})
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, n)
		count[n.Index]++
	}
	if count[0] != 30 || count[1] != 40 || count[2] != 0 {
		t.Errorf("got %v requests at once, want 30, 40 and 0", count)
	}
	for _, n := range held {
		if n.Index == 0 {
			l.Done(n, time.Second)
		}
	}
	for range 30 {
		if n, err := l.Pick(&Try{}); err != nil || n.Index != 0 {
			t.Fatalf("got %v %v, want the node that has nothing to do", n, err)
		}
	}
}

// TestLeastConnTakesTurns checks that equals serve alike, also where there are more than a pick looks at.
func TestLeastConnTakesTurns(t *testing.T) {
	for _, size := range []int{3, maxScan + 40} {
		weights := make([]int, size)
		for i := range weights {
			weights[i] = 1
		}
		l := NewLeastConn(loaded(weights...))
		count := make([]int, size)
		for range 4 * size {
			n, err := l.Pick(&Try{})
			if err != nil {
				t.Fatal(err)
			}
			l.Done(n, 0)
			count[n.Index]++
		}
		for i, got := range count {
			if got != 4 {
				t.Fatalf("%d nodes: node %d served %d times, want 4", size, i, got)
			}
		}
	}
}

// TestLeastConnAlone checks that the retries of a single node go to it.
func TestLeastConnAlone(t *testing.T) {
	l := NewLeastConn(loaded(1))
	var try Try
	for range 3 {
		n, err := l.Pick(&try)
		if err != nil {
			t.Fatal(err)
		}
		try.Mark(n)
	}
}

func TestEWMA(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := loaded(1, 1, 1, 0)
		e := NewEWMA(all)
		e.Done(all[0], 10*time.Millisecond)
		e.Done(all[1], time.Second)
		e.Done(all[2], 2*time.Second)
		count := make([]int, len(all))
		for range 600 {
			n, err := e.Pick(&Try{})
			if err != nil {
				t.Fatal(err)
			}
			e.Done(n, -1)
			count[n.Index]++
		}
		// The slowest of three is never the better one of two, and the quickest always is.
		if count[2] != 0 || count[3] != 0 || count[0] < 300 || count[1] < 100 {
			t.Errorf("got %v, want about 400, 200, 0 and 0", count)
		}
		time.Sleep(decay)
		e.Done(all[2], time.Millisecond)
		now := time.Now().UnixNano()
		if got := all[2].Load.latencyAt(now); got > 0.8 || got < 0.7 {
			t.Errorf("got %.3f s for a node that was slow, want about 2/e", got)
		}
		time.Sleep(20 * decay)
		if got := all[2].Load.latencyAt(time.Now().UnixNano()); got > 1e-6 {
			t.Errorf("got %v s after a long time, want nothing", got)
		}
	})
}

// TestLoadsNext checks that what is known of a node outlives the configuration as long as it matters.
func TestLoadsNext(t *testing.T) {
	first := nodes(1, 1)
	first[0].Addr, first[1].Addr = "a:1", "b:1"
	loads := Loads(nil).Next(first)
	first[0].Load.active.Add(1)

	second := nodes(1, 1)
	second[0].Addr, second[1].Addr = "b:1", "c:1"
	loads = loads.Next(second)
	if second[0].Load != first[1].Load {
		t.Error("a node that stays has another load")
	}
	if len(loads) != 3 {
		t.Errorf("got %d loads, want those of b and c, and of a, which has a request", len(loads))
	}
	third := nodes(1, 1)
	third[0].Addr, third[1].Addr = "a:1", "a:1"
	third[1].Priority = 1
	loads = loads.Next(third)
	if third[0].Load != first[0].Load || third[1].Load == first[0].Load {
		t.Error("a node that comes back is to have its load, and only for its priority")
	}
	third[0].Load.active.Add(-1)
	if loads = loads.Next(nil); len(loads) != 0 {
		t.Errorf("got %d loads without nodes and requests, want none", len(loads))
	}
}

// TestTrackersHammer uses one load from several balancers at the same time, as successive configurations do.
func TestTrackersHammer(t *testing.T) {
	all := loaded(1, 2, 3)
	least, ewma := NewLeastConn(all), NewEWMA(all)
	narrow := least.Without(func(n *Node) bool { return n.Index == 0 }).(*LeastConn)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1500 {
				for _, p := range []Tracker{least, narrow, ewma} {
					n, err := p.Pick(&Try{})
					if err != nil {
						t.Error(err)
						return
					}
					p.Done(n, rand.N(time.Second))
				}
			}
		})
	}
	wg.Wait()
	for i, n := range all {
		if got := n.Load.active.Load(); got != 0 {
			t.Errorf("node %d: got %d requests at the end, want 0", i, got)
		}
		if got := n.Load.latencyAt(time.Now().UnixNano()); got < 0 || got > 1 {
			t.Errorf("node %d: got a latency of %v s", i, got)
		}
	}
}
