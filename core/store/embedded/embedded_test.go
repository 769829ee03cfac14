package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/embedded"
	"github.com/polygate/polygate/core/store/storetest"
)

const (
	// writerDir names the variable that turns the test binary into the writer that TestKill kills.
	writerDir = "POLYGATE_TEST_WRITER_DIR"
	// breaks names the variable that lets a test leave a broken server behind.
	breaks = "POLYGATE_TEST_BREAKS"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDir); dir != "" {
		writeForEver(dir)
	}
	if os.Getenv(breaks) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, dir string) *embedded.Store {
	t.Helper()
	s, err := embedded.Open(embedded.Options{Dir: dir})
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

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (store.Store, store.Writer) {
		s := open(t, t.TempDir())
		return s, s
	})
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data")
	var last store.Item
	for i := range 3 {
		s := open(t, dir)
		if i > 0 {
			got, err := s.Get(t.Context(), "routes/1")
			if err != nil || string(got.Value) != string(last.Value) || got.ModRev != last.ModRev {
				t.Errorf("got %+v, %v, want %+v", got, err, last)
			}
		}
		it, err := s.Put(t.Context(), "routes/1", fmt.Appendf(nil, "%d", i), store.Cond{})
		if err != nil {
			t.Fatal(err)
		}
		if it.ModRev <= last.ModRev {
			t.Errorf("got revision %d after %d", it.ModRev, last.ModRev)
		}
		last = it
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{dir, filepath.Join(dir, "member")} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: got %v, %v, want mode 0700", path, info.Mode().Perm(), err)
		}
	}
}

func TestNothingListens(t *testing.T) {
	before := sockets(t)
	open(t, t.TempDir())
	if after := sockets(t); after != before {
		t.Errorf("got %d sockets, want %d as before", after, before)
	}
}

// sockets counts the process's sockets.
func sockets(t *testing.T) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, link := range links {
		if to, err := os.Readlink(link); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestStartIsQuick(t *testing.T) {
	dir := t.TempDir()
	for _, what := range []string{"new", "existing"} {
		began := time.Now()
		s := open(t, dir)
		// The limit is ten times what it takes, for machines that are busy.
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: got %v, want well below 2 s", what, took)
		} else {
			t.Logf("%s: open for use after %v", what, took)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUnusableFolder(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(t *testing.T, dir string) string
		want    []string
	}{
		{"no folder named", func(*testing.T, string) string { return "" }, []string{"no data folder"}},
		{"in use", func(t *testing.T, dir string) string {
			open(t, dir)
			return dir
		}, []string{"in use by another process (", "folder of its own"}},
		{"in use by an etcd server", func(t *testing.T, dir string) string {
			path := filled(t, dir, "member", "snap", "db")
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
				t.Fatal(err)
			}
			return dir
		}, []string{"in use by another process", "stop that process"}},
		{"below a file", func(t *testing.T, dir string) string {
			path := filepath.Join(dir, "file")
			if err := os.WriteFile(path, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(path, "data")
		}, []string{"not a directory", "name a folder that can be made"}},
		{"read-only", func(t *testing.T, dir string) string {
			if os.Getuid() == 0 {
				t.Skip("root may write everywhere")
			}
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
			return dir
		}, []string{"permission denied", "give the user of this process the right"}},
		{"database is something else", func(t *testing.T, dir string) string {
			path := filled(t, dir, "member", "snap", "db")
			if err := os.WriteFile(path, []byte(strings.Repeat("garbage ", 10_000)), 0o600); err != nil {
				t.Fatal(err)
			}
			return dir
		}, []string{"the database is damaged", "snap/db", "restore the folder"}},
		{"database cut off", func(t *testing.T, dir string) string {
			if err := os.Truncate(filled(t, dir, "member", "snap", "db"), 16<<10); err != nil {
				t.Fatal(err)
			}
			return dir
		}, []string{"the database is damaged", "restore the folder"}},
		{"pages of the database overwritten", func(t *testing.T, dir string) string {
			overwrite(t, filled(t, dir, "member", "snap", "db"), 8<<10, 1<<20)
			return dir
		}, []string{"restore the folder"}},
		{"log overwritten", func(t *testing.T, dir string) string {
			overwrite(t, filled(t, dir, "member", "wal", "0000000000000000-0000000000000000.wal"), 100, 1000)
			return dir
		}, []string{"restore the folder"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.prepare(t, t.TempDir())
			began := time.Now()
			s, err := embedded.Open(embedded.Options{Dir: dir})
			if err == nil {
				t.Fatal(errors.Join(errors.New("got no error"), s.Close()))
			}
			t.Log(err)
			for _, want := range append(tt.want, dir) {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want %q in it", err, want)
				}
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("got the error after %v, want it within 5 s", took)
			}
		})
	}
}

// filled makes a store with something in it, closes it and returns the path of one of its files.
func filled(t *testing.T, dir string, elem ...string) string {
	t.Helper()
	s := open(t, dir)
	for i := range 100 {
		if _, err := s.Put(t.Context(), fmt.Sprintf("routes/%d", i), make([]byte, 1000), store.Cond{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, filepath.Join(elem...))
}

func overwrite(t *testing.T, path string, from, to int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("\xa5", int(min(to, info.Size())-from))), from); err != nil {
		t.Fatal(err)
	}
}

// writeForEver writes to a store and prints every key whose write was acknowledged.
func writeForEver(dir string) {
	s, err := embedded.Open(embedded.Options{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				key := fmt.Sprintf("routes/%d-%d-%d", os.Getpid(), worker, i)
				if _, err := s.Put(context.Background(), key, []byte(key), store.Cond{}); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(key)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for _, writes := range []int{1, 300, 3000} {
		writer := exec.Command(os.Args[0])
		writer.Env = append(os.Environ(), writerDir+"="+dir)
		writer.Stderr = os.Stderr
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			acknowledged[lines.Text()] = true
			if n == writes {
				_ = writer.Process.Kill()
			}
		}
		_ = writer.Wait()

		s := open(t, dir)
		items, _, err := s.List(t.Context(), "routes/")
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, it := range items {
			found[it.Key] = string(it.Value) == it.Key
		}
		for key := range acknowledged {
			if !found[key] {
				t.Errorf("after %d writes: %s is lost", writes, key)
			}
		}
		t.Logf("%d acknowledged, %d found", len(acknowledged), len(items))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDiskFull(t *testing.T) {
	if os.Getenv(breaks) == "" {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDiskFull$", "-test.v")
		again.Env = append(os.Environ(), breaks+"=1")
		out, err := again.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=200m"); err != nil {
		t.Skipf("a small file system cannot be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	s := open(t, dir)
	value := make([]byte, 1<<20)
	for i := range 400 {
		_, err := s.Put(t.Context(), fmt.Sprintf("routes/%d", i), value, store.Cond{})
		if err == nil {
			continue
		}
		t.Log(err)
		if st := s.Status(); st.Reachable || !errors.Is(st.Err, syscall.ENOSPC) {
			t.Errorf("got %+v, want what went wrong", st)
		}
		return
	}
	t.Error("got no error on a full disk")
}
