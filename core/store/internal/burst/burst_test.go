package burst_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/internal/burst"
)

func written(key string, rev int64) store.Change {
	return store.Change{Item: store.Item{Key: key, ModRev: rev}}
}

func removed(key string, rev int64) store.Change {
	return store.Change{Item: store.Item{Key: key, ModRev: rev}, Deleted: true}
}

func TestDeliver(t *testing.T) {
	tests := []struct {
		name string
		fill func(*burst.Queue)
		want []store.Batch
	}{
		{"nothing", func(*burst.Queue) {}, nil},
		{"a revision alone", func(q *burst.Queue) { q.Add(5) }, nil},
		{"an empty store", func(q *burst.Queue) { q.Replace(5, nil) }, []store.Batch{{Revision: 5, Full: true, Changes: []store.Change{}}}},
		{"changes in order of revision and key", func(q *burst.Queue) {
			q.Add(3, written("b", 3), written("a", 3))
			q.Add(4, removed("A", 4))
			q.Add(5)
		}, []store.Batch{{Revision: 5, Changes: []store.Change{written("a", 3), written("b", 3), removed("A", 4)}}}},
		{"the last state of a key wins", func(q *burst.Queue) {
			q.Add(3, written("a", 3), written("b", 3))
			q.Add(4, removed("a", 4))
			q.Add(5, written("a", 5), removed("b", 5))
		}, []store.Batch{{Revision: 5, Changes: []store.Change{written("a", 5), removed("b", 5)}}}},
		{"everything, and changes before and after", func(q *burst.Queue) {
			q.Add(3, written("before", 3))
			q.Replace(4, []store.Item{{Key: "c", ModRev: 1}, {Key: "b", ModRev: 2}})
			q.Add(5, written("a", 5), removed("b", 5), removed("none", 5))
		}, []store.Batch{{Revision: 5, Full: true, Changes: []store.Change{written("a", 5), written("c", 1)}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := burst.New()
				tt.fill(q)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var got []store.Batch
				if err := q.Deliver(ctx, func(b store.Batch) { got = append(got, b) }); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("batches (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		name  string
		apply time.Duration // what applying a batch takes
		want  []time.Duration
	}{
		{"quick", 0, []time.Duration{0, 5 * ms, 10 * ms, 15 * ms, 20 * ms}},
		{"slower", ms, []time.Duration{0, 11 * ms, 22 * ms}},
		{"slow", 10 * ms, []time.Duration{0, 60 * ms}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := burst.New()
				began := time.Now()
				var at []time.Duration
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan error)
				go func() {
					done <- q.Deliver(ctx, func(store.Batch) {
						at = append(at, time.Since(began))
						time.Sleep(tt.apply)
					})
				}()
				for i := range int64(10) { // at 0, 2 … 18 ms
					synctest.Wait()
					q.Add(i, written(fmt.Sprint(i), i))
					time.Sleep(2 * ms)
				}
				time.Sleep(time.Second)
				cancel()
				<-done
				if diff := cmp.Diff(tt.want, at); diff != "" {
					t.Errorf("times of batches (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestHammer(t *testing.T) {
	q := burst.New()
	q.Replace(0, nil)
	const writers, writes, keys = 8, 2000, 50
	want := make([]map[string]int64, writers)
	var wg sync.WaitGroup
	for w := range writers {
		want[w] = map[string]int64{}
		wg.Go(func() {
			for i := range int64(writes) {
				key := fmt.Sprintf("%d/%d", w, i%keys)
				if i%7 == 0 {
					q.Add(i, removed(key, i))
					delete(want[w], key)
				} else {
					q.Add(i, written(key, i))
					want[w][key] = i
				}
			}
		})
	}
	all := func() map[string]int64 {
		sum := map[string]int64{}
		for _, m := range want {
			maps.Copy(sum, m)
		}
		return sum
	}
	written := make(chan struct{})
	go func() {
		wg.Wait()
		close(written)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := map[string]int64{}
	_ = q.Deliver(ctx, func(b store.Batch) {
		for _, c := range b.Changes {
			delete(got, c.Key)
			if !c.Deleted {
				got[c.Key] = c.ModRev
			}
		}
		select {
		case <-written:
			q.Add(writes, removed("one more batch", writes))
			if maps.Equal(got, all()) {
				cancel()
			}
		default:
			q.Add(0, removed("one more batch", 0))
		}
	})
	if diff := cmp.Diff(all(), got); diff != "" {
		t.Errorf("the last state of every key (-want +got):\n%s", diff)
	}
}
