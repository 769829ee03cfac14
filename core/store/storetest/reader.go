package storetest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store"
)

// RunReader tests the reading side of a store. open returns a store that holds nothing and a function that makes it hold
// exactly the given values, which are JSON objects, by key, which are of known kinds.
func RunReader(t *testing.T, open func(t *testing.T) (store.Store, func(map[string]string))) {
	tests := []struct {
		name string
		run  func(*testing.T, store.Store, func(map[string]string))
	}{
		{"everything first, then changes", testIncrements},
		{"revisions of items that did not change stay", testUnchanged},
		{"several watchers", testWatchers},
		{"watch ends with its context", testWatchEnds},
		{"status", testStatus},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, set := open(t)
			tt.run(t, st, set)
		})
	}
}

func testIncrements(t *testing.T, st store.Store, set func(map[string]string)) {
	want := map[string]string{"routes/1": `{"id":"1","uri":"/a"}`, "routes/2": `{"id":"2","uri":"/b"}`}
	set(maps.Clone(want))
	watch := startWatch(t, st)
	watch.untilEqual(want)

	want["routes/3"] = `{"id":"3","uri":"/c"}`
	want["routes/1"] = `{"id":"1","uri":"/changed"}`
	delete(want, "routes/2")
	set(maps.Clone(want))
	watch.untilEqual(want)
	if !watch.sawDelete("routes/2") {
		t.Error("the removed item was not reported")
	}

	set(map[string]string{})
	watch.untilEqual(map[string]string{})
	if got := watch.fulls(); got != 1 {
		t.Errorf("got %d full batches, want 1", got)
	}
}

func testUnchanged(t *testing.T, st store.Store, set func(map[string]string)) {
	want := map[string]string{"routes/1": `{"id":"1","uri":"/a"}`, "routes/2": `{"id":"2","uri":"/b"}`}
	set(maps.Clone(want))
	watch := startWatch(t, st)
	watch.untilEqual(want)
	before := watch.items()

	want["routes/2"] = `{"id":"2","uri":"/changed"}`
	set(maps.Clone(want))
	watch.untilEqual(want)
	after := watch.items()
	if diff := cmp.Diff(before["routes/1"], after["routes/1"]); diff != "" {
		t.Errorf("the item that did not change (-before +after):\n%s", diff)
	}
	if a, b := before["routes/2"], after["routes/2"]; b.ModRev <= a.ModRev || b.CreateRev != a.CreateRev {
		t.Errorf("the item that changed: got revisions %d %d after %d %d", b.CreateRev, b.ModRev, a.CreateRev, a.ModRev)
	}
}

func testWatchers(t *testing.T, st store.Store, set func(map[string]string)) {
	want := map[string]string{"services/1": `{"id":"1"}`}
	set(maps.Clone(want))
	watches := []*watch{startWatch(t, st), startWatch(t, st), startWatch(t, st)}
	for _, w := range watches {
		w.untilEqual(want)
	}
	want["services/2"] = `{"id":"2"}`
	set(maps.Clone(want))
	for _, w := range watches {
		w.untilEqual(want)
	}
}

func testWatchEnds(t *testing.T, st store.Store, set func(map[string]string)) {
	set(map[string]string{"services/1": `{"id":"1"}`})
	ctx, cancel := context.WithCancel(t.Context())
	applied := 0
	err := st.Watch(ctx, func(store.Batch) {
		applied++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || applied != 1 {
		t.Errorf("got %v after %d batches, want %v after 1", err, applied, context.Canceled)
	}
}

func testStatus(t *testing.T, st store.Store, set func(map[string]string)) {
	want := map[string]string{"services/1": `{"id":"1"}`}
	set(maps.Clone(want))
	began := time.Now()
	startWatch(t, st).untilEqual(want)
	got := st.Status()
	if !got.Reachable || got.Err != nil || got.Revision <= 0 || got.Since.IsZero() || got.Since.After(time.Now()) {
		t.Errorf("got %+v at %v, want a reachable store", got, began)
	}
}

// watch is a running Watch and what it brought.
type watch struct {
	t       *testing.T
	changed chan struct{} // holds a token after every batch

	mu      sync.Mutex // guards what follows
	state   map[string]store.Item
	deleted map[string]bool
	rev     int64
	count   int
	full    int
	faults  []string
}

// startWatch watches the store until the test ends.
func startWatch(t *testing.T, st store.Store) *watch {
	t.Helper()
	w := &watch{t: t, changed: make(chan struct{}, 1), state: map[string]store.Item{}, deleted: map[string]bool{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- st.Watch(ctx, w.apply) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: got %v, want %v", err, context.Canceled)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, f := range w.faults {
			t.Error(f)
		}
	})
	w.until("the first batch", func(map[string]string) bool { return true })
	return w
}

// apply checks what every batch promises and takes it over.
func (w *watch) apply(b store.Batch) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fault := func(text string) { w.faults = append(w.faults, text) }
	if w.count == 0 && !b.Full {
		fault("the first batch is not full")
	}
	if b.Revision < w.rev {
		fault("the revision of a batch went back")
	}
	if b.Full {
		w.full++
		clear(w.state)
		if !slices.IsSortedFunc(b.Changes, func(x, y store.Change) int { return strings.Compare(x.Key, y.Key) }) {
			fault("a full batch is not in order of key")
		}
	} else if len(b.Changes) == 0 {
		fault("a batch is empty")
	}
	seen := map[string]bool{}
	for _, c := range b.Changes {
		if seen[c.Key] {
			fault("a batch has two changes of " + c.Key)
		}
		if c.ModRev > b.Revision || (!b.Full && c.ModRev <= w.rev) {
			fault("the revision of " + c.Key + " does not belong to its batch")
		}
		seen[c.Key] = true
		w.deleted[c.Key] = c.Deleted
		if c.Deleted {
			delete(w.state, c.Key)
		} else {
			w.state[c.Key] = c.Item
		}
	}
	w.rev = b.Revision
	w.count++
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// until waits for cond to be true of the values after some batch.
func (w *watch) until(what string, cond func(map[string]string) bool) {
	w.t.Helper()
	limit := time.After(patience)
	for {
		if values := w.values(); values != nil && cond(values) {
			return
		}
		select {
		case <-w.changed:
		case <-limit:
			w.t.Fatalf("not within %v: %s; the last state is %.500v", patience, what, w.values())
		}
	}
}

// untilEqual waits for the values to be want.
func (w *watch) untilEqual(want map[string]string) {
	w.t.Helper()
	limit := time.After(patience)
	for !maps.Equal(w.values(), want) {
		select {
		case <-w.changed:
		case <-limit:
			w.t.Fatalf("after %v (-want +got):\n%s", patience, cmp.Diff(want, w.values()))
		}
	}
}

// values returns the values by key, or nil before the first batch.
func (w *watch) values() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == 0 {
		return nil
	}
	values := make(map[string]string, len(w.state))
	for key, it := range w.state {
		values[key] = string(it.Value)
	}
	return values
}

func (w *watch) items() map[string]store.Item {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.state)
}

// sawDelete tells whether the last change of the key removed it.
func (w *watch) sawDelete(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deleted[key]
}

func (w *watch) batches() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.count
}

func (w *watch) fulls() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.full
}
