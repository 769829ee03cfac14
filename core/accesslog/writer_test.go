package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// disk is a file that can be full or stuck.
type disk struct {
	mu   sync.Mutex // guards room and data
	room int        // bytes that still fit; negative: any number
	data bytes.Buffer

	stuck chan struct{} // a write waits until it is closed; nil: it does not
}

var errFull = errors.New("no space left on device")

func (d *disk) Write(p []byte) (int, error) {
	if d.stuck != nil {
		<-d.stuck
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.room >= 0 && len(p) > d.room {
		n := d.room
		d.data.Write(p[:n])
		d.room = 0
		return n, errFull
	}
	if d.room >= 0 {
		d.room -= len(p)
	}
	return d.data.Write(p)
}

func (d *disk) Close() error { return nil }
func (d *disk) Moved() bool  { return false }

func (d *disk) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.data.String()
}

func (d *disk) setRoom(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = n
}

func startOn(t *testing.T, d *disk, opts Options) *Writer {
	t.Helper()
	w, err := start(opts, func() (file, error) { return d, nil })
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func write(t *testing.T, w *Writer, line string) {
	t.Helper()
	if _, err := w.Write([]byte(line + "\n")); err != nil {
		t.Fatal(err)
	}
}

func TestLinesAreWrittenWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1}
		w := startOn(t, d, Options{})
		write(t, w, "a")
		synctest.Wait()
		if got := d.text(); got != "" {
			t.Errorf("got %q before the second was over", got)
		}
		<-time.After(interval)
		synctest.Wait()
		if got := d.text(); got != "a\n" {
			t.Errorf("got %q, want the line", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestMuchIsWrittenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1}
		w := startOn(t, d, Options{Flush: 10})
		write(t, w, "0123456789")
		synctest.Wait()
		if got := d.text(); got != "0123456789\n" {
			t.Errorf("got %q, want the line", got)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseFlushes(t *testing.T) {
	d := &disk{room: -1}
	w := startOn(t, d, Options{})
	write(t, w, "a")
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got := d.text(); got != "a\n" {
		t.Errorf("got %q, want the line", got)
	}
	if err := w.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if _, err := w.Write(nil); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var messages bytes.Buffer
		d := &disk{room: 3}
		w := startOn(t, d, Options{Flush: 2, Queue: 8, Log: slog.New(slog.NewTextHandler(&messages, nil))})
		for _, line := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			write(t, w, line)
			synctest.Wait()
		}
		// "a\nb" is on the disk; "\nc\nd\ne" and the line feed of e wait, f and g found no room.
		if got, want := w.Dropped(), uint64(2); got != want {
			t.Errorf("got %d lines dropped, want %d", got, want)
		}
		d.setRoom(-1)
		<-time.After(interval)
		synctest.Wait()
		if got, want := d.text(), "a\nb\nc\nd\ne\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		d.setRoom(0)
		write(t, w, "h")
		synctest.Wait()
		if err := w.Close(); !errors.Is(err, errFull) {
			t.Errorf("got %v, want %v", err, errFull)
		}
		if got, want := w.Dropped(), uint64(3); got != want {
			t.Errorf("got %d lines dropped, want %d", got, want)
		}
		for _, want := range []string{"cannot be written", "lost lines", "lines=2"} {
			if !strings.Contains(messages.String(), want) {
				t.Errorf("the log lacks %q:\n%s", want, messages.String())
			}
		}
	})
}

func TestSlowDiskHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{room: -1, stuck: make(chan struct{})}
		w := startOn(t, d, Options{Flush: 2, Queue: 100})
		for range 1000 {
			write(t, w, "x")
		}
		if got := w.Dropped(); got < 900 {
			t.Errorf("got %d lines dropped, want 950", got)
		}
		close(d.stuck)
		if err := w.Close(); err != nil {
			t.Error(err)
		}
		if got := uint64(strings.Count(d.text(), "x\n")) + w.Dropped(); got != 1000 {
			t.Errorf("got %d lines written or dropped, want 1000", got)
		}
	})
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("not within 10 seconds: %s", what)
		case <-tick.C:
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestRenamedFile(t *testing.T) {
	for _, signalled := range []bool{false, true} {
		t.Run(fmt.Sprint("signalled ", signalled), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "logs", "access.log")
			w, err := Open(Options{Path: path, Flush: 64})
			if err != nil {
				t.Fatal(err)
			}
			const rounds, lines = 2, 500
			for round := range rounds {
				for i := range lines {
					write(t, w, fmt.Sprint(round*lines+i))
				}
				if err := os.Rename(path, fmt.Sprint(path, ".", round)); err != nil {
					t.Fatal(err)
				}
				if signalled {
					w.Reopen()
				}
				eventually(t, "the file is there again", func() bool { return exists(path) })
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, p := range []string{path + ".0", path + ".1", path} {
				data, err := os.ReadFile(p)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, strings.Fields(string(data))...)
			}
			if got, want := len(all), rounds*lines; got != want {
				t.Fatalf("got %d lines, want %d", got, want)
			}
			for i, line := range all {
				if line != fmt.Sprint(i) {
					t.Fatalf("line %d: got %q", i, line)
				}
			}
			if got := w.Dropped(); got != 0 {
				t.Errorf("got %d lines dropped, want 0", got)
			}
		})
	}
}

func TestRemovedFileLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	w, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, w, "a")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "a\n" {
		t.Errorf("got %q, %v; want the line", got, err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(Options{Path: dir}); err == nil {
		t.Error("a folder: got no error")
	}
	for _, path := range []string{"/dev/stdout", "/dev/stderr"} {
		w, err := Open(Options{Path: path})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := w.Close(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestHammer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "access.log")
	w, err := Open(Options{Path: path, Flush: 128})
	if err != nil {
		t.Fatal(err)
	}
	const writers, lines = 8, 500
	var wg sync.WaitGroup
	for id := range writers {
		wg.Go(func() {
			for i := range lines {
				if _, err := fmt.Fprintf(w, "%d-%d-end\n", id, i); err != nil {
					t.Error(err)
				}
				if i%100 == 0 {
					w.Reopen()
				}
			}
		})
	}
	wg.Wait()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Fields(string(data))
	if len(got) != writers*lines {
		t.Errorf("got %d lines, want %d", len(got), writers*lines)
	}
	for _, line := range got {
		if !strings.HasSuffix(line, "-end") || strings.Count(line, "-") != 2 {
			t.Fatalf("broken line %q", line)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := Open(Options{Path: filepath.Join(b.TempDir(), "access.log")})
	if err != nil {
		b.Fatal(err)
	}
	line := []byte(strings.Repeat("x", 200) + "\n")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := w.Write(line); err != nil {
				b.Error(err)
			}
		}
	})
	if err := w.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(w.Dropped())/float64(b.N), "dropped/op")
}
