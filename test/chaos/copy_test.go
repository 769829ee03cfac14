package chaos

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// hasCopy waits until a copy is on disk.
func (g *gateway) hasCopy() {
	g.t.Helper()
	poll(g.t, "there is a copy", func() error {
		_, err := os.Stat(g.copyPath())
		return err
	})
}

// logs waits until the log has all parts.
func (g *gateway) logs(parts ...string) {
	g.t.Helper()
	poll(g.t, "the log tells", func() error {
		for _, part := range parts {
			if !strings.Contains(g.log.String(), part) {
				return fmt.Errorf("%q is not in\n%s", part, g.log)
			}
		}
		return nil
	})
}

// TestStartFromCopy starts a gateway while etcd is away, and lets etcd come back with changes.
func TestStartFromCopy(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	px := newProxy(t, e.client)
	steady(t, c)
	for _, id := range []string{"a", "b"} {
		c.put("routes/"+id, route(id, "one"))
	}
	g := newGateway(t, px.url())
	g.hasCopy()
	c.put("routes/c", route("c", "late"))
	g.serves(map[string]string{"c": "late"})
	// Ending in order writes what is not on disk yet.
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-g.exited

	px.cut()
	c.remove("routes/a")
	rev := c.put("routes/b", route("b", "two"))
	g.start()
	g.ready()
	requests(t, g)
	g.away()
	g.until("the copy is in service", func(s syncState) error {
		if !s.FromCopy {
			return errors.New("it does not say so")
		}
		return nil
	})
	g.logs("the copy on disk is in service")
	g.serves(map[string]string{"a": "one", "b": "one", "c": "late"})

	px.mend()
	g.serves(map[string]string{"a": "", "b": "two", "c": "late"})
	g.follows(rev)
	g.logs("has replaced the copy")
}

// TestGoodVersionOutlivesRestart restarts a gateway while the store has a version of a route that is not fit for service, with etcd
// and without.
func TestGoodVersionOutlivesRestart(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	px := newProxy(t, e.client)
	steady(t, c)
	c.put("routes/a", route("a", "good"))
	g := newGateway(t, px.url())
	g.serves(map[string]string{"a": "good"})
	c.put("routes/a", `{"uri":1}`)
	restart := func() {
		t.Helper()
		g.until("the bad version is rejected", func(s syncState) error { return rejected(s, "routes/a") })
		g.serves(map[string]string{"a": "good", "steady": "steady"})
		if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-g.exited
		g.start()
		g.ready()
	}
	restart()
	restart()
	g.until("the bad version is rejected", func(s syncState) error { return rejected(s, "routes/a") })
	g.serves(map[string]string{"a": "good"})
	if err := g.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-g.exited

	px.cut()
	g.start()
	g.ready()
	g.serves(map[string]string{"a": "good", "steady": "steady"})
	px.mend()
	g.until("the bad version is rejected", func(s syncState) error { return rejected(s, "routes/a") })
	g.serves(map[string]string{"a": "good"})
	g.follows(c.put("routes/a", route("a", "better")))
	g.serves(map[string]string{"a": "better"})
}

// TestDamagedCopy damages the copy in several ways: the gateway waits for etcd, tells why, and makes a new copy.
func TestDamagedCopy(t *testing.T) {
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
	tests := []struct {
		name  string
		spoil func(t *testing.T, path string)
		want  string // of the log
	}{
		{"a bit", overwrite(func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b }), "checksum"},
		{"cut", overwrite(func(b []byte) []byte { return b[:len(b)/2] }), "its end is missing"},
		{"empty", overwrite(func([]byte) []byte { return nil }), "no copy of a configuration"},
		{"other bytes", overwrite(func([]byte) []byte { return []byte("routes: []\n#END\n") }), "no copy of a configuration"},
		{"may be changed by others", func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o666); err != nil {
				t.Fatal(err)
			}
		}, "other users may change it"},
		{"may not be read", func(t *testing.T, path string) {
			if os.Geteuid() == 0 {
				t.Skip("root may read everything")
			}
			if err := os.Chmod(path, 0); err != nil {
				t.Fatal(err)
			}
		}, "permission denied"},
		{"a folder", func(t *testing.T, path string) {
			if err := errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "no ordinary file"},
	}
	e := newEtcd(t)
	c := dial(t, e)
	px := newProxy(t, e.client)
	steady(t, c)
	g := newGateway(t, px.url())
	g.hasCopy()
	g.kill()
	whole, err := os.ReadFile(g.copyPath())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := errors.Join(os.RemoveAll(g.copyPath()), os.WriteFile(g.copyPath(), whole, 0o600)); err != nil {
				t.Fatal(err)
			}
			tt.spoil(t, g.copyPath())
			px.cut()
			g.start()
			g.logs("is not used", tt.want, "remedy=")
			px.mend()
			g.serves(map[string]string{"steady": "steady"})
			g.kill()
		})
	}
}

// TestKilledWhileWriting kills gateways while they write the copy: there is always a whole one, the old or the new.
func TestKilledWhileWriting(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	px := newProxy(t, e.client)
	steady(t, c)
	fill(c, 8<<20)
	g := newGateway(t, px.url())
	g.hasCopy()
	g.kill()
	for round := range 6 {
		g.start()
		g.ready()
		c.put("routes/a", route("a", fmt.Sprint(round)))
		poll(t, "the copy is being written", func() error {
			_, err := os.Stat(g.copyPath() + ".new")
			return err
		})
		g.kill()
		px.cut()
		g.start()
		g.ready()
		g.serves(map[string]string{"steady": "steady"})
		if log := g.log.String(); strings.Contains(log, "is not used") {
			t.Errorf("got a damaged copy:\n%s", log)
		}
		g.kill()
		px.mend()
	}
}

// fill writes so many bytes of values that are not served, but kept.
func fill(c *cluster, size int) {
	c.t.Helper()
	const each = 1 << 20
	for i := range size / each {
		c.put(fmt.Sprintf("protos/fill%d", i), `{"content":"`+strings.Repeat("x", each)+`"}`)
	}
}

// TestNoSpace lets the copy not fit where it belongs: requests and changes go on, and the copy is made as soon as it fits.
func TestNoSpace(t *testing.T) {
	const space = 1 << 20
	tests := []struct {
		name  string
		limit func(t *testing.T, g *gateway)
		want  string
	}{
		{"a limit for files", func(_ *testing.T, g *gateway) {
			g.wrap = []string{"sh", "-c", fmt.Sprintf(`ulimit -f %d; exec "$@"`, space/512), "sh"}
		}, "file too large"},
		{"a small disk", func(t *testing.T, g *gateway) {
			data := filepath.Dir(g.copyPath())
			if err := os.Mkdir(data, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Mount("none", data, "tmpfs", 0, fmt.Sprintf("size=%d", space)); err != nil {
				t.Skipf("a disk of its own needs root: %v", err)
			}
			t.Cleanup(func() {
				if err := syscall.Unmount(data, syscall.MNT_DETACH); err != nil {
					t.Error(err)
				}
			})
		}, "no space left on device"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := newEtcd(t)
			c := dial(t, e)
			steady(t, c)
			g := prepare(t, e.url())
			tt.limit(t, g)
			g.start()
			g.ready()
			requests(t, g)
			g.hasCopy()
			before, err := os.ReadFile(g.copyPath())
			if err != nil {
				t.Fatal(err)
			}
			fill(c, 3*space)
			g.logs("is not kept up to date", tt.want, "remedy=")
			rev := c.put("routes/a", route("a", "served"))
			g.serves(map[string]string{"a": "served"})
			g.until("the revision is in service", func(s syncState) error {
				if s.Revision < rev || !s.Reachable {
					return errors.New("not yet")
				}
				return nil
			})
			if now, err := os.ReadFile(g.copyPath()); err != nil || string(now) != string(before) {
				t.Errorf("got another copy of %d bytes, %v, want the last one that fitted", len(now), err)
			}
			if _, err := os.Stat(g.copyPath() + ".new"); err == nil {
				poll(t, "nothing is left of the attempt", func() error {
					if _, err := os.Stat(g.copyPath() + ".new"); !errors.Is(err, fs.ErrNotExist) {
						return errors.New("the new file is still there")
					}
					return nil
				})
			}
			for i := range 3 {
				c.remove(fmt.Sprintf("protos/fill%d", i))
			}
			g.logs("is kept again")
		})
	}
}
