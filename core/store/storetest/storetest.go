// Package storetest is the suite that every store passes.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store"
)

// patience is how long the suite waits for what must happen.
const patience = 20 * time.Second

// Run tests a store that can be written to. open returns an empty store and its writing side; it also arranges for the store
// to be closed after the test.
func Run(t *testing.T, open func(t *testing.T) (store.Store, store.Writer)) {
	tests := []struct {
		name string
		run  func(*testing.T, store.Store, store.Writer)
	}{
		{"values come back byte for byte", testValues},
		{"missing keys", testMissing},
		{"revisions grow with every write", testRevisions},
		{"list is in order of key", testList},
		{"long lists", testLongList},
		{"conditions", testConditions},
		{"delete several", testDelete},
		{"items expire", testTTL},
		{"a later write stays", testTTLOverwritten},
		{"ids are unique", testNextID},
		{"a caller that gave up", testCancelled},
		{"a burst arrives in few batches", testBurst},
		{"one of many writers wins", testWriters},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			st, w := open(t)
			tt.run(t, st, w)
		})
	}
	RunReader(t, func(t *testing.T) (store.Store, func(map[string]string)) {
		st, w := open(t)
		return st, func(want map[string]string) { replace(t, w, want) }
	})
}

// replace makes the store hold exactly want.
func replace(t *testing.T, w store.Writer, want map[string]string) {
	t.Helper()
	items, _, err := w.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		value, ok := want[it.Key]
		if !ok {
			if _, err := w.Delete(t.Context(), it.Key); err != nil {
				t.Fatal(err)
			}
		} else if value == string(it.Value) {
			delete(want, it.Key)
		}
	}
	for key, value := range want {
		put(t, w, key, value)
	}
}

func put(t *testing.T, w store.Writer, key, value string) store.Item {
	t.Helper()
	it, err := w.Put(t.Context(), key, []byte(value), store.Cond{})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	return it
}

func testValues(t *testing.T, _ store.Store, w store.Writer) {
	for _, value := range [][]byte{
		nil, []byte(`{"uri":"/a"}`), []byte("{ \"b\" : 1.0 }\n"), {0, 1, 0xff, 0xfe}, []byte("init_dir"),
		bytes.Repeat([]byte("0123456789abcdef"), 64<<10),
	} {
		written, err := w.Put(t.Context(), "routes/1", value, store.Cond{})
		if err != nil {
			t.Fatalf("put %d bytes: %v", len(value), err)
		}
		got, err := w.Get(t.Context(), "routes/1")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Value, value) {
			t.Errorf("got %d bytes, want the %d that were written", len(got.Value), len(value))
		}
		if got.ModRev != written.ModRev || got.CreateRev != written.CreateRev || got.Key != "routes/1" {
			t.Errorf("got %s %d %d, want %s %d %d", got.Key, got.CreateRev, got.ModRev, written.Key, written.CreateRev, written.ModRev)
		}
	}
}

func testMissing(t *testing.T, _ store.Store, w store.Writer) {
	if _, err := w.Get(t.Context(), "routes/none"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("get: got %v, want %v", err, store.ErrNotFound)
	}
	if n, err := w.Delete(t.Context(), "routes/none"); n != 0 || err != nil {
		t.Errorf("delete: got %d, %v, want 0, nil", n, err)
	}
	if items, rev, err := w.List(t.Context(), "routes/"); len(items) != 0 || rev == 0 || err != nil {
		t.Errorf("list: got %v, %d, %v, want nothing, a revision, nil", items, rev, err)
	}
	if _, err := w.Put(t.Context(), "", []byte("x"), store.Cond{}); err == nil {
		t.Error("put with an empty key: got no error")
	}
}

func testRevisions(t *testing.T, _ store.Store, w store.Writer) {
	first := put(t, w, "routes/1", "a")
	if first.CreateRev != first.ModRev {
		t.Errorf("a new item: got revisions %d and %d, want the same", first.CreateRev, first.ModRev)
	}
	second := put(t, w, "routes/1", "a")
	if second.ModRev <= first.ModRev || second.CreateRev != first.CreateRev {
		t.Errorf("got %d %d after %d %d", second.CreateRev, second.ModRev, first.CreateRev, first.ModRev)
	}
	if _, err := w.Delete(t.Context(), "routes/1"); err != nil {
		t.Fatal(err)
	}
	third := put(t, w, "routes/1", "a")
	if third.CreateRev != third.ModRev || third.ModRev <= second.ModRev+1 {
		t.Errorf("after a delete: got %d %d, want equal revisions above %d", third.CreateRev, third.ModRev, second.ModRev+1)
	}
	_, rev, err := w.List(t.Context(), "routes/")
	if err != nil || rev < third.ModRev {
		t.Errorf("list: got revision %d, %v, want at least %d", rev, err, third.ModRev)
	}
}

func testList(t *testing.T, _ store.Store, w store.Writer) {
	for _, key := range []string{"routes/b", "routes/a", "services/1", "routes/10", "routes/1", "routesx/1"} {
		put(t, w, key, key)
	}
	items, _, err := w.List(t.Context(), "routes/")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		got = append(got, it.Key+"="+string(it.Value))
	}
	want := []string{"routes/1=routes/1", "routes/10=routes/10", "routes/a=routes/a", "routes/b=routes/b"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func testLongList(t *testing.T, _ store.Store, w store.Writer) {
	const n = 2300
	inParallel(t, n, func(ctx context.Context, i int) error {
		_, err := w.Put(ctx, fmt.Sprintf("routes/%05d", i), []byte("{}"), store.Cond{})
		return err
	})
	items, _, err := w.List(t.Context(), "routes/")
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != n {
		t.Errorf("got %d items, want %d", len(items), n)
	}
	if !slices.IsSortedFunc(items, func(a, b store.Item) int { return strings.Compare(a.Key, b.Key) }) {
		t.Error("the items are not in order of key")
	}
}

func testConditions(t *testing.T, _ store.Store, w store.Writer) {
	old := put(t, w, "routes/1", "old")
	tests := []struct {
		name string
		key  string
		cond store.Cond
		want error
	}{
		{"new key must be absent and is", "routes/2", store.Cond{IfAbsent: true}, nil},
		{"new key must be absent and is not", "routes/1", store.Cond{IfAbsent: true}, store.ErrConflict},
		{"other revision", "routes/1", store.Cond{IfModRev: old.ModRev + 1000}, store.ErrConflict},
		{"revision of a missing key", "routes/3", store.Cond{IfModRev: old.ModRev}, store.ErrConflict},
		{"conflict with a time limit", "routes/1", store.Cond{IfAbsent: true, TTL: time.Hour}, store.ErrConflict},
		{"right revision", "routes/1", store.Cond{IfModRev: old.ModRev}, nil},
		{"right revision only once", "routes/1", store.Cond{IfModRev: old.ModRev}, store.ErrConflict},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.Put(t.Context(), tt.key, []byte("new"), tt.cond)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func testDelete(t *testing.T, _ store.Store, w store.Writer) {
	var keys []string
	for i := range 250 {
		keys = append(keys, fmt.Sprintf("consumers/jack/credentials/%d", i))
		put(t, w, keys[i], "{}")
	}
	put(t, w, "consumers/jill", "{}")
	n, err := w.Delete(t.Context(), append(keys, keys[0], "consumers/none")...)
	if err != nil || n != int64(len(keys)) {
		t.Errorf("got %d, %v, want %d, nil", n, err, len(keys))
	}
	items, _, err := w.List(t.Context(), "consumers/")
	if err != nil || len(items) != 1 {
		t.Errorf("got %d items, %v, want 1, nil", len(items), err)
	}
	if n, err := w.Delete(t.Context()); n != 0 || err != nil {
		t.Errorf("nothing to delete: got %d, %v, want 0, nil", n, err)
	}
}

func testTTL(t *testing.T, st store.Store, w store.Writer) {
	watch := startWatch(t, st)
	if _, err := w.Put(t.Context(), "routes/1", []byte("{}"), store.Cond{TTL: time.Second}); err != nil {
		t.Fatal(err)
	}
	watch.until("the item expired", func(m map[string]string) bool { return len(m) == 0 && watch.sawDelete("routes/1") })
	if _, err := w.Get(t.Context(), "routes/1"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v, want %v", err, store.ErrNotFound)
	}
}

func testTTLOverwritten(t *testing.T, st store.Store, w store.Writer) {
	watch := startWatch(t, st)
	for _, key := range []string{"routes/1", "routes/2"} {
		if _, err := w.Put(t.Context(), key, []byte("short"), store.Cond{TTL: time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	put(t, w, "routes/1", "long")
	watch.until("the other item expired", func(map[string]string) bool { return watch.sawDelete("routes/2") })
	got, err := w.Get(t.Context(), "routes/1")
	if err != nil || string(got.Value) != "long" {
		t.Errorf("got %q, %v, want the value without a time limit", got.Value, err)
	}
}

func testCancelled(t *testing.T, st store.Store, w store.Writer) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"get":     func() error { _, err := w.Get(ctx, "a"); return err },
		"list":    func() error { _, _, err := w.List(ctx, "a"); return err },
		"put":     func() error { _, err := w.Put(ctx, "a", nil, store.Cond{}); return err },
		"delete":  func() error { _, err := w.Delete(ctx, "a"); return err },
		"next id": func() error { _, err := w.NextID(ctx); return err },
		"watch":   func() error { return st.Watch(ctx, func(store.Batch) {}) },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want %v", name, err, context.Canceled)
		}
	}
}
