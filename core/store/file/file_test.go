package file_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/file"
	"github.com/polygate/polygate/core/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// write replaces the file in one step.
func write(t *testing.T, path, text string) {
	t.Helper()
	next := path + ".next"
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

func TestStore(t *testing.T) {
	formats := []struct {
		name string
		file string
		text func(values map[string][]string) string
	}{
		{"yaml", "apisix.yaml", func(values map[string][]string) string {
			text := "protos: []\n"
			for _, kind := range slices.Sorted(maps.Keys(values)) {
				text += kind + ":\n"
				for _, v := range values[kind] {
					text += "  - " + v + "\n"
				}
			}
			return text + "#END\n"
		}},
		{"json", "apisix.json", func(values map[string][]string) string {
			var kinds []string
			for _, kind := range slices.Sorted(maps.Keys(values)) {
				kinds = append(kinds, fmt.Sprintf("%q: [%s]", kind, strings.Join(values[kind], ",\n")))
			}
			return "{" + strings.Join(kinds, ",\n") + "}"
		}},
	}
	for _, format := range formats {
		t.Run(format.name, func(t *testing.T) {
			storetest.RunReader(t, func(t *testing.T) (store.Store, func(map[string]string)) {
				path := filepath.Join(t.TempDir(), format.file)
				return open(t, path, nil), func(want map[string]string) {
					values := map[string][]string{}
					for _, key := range slices.Sorted(maps.Keys(want)) {
						kind, _, _ := strings.Cut(key, "/")
						values[kind] = append(values[kind], want[key])
					}
					write(t, path, format.text(values))
				}
			})
		})
	}
}

func open(t *testing.T, path string, log *slog.Logger) *file.Store {
	t.Helper()
	s, err := file.New(file.Options{Path: path, Poll: 5 * time.Millisecond, Settle: 10 * time.Millisecond, Logger: log})
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

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
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

// eventually waits for cond.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !cond() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestBrokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apisix.yaml")
	var log logBuffer
	s := open(t, path, slog.New(slog.NewTextHandler(&log, nil)))

	var mu sync.Mutex
	var batches []store.Batch
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(batches)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- s.Watch(ctx, func(b store.Batch) {
			mu.Lock()
			defer mu.Unlock()
			batches = append(batches, b)
		})
	}()
	status := func(contains string) func() bool {
		return func() bool {
			st := s.Status()
			return st.Err != nil && strings.Contains(st.Err.Error(), contains)
		}
	}

	eventually(t, "the missing file is reported", func() bool { return errors.Is(s.Status().Err, os.ErrNotExist) && !s.Status().Reachable })
	write(t, path, "routes: [{id: 1, uri: /a}]\n#END\n")
	eventually(t, "the file is applied", func() bool { return count() == 1 && s.Status().Reachable && s.Status().Err == nil })

	write(t, path, "routes:\n  - id: [\n#END\n")
	eventually(t, "the broken file is reported", status(path+":4: did not find"))
	write(t, path, "routes: [{id: 2}]\n")
	eventually(t, "the file without an end is reported", status("#END"))
	if st := s.Status(); st.Reachable || count() != 1 || st.Revision != 1 {
		t.Errorf("got %+v and %d batches, want the first state", st, count())
	}

	write(t, path, "routes: [{id: 1, uri: /a}, 5]\nroute: []\n#END\n")
	eventually(t, "the partly wrong file is applied", func() bool { return s.Status().Reachable && status("did you mean")() })
	write(t, path, "# a comment\nroutes: [{id: 1, uri: /a}]\n#END\n")
	eventually(t, "the good file is applied", func() bool { return s.Status().Err == nil })
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the removed file is reported", func() bool { return !s.Status().Reachable })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if count() != 1 {
		t.Errorf("got %d batches, want 1: nothing changed", count())
	}
	if got := strings.Count(log.String(), "#END"); got != 1 {
		t.Errorf("got %d lines about the missing end, want 1:\n%s", got, log.String())
	}
}

func TestUnusableFiles(t *testing.T) {
	tests := []struct {
		name string
		path func(t *testing.T) string
		want string
	}{
		{"folder", func(t *testing.T) string { return t.TempDir() }, "not a regular file"},
		{"device", func(*testing.T) string { return "/dev/zero" }, "not a regular file"},
		{"too large", func(t *testing.T) string {
			path := filepath.Join(t.TempDir(), "apisix.yaml")
			write(t, path, "")
			if err := os.Truncate(path, 1<<40); err != nil {
				t.Skip(err)
			}
			return path
		}, "larger than 256 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.path(t), nil)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- s.Watch(ctx, func(store.Batch) { t.Error("a batch was applied") }) }()
			eventually(t, "the reason is reported", func() bool {
				err := s.Status().Err
				return err != nil && strings.Contains(err.Error(), tt.want)
			})
			cancel()
			<-done
		})
	}
}

func TestNewWithoutPath(t *testing.T) {
	if _, err := file.New(file.Options{}); err == nil {
		t.Error("got no error")
	}
}

func TestLateWatcher(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apisix.yaml")
	write(t, path, "routes: [{id: 1}, {id: 2}]\n#END\n")
	s := open(t, path, nil)
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		var got store.Batch
		err := s.Watch(ctx, func(b store.Batch) {
			got = b
			cancel()
		})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		want := store.Batch{Revision: 1, Full: true, Changes: []store.Change{
			{Item: store.Item{Key: "routes/1", Value: []byte(`{"id":1}`), CreateRev: 1, ModRev: 1}},
			{Item: store.Item{Key: "routes/2", Value: []byte(`{"id":2}`), CreateRev: 1, ModRev: 1}},
		}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batch (-want +got):\n%s", diff)
		}
	}
}
