package file_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/file"
)

// follower is a running Watch and what it brought.
type follower struct {
	mu      sync.Mutex
	values  map[string]string
	revs    map[string]int64
	batches int
}

func (f *follower) apply(b store.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b.Full {
		clear(f.values)
		clear(f.revs)
	}
	for _, c := range b.Changes {
		if c.Deleted {
			delete(f.values, c.Key)
			continue
		}
		f.values[c.Key], f.revs[c.Key] = string(c.Value), c.ModRev
	}
	f.batches++
}

// has tells whether the configuration consists of exactly one route with that uri.
func (f *follower) has(uri string) func() bool {
	want := map[string]string{"routes/1": fmt.Sprintf(`{"id":1,"uri":%q}`, uri)}
	return func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return maps.Equal(f.values, want)
	}
}

// follow watches a store until the test ends.
func follow(t *testing.T, s *file.Store) *follower {
	t.Helper()
	f := &follower{values: map[string]string{}, revs: map[string]int64{}}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Watch(ctx, f.apply) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("watch: got %v, want %v", err, context.Canceled)
		}
	})
	return f
}

func yamlRoute(uri string) string { return "routes:\n  - id: 1\n    uri: " + uri + "\n#END\n" }
func jsonRoute(uri string) string { return `{"routes":[{"id":1,"uri":"` + uri + `"}]}` }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestChangesWithoutLooking changes the file in the ways that people and programs do. The store never looks by itself.
func TestChangesWithoutLooking(t *testing.T) {
	tests := []struct {
		name   string
		set    func(t *testing.T, dir string) // makes dir/apisix.yaml with the route /a
		change func(t *testing.T, dir string) // to /b
	}{
		{"written in place", plainFile, func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "apisix.yaml"), []byte(yamlRoute("/b")), 0o600))
		}},
		{"replaced", plainFile, func(t *testing.T, dir string) { write(t, filepath.Join(dir, "apisix.yaml"), yamlRoute("/b")) }},
		{"an editor's backup and a new file", plainFile, func(t *testing.T, dir string) {
			path := filepath.Join(dir, "apisix.yaml")
			must(t, os.WriteFile(filepath.Join(dir, ".apisix.yaml.swp"), []byte("x"), 0o600))
			must(t, os.Rename(path, path+"~"))
			must(t, os.WriteFile(path, []byte(yamlRoute("/b")), 0o600))
			must(t, os.Remove(path+"~"))
			must(t, os.Remove(filepath.Join(dir, ".apisix.yaml.swp")))
		}},
		{"removed and made again", plainFile, func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "apisix.yaml")))
			write(t, filepath.Join(dir, "apisix.yaml"), yamlRoute("/b"))
		}},
		{"a ConfigMap", configMap, func(t *testing.T, dir string) {
			must(t, os.Mkdir(filepath.Join(dir, "..2"), 0o700))
			must(t, os.WriteFile(filepath.Join(dir, "..2", "apisix.yaml"), []byte(yamlRoute("/b")), 0o600))
			must(t, os.Symlink("..2", filepath.Join(dir, "..data_tmp")))
			must(t, os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
			must(t, os.RemoveAll(filepath.Join(dir, "..1")))
		}},
		{"the target of a link", linkedFile, func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "elsewhere", "real.yaml"), yamlRoute("/b"))
		}},
		{"the link", linkedFile, func(t *testing.T, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "other.yaml"), []byte(yamlRoute("/b")), 0o600))
			must(t, os.Symlink("other.yaml", filepath.Join(dir, "next")))
			must(t, os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "apisix.yaml")))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.set(t, dir)
			s, err := file.New(file.Options{Path: filepath.Join(dir, "apisix.yaml"), Poll: time.Hour})
			must(t, err)
			f := follow(t, s)
			eventually(t, "the first state", f.has("/a"))
			tt.change(t, dir)
			eventually(t, "the change", f.has("/b"))
			if st := s.Status(); !st.Reachable || st.Err != nil {
				t.Errorf("got %+v, want a reachable store", st)
			}
		})
	}
}

func plainFile(t *testing.T, dir string) {
	write(t, filepath.Join(dir, "apisix.yaml"), yamlRoute("/a"))
}

func configMap(t *testing.T, dir string) {
	must(t, os.Mkdir(filepath.Join(dir, "..1"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "..1", "apisix.yaml"), []byte(yamlRoute("/a")), 0o600))
	must(t, os.Symlink("..1", filepath.Join(dir, "..data")))
	must(t, os.Symlink(filepath.Join("..data", "apisix.yaml"), filepath.Join(dir, "apisix.yaml")))
}

func linkedFile(t *testing.T, dir string) {
	must(t, os.Mkdir(filepath.Join(dir, "elsewhere"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "elsewhere", "real.yaml"), []byte(yamlRoute("/a")), 0o600))
	must(t, os.Symlink(filepath.Join("elsewhere", "real.yaml"), filepath.Join(dir, "apisix.yaml")))
}

// TestHalfWritten writes files piece by piece; each piece alone would be a configuration that was never meant.
func TestHalfWritten(t *testing.T) {
	tests := []struct {
		name, file string
		text       func(uri string) string
	}{
		{"YAML", "apisix.yaml", yamlRoute},
		{"JSON", "apisix.json", jsonRoute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), tt.file)
			write(t, path, tt.text("/a"))
			f := follow(t, open(t, path, nil))
			eventually(t, "the first state", f.has("/a"))
			for i := range 5 {
				uri := fmt.Sprintf("/%d%s", i, strings.Repeat("x", 10*i))
				out, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0o600)
				must(t, err)
				for _, b := range []byte(tt.text(uri)) {
					_, err := out.Write([]byte{b})
					must(t, err)
				}
				must(t, out.Close())
				eventually(t, "the whole file", f.has(uri))
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.batches != 6 {
				t.Errorf("got %d batches, want 6: one for each whole file", f.batches)
			}
		})
	}
}

func TestGoneAndBack(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "conf")
	must(t, os.Mkdir(dir, 0o700))
	path := filepath.Join(dir, "apisix.yaml")
	write(t, path, yamlRoute("/a"))
	s := open(t, path, nil)
	f := follow(t, s)
	eventually(t, "the first state", f.has("/a"))
	must(t, os.RemoveAll(dir))
	eventually(t, "the missing folder is reported", func() bool { return !s.Status().Reachable })
	must(t, os.Mkdir(dir, 0o700))
	write(t, path, yamlRoute("/a"))
	eventually(t, "the file is back", func() bool { return s.Status().Reachable })
	f.mu.Lock()
	rev, batches := f.revs["routes/1"], f.batches
	f.mu.Unlock()
	if rev != 1 || batches != 1 {
		t.Errorf("got revision %d and %d batches, want 1 and 1: nothing changed", rev, batches)
	}
	write(t, path, yamlRoute("/b"))
	eventually(t, "a change after that", f.has("/b"))
}

func TestLoad(t *testing.T) {
	tests := []struct {
		name, text, err string
	}{
		{"a good file", yamlRoute("/a"), ""},
		{"a file with a bad item", "routes:\n  - 5\n  - id: 1\n    uri: /a\n#END", ""},
		{"a bad file", "routes: [\n#END", "apisix.yaml:"},
		{"no file", "", "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "apisix.yaml")
			if tt.text != "" {
				write(t, path, tt.text)
			}
			var log logBuffer
			s := open(t, path, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
			err := s.Load()
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %v, want %q", err, tt.err)
			}
			if log.String() != "" {
				t.Errorf("got a line in the log: %s", log.String())
			}
			f := follow(t, s)
			write(t, path, yamlRoute("/b"))
			eventually(t, "a change after that", f.has("/b"))
		})
	}
}

func TestWhere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "apisix.yaml")
	write(t, path, "routes:\n  - id: 1\n\n  - uri: /b\nplugins: []\n#END\n")
	s := open(t, path, nil)
	if got, ok := s.Where("routes/1"); ok {
		t.Errorf("before the file was read: got %s", got)
	}
	follow(t, s)
	eventually(t, "the file is applied", func() bool { return s.Status().Reachable })
	for key, line := range map[string]string{"routes/1": ":2", "routes/arr_2": ":4", "plugins": ":5"} {
		if got, ok := s.Where(key); !ok || got != path+line {
			t.Errorf("%s: got %q, %v, want %q", key, got, ok, path+line)
		}
	}
	if got, ok := s.Where("routes/2"); ok {
		t.Errorf("an item that is not there: got %s", got)
	}
}
