package lastgood

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/embedded"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// options are those of a gateway, with the defaults that New would set.
func options(path string) Options {
	return Options{
		Path: path, Prefix: "/apisix", Endpoints: []string{"http://a:1"}, Logger: slog.New(slog.DiscardHandler),
		Grace: 2 * time.Second, Every: 2 * time.Second,
	}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer // guarded by mu
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBuffer) logger() *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestSuite(t *testing.T) {
	wrap := func(t *testing.T, inner store.Store) store.Store {
		s, err := New(inner, Options{Path: filepath.Join(t.TempDir(), "configuration"), Every: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) (store.Store, store.Writer) {
			m := mem.New()
			return wrap(t, m), m
		})
	})
	t.Run("embedded", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) (store.Store, store.Writer) {
			e, err := embedded.Open(embedded.Options{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			return wrap(t, e), e
		})
	})
}

// fake is a store that does what the test says.
type fake struct {
	batches chan store.Batch

	mu     sync.Mutex
	status store.Status // guarded by mu
}

func newFake() *fake {
	return &fake{batches: make(chan store.Batch), status: store.Status{Err: store.ErrNotAsked}}
}

func (f *fake) Watch(ctx context.Context, apply func(store.Batch)) error {
	for {
		select {
		case b := <-f.batches:
			apply(b)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Status() store.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (f *fake) Close() error { return nil }

func (f *fake) is(st store.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status = st
}

func (f *fake) fails() { f.is(store.Status{Err: errors.New("connection refused")}) }
func (f *fake) works() { f.is(store.Status{Reachable: true}) }

// trial is a Watch of a decorated fake within a bubble of synctest.
type trial struct {
	*fake
	*Store
	t   *testing.T
	log *logBuffer

	mu      sync.Mutex
	applied []string // guarded by mu
}

// try runs what a test does within a bubble, over a file in a folder that it may prepare.
func try(t *testing.T, path string, run func(*trial)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		log := &logBuffer{}
		o := options(path)
		o.Logger = log.logger()
		tr := &trial{fake: newFake(), t: t, log: log}
		s, err := New(tr.fake, o)
		if err != nil {
			t.Fatal(err)
		}
		tr.Store = s
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Watch(ctx, tr.apply) }()
		run(tr)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: got %v, want %v", err, context.Canceled)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func (tr *trial) apply(b store.Batch) {
	text := fmt.Sprint(b.Revision)
	if b.Full {
		text += " full"
	}
	for _, c := range b.Changes {
		text += " " + c.Key + "=" + string(c.Value)
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.applied = append(tr.applied, text)
	// What a gateway does to the batches that it is given.
	slices.Reverse(b.Changes)
}

// after checks what was applied up to d from now.
func (tr *trial) after(d time.Duration, want ...string) {
	tr.t.Helper()
	time.Sleep(d)
	synctest.Wait()
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if !slices.Equal(tr.applied, want) {
		tr.t.Errorf("after %v: got %q, want %q\n%s", d, tr.applied, want, tr.log)
	}
}

func (tr *trial) fromCopy(want bool) {
	tr.t.Helper()
	if got := tr.Store.Status(); got.FromCopy != want || want && got.CopyTime.UnixMilli() != sample().made.UnixMilli() {
		tr.t.Errorf("got %+v, want FromCopy to be %v", got, want)
	}
}

// kept writes a copy with one route of revision 5.
func kept(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "configuration")
	c := content{origin: origin{"/apisix", []string{"http://a:1"}}, made: sample().made, revision: 5, items: []store.Item{item("routes/1", "old", 4)}}
	if err := writeFile(t.Context(), path, c); err != nil {
		t.Fatal(err)
	}
	return path
}

const ofCopy = "5 full routes/1=old"

func TestWhenTheCopyIsUsed(t *testing.T) {
	now := func() store.Batch { return full(9, item("routes/1", "new", 8), item("routes/2", "new", 9)) }
	const ofStore = "9 full routes/1=new routes/2=new"
	tests := []struct {
		name string
		run  func(*trial)
	}{
		{"the store delivers at once", func(tr *trial) {
			tr.works()
			tr.batches <- now()
			tr.after(time.Hour, ofStore)
			tr.fromCopy(false)
		}},
		{"the store fails", func(tr *trial) {
			tr.fails()
			tr.after(400 * time.Millisecond)
			tr.after(200*time.Millisecond, ofCopy)
			tr.fromCopy(true)
			tr.after(time.Hour, ofCopy)
			tr.works()
			tr.batches <- now()
			tr.after(0, ofCopy, ofStore)
			tr.fromCopy(false)
			tr.batches <- part(10, gone("routes/1", 10))
			tr.after(0, ofCopy, ofStore, "10 routes/1=")
			if !strings.Contains(tr.log.String(), "the copy on disk is in service") || !strings.Contains(tr.log.String(), "has replaced the copy") {
				tr.t.Errorf("got no line for each of both:\n%s", tr.log)
			}
		}},
		{"the first of several endpoints fails", func(tr *trial) {
			tr.fails()
			tr.after(400 * time.Millisecond)
			tr.works()
			tr.after(time.Second)
			tr.batches <- now()
			tr.after(time.Hour, ofStore)
		}},
		{"no answer", func(tr *trial) {
			tr.after(1900 * time.Millisecond)
			tr.after(200*time.Millisecond, ofCopy)
		}},
		{"a store that answers takes its time", func(tr *trial) {
			tr.works()
			tr.after(9 * time.Second)
			tr.after(2*time.Second, ofCopy)
			tr.batches <- now()
			tr.after(0, ofCopy, ofStore)
		}},
		{"the store comes back empty", func(tr *trial) {
			tr.fails()
			tr.after(time.Second, ofCopy)
			tr.batches <- full(1)
			tr.after(1900*time.Millisecond, ofCopy)
			tr.fromCopy(true)
			tr.after(200*time.Millisecond, ofCopy, "1 full")
			tr.fromCopy(false)
		}},
		{"the store is filled before it is believed to be empty", func(tr *trial) {
			tr.fails()
			tr.after(time.Second, ofCopy)
			tr.batches <- full(1)
			tr.after(time.Second, ofCopy)
			tr.batches <- part(4, store.Change{Item: item("b", "1", 2)}, store.Change{Item: item("a", "1", 3)}, gone("c", 4))
			tr.after(0, ofCopy, "4 full a=1 b=1")
			tr.batches <- part(5, gone("a", 5))
			tr.after(time.Hour, ofCopy, "4 full a=1 b=1", "5 a=")
		}},
		{"the store is read anew before it is believed to be empty", func(tr *trial) {
			tr.fails()
			tr.after(time.Second, ofCopy)
			tr.batches <- full(1)
			tr.batches <- now()
			tr.after(time.Hour, ofCopy, ofStore)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { try(t, kept(t), tt.run) })
	}
}

func TestUnusableCopies(t *testing.T) {
	overwrite := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, change(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	other := func(from origin) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := writeFile(t.Context(), path, content{origin: from}); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  error
	}{
		{"a bit", overwrite(func(b []byte) []byte { b[len(b)/2] ^= 4; return b }), errChecksum},
		{"cut", overwrite(func(b []byte) []byte { return b[:len(b)-9] }), errCut},
		{"empty", overwrite(func([]byte) []byte { return nil }), errNotCopy},
		{"other prefix", other(origin{"/other", []string{"http://a:1"}}), errForeign},
		{"other cluster", other(origin{"/apisix", []string{"http://b:1"}}), errForeign},
		{"writable for others", func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o666); err != nil {
				t.Fatal(err)
			}
		}, errWritable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := kept(t)
			tt.spoil(t, path)
			try(t, path, func(tr *trial) {
				tr.fails()
				tr.after(time.Minute)
				st := tr.Store.Status()
				if st.FromCopy || !errors.Is(st.CopyErr, tt.want) || !strings.Contains(st.CopyErr.Error(), path) {
					t.Errorf("got %+v, want %v", st, tt.want)
				}
				if got := tr.log.String(); strings.Count(got, "is not used") != 1 || !strings.Contains(got, path+".refused") || !strings.Contains(got, "remedy=") {
					t.Errorf("got this log, want one line that tells all:\n%s", got)
				}
				if _, err := os.Stat(path + ".refused"); err != nil {
					t.Error(err)
				}
				tr.batches <- full(9, item("a", "1", 9))
				tr.after(0, "9 full a=1")
				if st := tr.Store.Status(); st.CopyErr != nil || onDisk(t, path).revision != 9 {
					t.Errorf("got %v, want a new copy", st.CopyErr)
				}
			})
		})
	}
}

func TestNoCopy(t *testing.T) {
	t.Run("none yet", func(t *testing.T) {
		try(t, filepath.Join(t.TempDir(), "configuration"), func(tr *trial) {
			tr.fails()
			tr.after(time.Minute)
			if st := tr.Store.Status(); st.CopyErr != nil || !strings.Contains(tr.log.String(), "no copy on disk") {
				t.Errorf("got %v and this log:\n%s", st.CopyErr, tr.log)
			}
		})
	})
	t.Run("a folder", func(t *testing.T) {
		try(t, t.TempDir(), func(tr *trial) {
			tr.fails()
			tr.after(time.Minute)
			if st := tr.Store.Status(); !errors.Is(st.CopyErr, errNoFile) {
				t.Errorf("got %v, want %v", st.CopyErr, errNoFile)
			}
		})
	})
	t.Run("no path", func(t *testing.T) {
		if s, err := New(mem.New(), Options{}); err == nil {
			t.Errorf("got %v and no error", s)
		}
	})
}

// TestSecondWatch checks that a second Watch does not disturb the copy, and that the next one goes on with it.
func TestSecondWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configuration")
	m := mem.New()
	s, err := New(m, Options{Path: path, Every: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		key := fmt.Sprintf("routes/%d", i)
		if _, err := m.Put(t.Context(), key, []byte("{}"), store.Cond{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var seen [2]sync.Once
		both := make(chan struct{}, 2)
		for w := range seen {
			wg.Go(func() {
				_ = s.Watch(ctx, func(store.Batch) { seen[w].Do(func() { both <- struct{}{} }) })
			})
		}
		<-both
		<-both
		cancel()
		wg.Wait()
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(onDisk(t, path).items); got != 5 {
		t.Errorf("got %d items, want 5", got)
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want no other file", err)
	}
}
