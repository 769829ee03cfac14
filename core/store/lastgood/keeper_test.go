package lastgood

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store"
)

func item(key, value string, rev int64) store.Item {
	return store.Item{Key: key, Value: []byte(value), CreateRev: 1, ModRev: rev}
}

func full(rev int64, items ...store.Item) store.Batch {
	b := store.Batch{Revision: rev, Full: true}
	for _, it := range items {
		b.Changes = append(b.Changes, store.Change{Item: it})
	}
	return b
}

func part(rev int64, changes ...store.Change) store.Batch {
	return store.Batch{Revision: rev, Changes: changes}
}

func gone(key string, rev int64) store.Change {
	return store.Change{Item: store.Item{Key: key, ModRev: rev}, Deleted: true}
}

func onDisk(t *testing.T, path string) content {
	t.Helper()
	c, err := readFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMerge(t *testing.T) {
	base := []store.Item{item("b", "1", 1), item("d", "1", 1), item("f", "1", 1)}
	tests := []struct {
		name    string
		changes []store.Change
		want    string
	}{
		{"nothing", nil, "b1 d1 f1"},
		{"before, between, after", []store.Change{{Item: item("a", "2", 2)}, {Item: item("c", "2", 2)}, {Item: item("z", "2", 2)}}, "a2 b1 c2 d1 f1 z2"},
		{"instead", []store.Change{{Item: item("b", "2", 2)}, {Item: item("f", "2", 2)}}, "b2 d1 f2"},
		{"removed", []store.Change{gone("a", 2), gone("b", 2), gone("e", 2), gone("f", 2)}, "d1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changes := map[string]store.Change{}
			for _, c := range tt.changes {
				changes[c.Key] = c
			}
			before := slices.Clone(base)
			var got []string
			for _, it := range merge(base, changes) {
				got = append(got, it.Key+string(it.Value))
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
			if d := cmp.Diff(before, base); d != "" {
				t.Errorf("the items before (-before +after):\n%s", d)
			}
		})
	}
}

// TestPace checks when a keeper writes.
func TestPace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configuration")
	synctest.Test(t, func(t *testing.T) {
		k := newKeeper(options(path))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			k.run(ctx)
		}()
		k.note(full(1, item("a", "1", 1)))
		synctest.Wait()
		first, _ := k.status()
		if got := onDisk(t, path).revision; got != 1 {
			t.Fatalf("at once: got revision %d, want 1", got)
		}
		for rev := int64(2); rev < 100; rev++ {
			k.note(part(rev, store.Change{Item: item("a", "2", rev)}))
			time.Sleep(10 * time.Millisecond)
		}
		if got, _ := k.status(); !got.Equal(first) {
			t.Errorf("got a second write after %v, want it after 2 s", got.Sub(first))
		}
		time.Sleep(3 * time.Second)
		if got, want := onDisk(t, path), int64(99); got.revision != want || got.items[0].ModRev != want {
			t.Errorf("after 2 s: got revision %d, want %d", got.revision, want)
		}
		second, _ := k.status()
		time.Sleep(time.Hour)
		if got, _ := k.status(); !got.Equal(second) {
			t.Error("got another write without a change")
		}
		k.note(part(100, gone("a", 100)))
		cancel()
		<-done
		k.close()
		if got := onDisk(t, path); got.revision != 100 || len(got.items) != 0 {
			t.Errorf("after the end: got revision %d and %d items, want 100 and none", got.revision, len(got.items))
		}
	})
}

// TestWriteFails checks that a file that cannot be written is reported once, and written as soon as it can be.
func TestWriteFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	path := filepath.Join(dir, "configuration")
	var log logBuffer
	synctest.Test(t, func(t *testing.T) {
		o := options(path)
		o.Logger = log.logger()
		k := newKeeper(o)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			k.run(ctx)
		}()
		k.note(full(1, item("a", "1", 1)))
		time.Sleep(time.Minute)
		if _, err := k.status(); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "let the user") {
			t.Errorf("got %v, want the path, the cause and the next step", err)
		}
		if got := strings.Count(log.String(), "is not kept up to date"); got != 1 {
			t.Errorf("got %d lines, want 1:\n%s", got, log.String())
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if _, err := k.status(); err != nil || onDisk(t, path).revision != 1 {
			t.Errorf("got %v, want it written", err)
		}
		cancel()
		<-done
		k.close()
	})
	if !strings.Contains(log.String(), "is kept again") {
		t.Errorf("got no line about the recovery:\n%s", log.String())
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configuration")
	// A process that was killed while it wrote has left this.
	if err := os.WriteFile(path+".new", []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(t.Context(), path, sample()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("got mode %v, want 0600", got)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := writeFile(cancelled, path, content{items: many(1)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if d := diff(sample(), onDisk(t, path)); d != "" {
		t.Errorf("after a write that was given up (-want +got):\n%s", d)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want the new file gone", err)
	}
}

func TestOneWriter(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "configuration"))
	one, two := newKeeper(o), newKeeper(o)
	one.note(full(1))
	one.write(t.Context())
	two.note(full(2))
	two.write(t.Context())
	if _, err := two.status(); !errors.Is(err, errInUse) {
		t.Errorf("got %v, want %v", err, errInUse)
	}
	one.close()
	if !two.write(t.Context()) || onDisk(t, o.Path).revision != 2 {
		t.Error("the second one does not write after the first one has ended")
	}
	two.close()
}

// TestHammer notes changes from a goroutine while another one writes, and checks that the file has the last state.
func TestHammer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configuration")
	k := newKeeper(options(path))
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			k.write(ctx)
		}
	})
	wg.Go(func() {
		for ctx.Err() == nil {
			_, _ = k.status()
		}
	})
	want := map[string]int64{}
	random := rand.New(rand.NewPCG(1, 2))
	k.note(full(1))
	for rev := int64(2); rev < 20_000; rev++ {
		key := fmt.Sprint(random.IntN(500))
		switch random.IntN(1000) {
		case 0:
			var items []store.Item
			for _, key := range slices.Sorted(maps.Keys(want)) {
				items = append(items, item(key, "v", want[key]))
			}
			k.note(full(rev, items...))
		case 1, 2, 3, 4, 5, 6, 7, 8, 9, 10:
			delete(want, key)
			k.note(part(rev, gone(key, rev)))
		default:
			want[key] = rev
			k.note(part(rev, store.Change{Item: item(key, "v", rev)}))
		}
	}
	cancel()
	wg.Wait()
	k.close()
	got := map[string]int64{}
	for _, it := range onDisk(t, path).items {
		got[it.Key] = it.ModRev
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// BenchmarkNote is what a change costs the Watch while there are 100,000 items.
func BenchmarkNote(b *testing.B) {
	k := newKeeper(options(filepath.Join(b.TempDir(), "configuration")))
	items := many(100_000)
	k.note(full(1, items...))
	k.take()
	change := part(2, store.Change{Item: items[5]})
	b.ReportAllocs()
	for b.Loop() {
		k.note(change)
	}
}

// BenchmarkWrite is a write of 100,000 items with one change.
func BenchmarkWrite(b *testing.B) {
	k := newKeeper(options(filepath.Join(b.TempDir(), "configuration")))
	items := many(100_000)
	k.note(full(1, items...))
	change := part(2, store.Change{Item: items[5]})
	b.ReportAllocs()
	for b.Loop() {
		k.note(change)
		if !k.write(b.Context()) {
			b.Fatal(k.status())
		}
	}
	k.close()
}
