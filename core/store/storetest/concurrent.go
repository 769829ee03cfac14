package storetest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/polygate/polygate/core/store"
)

// parallel is how many goroutines write at once.
const parallel = 32

// inParallel calls do with 0 to n-1 from several goroutines.
func inParallel(t *testing.T, n int, do func(ctx context.Context, i int) error) {
	t.Helper()
	next := make(chan int)
	errs := make(chan error, parallel)
	var wg sync.WaitGroup
	for range parallel {
		wg.Go(func() {
			var failed error
			for i := range next {
				if failed == nil {
					failed = do(t.Context(), i)
				}
			}
			errs <- failed
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func testNextID(t *testing.T, st store.Store, w store.Writer) {
	watch := startWatch(t, st)
	var mu sync.Mutex
	seen := map[int64]bool{}
	inParallel(t, 500, func(ctx context.Context, _ int) error {
		id, err := w.NextID(ctx)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if seen[id] || id <= 0 {
			return fmt.Errorf("id %d came twice or is not positive", id)
		}
		seen[id] = true
		return nil
	})
	put(t, w, "routes/1", "{}")
	watch.until("only items are watched", func(m map[string]string) bool { return len(m) == 1 && m["routes/1"] == "{}" })
	items, _, err := w.List(t.Context(), "")
	if err != nil || len(items) != 1 {
		t.Errorf("got %d items, %v, want only the one that was written", len(items), err)
	}
}

func testBurst(t *testing.T, st store.Store, w store.Writer) {
	watch := startWatch(t, st)
	const n, keys = 1000, 50
	inParallel(t, n, func(ctx context.Context, i int) error {
		_, err := w.Put(ctx, fmt.Sprintf("routes/%d", i%keys), []byte(strconv.Itoa(i)), store.Cond{})
		return err
	})
	items, _, err := w.List(t.Context(), "")
	if err != nil || len(items) != keys {
		t.Fatalf("got %d items, %v, want %d", len(items), err, keys)
	}
	want := map[string]string{}
	for _, it := range items {
		want[it.Key] = string(it.Value)
	}
	watch.untilEqual(want)
	if got := watch.batches(); got >= n/2 {
		t.Errorf("got %d batches for %d writes, want far fewer", got, n)
	}
}

func testWriters(t *testing.T, st store.Store, w store.Writer) {
	watch := startWatch(t, st)
	var mu sync.Mutex
	won, lost := 0, 0
	inParallel(t, parallel, func(ctx context.Context, i int) error {
		_, err := w.Put(ctx, "routes/one", []byte(strconv.Itoa(i)), store.Cond{IfAbsent: true})
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err == nil:
			won++
		case errors.Is(err, store.ErrConflict):
			lost++
		default:
			return err
		}
		return nil
	})
	if won != 1 || lost != parallel-1 {
		t.Errorf("got %d winners and %d losers, want 1 and %d", won, lost, parallel-1)
	}

	const n = 200
	put(t, w, "routes/counter", "0")
	inParallel(t, n, func(ctx context.Context, _ int) error { return increment(ctx, w, "routes/counter") })
	watch.until("every increment counted", func(m map[string]string) bool { return m["routes/counter"] == strconv.Itoa(n) })
}

// increment adds one to the number in a key, and tries again when another writer was quicker.
func increment(ctx context.Context, w store.Writer, key string) error {
	for {
		it, err := w.Get(ctx, key)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(it.Value))
		if err != nil {
			return err
		}
		_, err = w.Put(ctx, key, []byte(strconv.Itoa(n+1)), store.Cond{IfModRev: it.ModRev})
		if !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
