package balance

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/config"
)

// loaded makes nodes with addresses and loads.
func loaded(weights ...int) []*Node {
	all := nodes(weights...)
	for i, n := range all {
		n.Addr = fmt.Sprintf("127.0.0.1:%d", 1980+i)
	}
	Loads(nil).Next(all)
	return all
}

// each runs a test for every balancer.
func each(t *testing.T, f func(t *testing.T, mk func([]*Node) Picker)) {
	for name, mk := range Makers() {
		t.Run(name, func(t *testing.T) {
			f(t, func(nodes []*Node) Picker {
				p, err := mk(nodes, &config.Upstream{})
				if err != nil {
					t.Fatal(err)
				}
				return p
			})
		})
	}
}

// tryAll picks until no node is left, and returns the indices.
func tryAll(t *testing.T, p Picker, try *Try) (order []int) {
	t.Helper()
	for range 100 {
		n, err := p.Pick(try)
		if errors.Is(err, ErrNoNode) {
			return order
		}
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, n.Index)
		try.Mark(n)
		if tracker, ok := p.(Tracker); ok {
			tracker.Done(n, -1)
		}
	}
	t.Fatalf("there is no end of nodes: %v", order)
	return nil
}

func TestEachTriesEveryNodeByPriority(t *testing.T) {
	each(t, func(t *testing.T, mk func([]*Node) Picker) {
		all := loaded(1, 5, 1, 0, 1)
		all[2].Priority, all[3].Priority, all[4].Priority = -1, 9, 1
		p := mk(all)
		for i := range 20 {
			try := Try{Hash: Hash(0).Add(fmt.Sprint(i))}
			order := tryAll(t, p, &try)
			if len(order) == 4 {
				slices.Sort(order[1:3])
			}
			if diff := cmp.Diff([]int{4, 0, 1, 2}, order); diff != "" {
				t.Fatalf("nodes (-want +got):\n%s", diff)
			}
		}
	})
}

func TestEachWithoutNodes(t *testing.T) {
	each(t, func(t *testing.T, mk func([]*Node) Picker) {
		for _, all := range [][]*Node{nil, loaded(0, 0)} {
			if n, err := mk(all).Pick(&Try{}); !errors.Is(err, ErrNoNode) {
				t.Errorf("got %v %v, want ErrNoNode", n, err)
			}
		}
		p := mk(loaded(1, 1, 1, 1))
		first := p.Without(func(n *Node) bool { return n.Index == 1 })
		second := first.Without(func(n *Node) bool { return n.Index == 2 })
		for want, p := range map[string]Picker{"[0 1 2 3]": p, "[0 2 3]": first, "[0 3]": second} {
			order := tryAll(t, p, &Try{Hash: 77})
			slices.Sort(order)
			if got := fmt.Sprint(order); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		none := second.Without(func(*Node) bool { return true })
		if n, err := none.Pick(&Try{}); !errors.Is(err, ErrNoNode) {
			t.Errorf("got %v %v, want ErrNoNode", n, err)
		}
	})
}

func TestEachDoesNotAllocate(t *testing.T) {
	each(t, func(t *testing.T, mk func([]*Node) Picker) {
		all := mk(loaded(1, 2, 3, 4))
		for name, p := range map[string]Picker{"all": all, "some": all.Without(func(n *Node) bool { return n.Index == 0 })} {
			tracker, _ := p.(Tracker)
			try := Try{Hash: 1 << 31}
			if got := testing.AllocsPerRun(100, func() {
				for range 3 {
					n, err := p.Pick(&try)
					if err != nil {
						t.Fatal(err)
					}
					try.Mark(n)
					if tracker != nil {
						tracker.Done(n, 5)
					}
				}
				try.Reset()
			}); got != 0 {
				t.Errorf("%s: got %v allocations, want 0", name, got)
			}
		}
	})
}

func BenchmarkEach(b *testing.B) {
	for name, mk := range Makers() {
		for _, size := range []int{3, 100} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				weights := make([]int, size)
				for i := range weights {
					weights[i] = i%3 + 1
				}
				p, err := mk(loaded(weights...), &config.Upstream{})
				if err != nil {
					b.Fatal(err)
				}
				tracker, _ := p.(Tracker)
				b.ReportAllocs()
				var try Try
				for b.Loop() {
					try.Hash = try.Hash*1664525 + 1013904223
					n, err := p.Pick(&try)
					if err != nil {
						b.Fatal(err)
					}
					if tracker != nil {
						tracker.Done(n, 5)
					}
				}
			})
		}
	}
}
