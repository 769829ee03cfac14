package mem_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, store.Writer) {
		s := mem.New()
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s, s
	})
}

func TestValueIsCopied(t *testing.T) {
	s := mem.New()
	value := []byte("before")
	if _, err := s.Put(t.Context(), "routes/1", value, store.Cond{}); err != nil {
		t.Fatal(err)
	}
	copy(value, "after!")
	got, err := s.Get(t.Context(), "routes/1")
	if err != nil || string(got.Value) != "before" {
		t.Errorf("got %q, %v, want %q, nil", got.Value, err, "before")
	}
}

// batches watches a store until the test ends.
func batches(t *testing.T, s *mem.Store) <-chan store.Batch {
	ctx, cancel := context.WithCancel(t.Context())
	out := make(chan store.Batch, 100)
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Watch(ctx, func(b store.Batch) { out <- b }) })
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return out
}

func next(t *testing.T, from <-chan store.Batch) store.Batch {
	t.Helper()
	select {
	case b := <-from:
		return b
	case <-time.After(20 * time.Second):
		t.Fatal("no batch came")
		panic("unreachable")
	}
}

func item(key, value string, created, modified int64) store.Item {
	return store.Item{Key: key, Value: []byte(value), CreateRev: created, ModRev: modified}
}

func TestReplace(t *testing.T) {
	s := mem.New()
	watch := batches(t, s)
	next(t, watch)
	if _, err := s.Put(t.Context(), "routes/0", []byte("gone"), store.Cond{TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	next(t, watch)
	steps := []struct {
		items []store.Item
		want  store.Batch
	}{
		{
			[]store.Item{{Key: "routes/2", Value: []byte("b")}, {Key: "routes/1", Value: []byte("a"), ModRev: 99}},
			store.Batch{Revision: 3, Full: true, Changes: []store.Change{{Item: item("routes/1", "a", 3, 3)}, {Item: item("routes/2", "b", 3, 3)}}},
		},
		{
			[]store.Item{{Key: "routes/1", Value: []byte("a")}, {Key: "routes/2", Value: []byte("c")}},
			store.Batch{Revision: 4, Full: true, Changes: []store.Change{{Item: item("routes/1", "a", 3, 3)}, {Item: item("routes/2", "c", 3, 4)}}},
		},
		{nil, store.Batch{Revision: 5, Full: true, Changes: []store.Change{}}},
	}
	for i, step := range steps {
		if rev := s.Replace(step.items); rev != step.want.Revision {
			t.Errorf("step %d: got revision %d, want %d", i, rev, step.want.Revision)
		}
		if diff := cmp.Diff(step.want, next(t, watch)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestPending(t *testing.T) {
	tests := []struct {
		name  string
		write func(*mem.Store) error
		want  []string
	}{
		{"an empty configuration", func(s *mem.Store) error { s.Replace(nil); return nil }, nil},
		{"a configuration", func(s *mem.Store) error { s.Replace([]store.Item{{Key: "a"}, {Key: "b"}}); return nil }, []string{"a", "b"}},
		{"one item", func(s *mem.Store) error { _, err := s.Put(t.Context(), "a", nil, store.Cond{}); return err }, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := mem.NewPending()
			early := batches(t, s)
			if _, err := s.Delete(t.Context(), "nothing"); err != nil {
				t.Fatal(err)
			}
			if err := tt.write(s); err != nil {
				t.Fatal(err)
			}
			for _, watch := range []<-chan store.Batch{early, batches(t, s)} {
				b := next(t, watch)
				var got []string
				for _, c := range b.Changes {
					got = append(got, c.Key)
				}
				if diff := cmp.Diff(tt.want, got); !b.Full || diff != "" {
					t.Errorf("got full: %v, want true; keys (-want +got):\n%s", b.Full, diff)
				}
			}
		})
	}
}

// TestReplaceIsOneStep lets watchers see only states in which all values are the same.
func TestReplaceIsOneStep(t *testing.T) {
	s := mem.NewPending()
	watches := []<-chan store.Batch{batches(t, s), batches(t, s)}
	const last = 200
	var wg sync.WaitGroup
	for writer := range 2 {
		wg.Go(func() {
			for i := range last {
				var items []store.Item
				for k := range 20 {
					items = append(items, store.Item{Key: fmt.Sprint("routes/", k), Value: fmt.Append(nil, writer, i)})
				}
				s.Replace(items)
			}
		})
	}
	wg.Wait()
	end := s.Replace([]store.Item{{Key: "end"}})
	for _, watch := range watches {
		for b := next(t, watch); b.Revision != end; b = next(t, watch) {
			for _, c := range b.Changes {
				if string(c.Value) != string(b.Changes[0].Value) || len(b.Changes) != 20 {
					t.Fatalf("got a mixed state at revision %d", b.Revision)
				}
			}
		}
	}
}
