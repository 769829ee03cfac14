package balance

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nodes makes nodes of these weights, all of one priority.
func nodes(weights ...int) []*Node {
	out := make([]*Node, len(weights))
	for i, w := range weights {
		out[i] = &Node{Index: i, Weight: w}
	}
	return out
}

func TestSequence(t *testing.T) {
	tests := []struct {
		name    string
		weights []int
		want    []uint16
	}{
		{"nginx's example", []int{5, 1, 1}, []uint16{0, 0, 1, 0, 2, 0, 0}},
		{"divided", []int{20, 10}, []uint16{0, 1, 0}},
		{"three", []int{1, 2, 3}, []uint16{2, 1, 0, 2, 1, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			weights, total := reduce(nodes(tt.weights...)), 0
			for _, w := range weights {
				total += int(w)
			}
			if diff := cmp.Diff(tt.want, sequence(weights, total)); diff != "" {
				t.Errorf("turns (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDistribution checks that each round gives every node exactly its share, whatever way the turns are found, and that the
// turns of a node are spread over the round.
func TestDistribution(t *testing.T) {
	tests := []struct {
		name    string
		weights []int
		round   int
		exact   bool // the algorithm runs for each pick
	}{
		{"equal", []int{7, 7, 7}, 3, false},
		{"weights", []int{3, 0, 1}, 4, false},
		{"one usable", []int{0, 9}, 1, false},
		{"common divisor", []int{100, 300, 200}, 6, false},
		{"long sequence", []int{10007, 9973, 1}, 19981, false},
		{"too long a sequence", []int{100003, 100019, 50021}, 250043, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all := nodes(tt.weights...)
			rr := NewRoundRobin(all)
			if got := rr.groups[0].exact != nil; got != tt.exact {
				t.Errorf("got the algorithm itself %v, want %v", got, tt.exact)
			}
			count, last := make([]int, len(all)), make([]int, len(all))
			sum := 0
			for _, w := range tt.weights {
				sum += w
			}
			for i := range 2 * tt.round {
				n, err := rr.Pick(&Try{})
				if err != nil {
					t.Fatal(err)
				}
				if gap := i - last[n.Index]; count[n.Index] > 0 && gap > 2*(sum/n.Weight+1) {
					t.Fatalf("node %d waited for %d turns", n.Index, gap)
				}
				count[n.Index]++
				last[n.Index] = i
			}
			for i, w := range tt.weights {
				if want := 2 * tt.round * w / sum; count[i] != want {
					t.Errorf("node %d: got %d turns, want %d", i, count[i], want)
				}
			}
		})
	}
}

func TestRetriesAndPriorities(t *testing.T) {
	tests := []struct {
		name  string
		nodes []*Node
	}{
		{"rotation", []*Node{{Weight: 1}, {Weight: 1}, {Weight: 1, Priority: -1}, {Weight: 0, Priority: 9}, {Weight: 1, Priority: 1}}},
		{"sequence", []*Node{{Weight: 1}, {Weight: 5}, {Weight: 1, Priority: -1}, {Weight: 0}, {Weight: 1, Priority: 1}}},
		{"rare node", []*Node{{Weight: 1}, {Weight: 5000}, {Weight: 1, Priority: -1}, {Weight: 0}, {Weight: 1, Priority: 1}}},
		{"algorithm", []*Node{{Weight: 1}, {Weight: 500000}, {Weight: 1, Priority: -1}, {Weight: 0}, {Weight: 1, Priority: 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for i, n := range tt.nodes {
				n.Index = i
			}
			rr := NewRoundRobin(tt.nodes)
			var try Try
			for range 10 {
				var order []int
				for {
					n, err := rr.Pick(&try)
					if errors.Is(err, ErrNoNode) {
						break
					}
					order = append(order, n.Index)
					try.Mark(n)
				}
				slices.Sort(order[1:3])
				if diff := cmp.Diff([]int{4, 0, 1, 2}, order); diff != "" {
					t.Fatalf("nodes (-want +got):\n%s", diff)
				}
				if try.Count() != 4 {
					t.Errorf("got %d marked, want 4", try.Count())
				}
				try.Reset()
			}
		})
	}
}

func TestSingle(t *testing.T) {
	n := nodes(0)[0]
	var try Try
	try.Mark(n)
	if got, err := Single(n).Pick(&try); got != n || err != nil {
		t.Errorf("got %v %v, want the node", got, err)
	}
}

func TestTry(t *testing.T) {
	var try Try
	for range 2 {
		for i := range 1000 {
			n := &Node{Index: i}
			if try.Marked(n) {
				t.Fatalf("node %d is marked already", i)
			}
			if i%3 == 0 {
				try.Mark(n)
				try.Mark(n)
			}
			if got := try.Marked(n); got != (i%3 == 0) {
				t.Fatalf("node %d: got %v", i, got)
			}
		}
		if try.Count() != 334 {
			t.Errorf("got %d marked, want 334", try.Count())
		}
		try.Reset()
	}
}

// TestHammer picks from many goroutines: no turn is lost or taken twice.
func TestHammer(t *testing.T) {
	for _, weights := range [][]int{{1, 1, 1}, {5, 3, 2}, {100003, 100019, 50021}} {
		rr := NewRoundRobin(nodes(weights...))
		sum := 0
		for _, w := range weights {
			sum += w
		}
		rounds := max(1, 8000/sum)
		const workers = 4
		counts := make([][]int, workers)
		var wg sync.WaitGroup
		for g := range workers {
			counts[g] = make([]int, len(weights))
			turns := rounds * sum / workers
			if g == 0 {
				turns += rounds * sum % workers
			}
			wg.Go(func() {
				for range turns {
					var try Try
					n, err := rr.Pick(&try)
					if err != nil {
						t.Error(err)
						return
					}
					counts[g][n.Index]++
					try.Mark(n)
				}
			})
		}
		wg.Wait()
		for i, w := range weights {
			got := 0
			for g := range counts {
				got += counts[g][i]
			}
			if got != rounds*w {
				t.Errorf("%v, node %d: got %d turns, want %d", weights, i, got, rounds*w)
			}
		}
	}
}

func TestPickDoesNotAllocate(t *testing.T) {
	for _, weights := range [][]int{{1, 1}, {5, 3}, {100003, 100019}} {
		rr := NewRoundRobin(nodes(weights...))
		var try Try
		if got := testing.AllocsPerRun(100, func() {
			for range 3 {
				if n, err := rr.Pick(&try); err == nil {
					try.Mark(n)
				}
			}
			try.Reset()
		}); got != 0 {
			t.Errorf("%v: got %v allocations, want 0", weights, got)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	benchmarks := []struct {
		name    string
		weights []int
	}{
		{"rotation", []int{1, 1, 1}}, {"sequence", []int{5, 3, 2}}, {"algorithm", []int{100003, 100019, 50021}},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			rr := NewRoundRobin(nodes(bm.weights...))
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var try Try
				for pb.Next() {
					if _, err := rr.Pick(&try); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
