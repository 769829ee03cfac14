package limitconn

import (
	"strconv"
	"sync"
	"testing"
)

func TestTable(t *testing.T) {
	table := newTable()
	a, b := key{1, "a"}, key{2, "a"}
	for i, want := range []bool{true, true, false} {
		if n, ok := table.enter(a, 2); ok != want || n != min(int64(i)+1, 2) {
			t.Errorf("enter %d: got %d %v, want %v", i, n, ok, want)
		}
	}
	if n, ok := table.enter(b, 1); !ok || n != 1 {
		t.Errorf("enter the other scope: got %d %v, want 1 true", n, ok)
	}
	if _, ok := table.enter(key{3, "a"}, 0); ok || table.len() != 2 {
		t.Errorf("enter where there is no room: got %v and %d keys, want false and 2", ok, table.len())
	}
	table.leave(a)
	if n, ok := table.enter(a, 2); !ok || n != 2 {
		t.Errorf("enter again: got %d %v, want 2 true", n, ok)
	}
	for _, k := range []key{a, a, b} {
		table.leave(k)
	}
	if got := table.len(); got != 0 {
		t.Errorf("got %d keys at the end, want none", got)
	}
}

func TestTableHammer(t *testing.T) {
	const clients, rounds, keys, max = 8, 2000, 4, 3
	table := newTable()
	var under [keys]struct {
		sync.Mutex
		n int
	}
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for i := range rounds {
				k := key{scope: 1, text: strconv.Itoa(i % keys)}
				if _, ok := table.enter(k, max); !ok {
					continue
				}
				u := &under[i%keys]
				u.Lock()
				if u.n++; u.n > max {
					t.Errorf("%d under way at once, want at most %d", u.n, max)
				}
				u.Unlock()
				u.Lock()
				u.n--
				u.Unlock()
				table.leave(k)
			}
		})
	}
	group.Wait()
	if got := table.len(); got != 0 {
		t.Errorf("got %d keys at the end, want none", got)
	}
}

func BenchmarkTable(b *testing.B) {
	table := newTable()
	k := key{scope: 1, text: "127.0.0.1"}
	b.ReportAllocs()
	for b.Loop() {
		table.enter(k, 10)
		table.leave(k)
	}
}
