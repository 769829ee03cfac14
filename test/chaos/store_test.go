package chaos

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestKilled kills etcd and starts it again over the same data.
func TestKilled(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	steady(t, c)
	c.put("routes/a", route("a", "one"))
	g := newGateway(t, e.url())
	requests(t, g)
	g.serves(map[string]string{"a": "one"})
	for round := range 3 {
		e.kill()
		g.away()
		g.serves(map[string]string{"a": "one"})
		e.start()
		rev := c.put("routes/b", route("b", fmt.Sprint(round)))
		g.serves(map[string]string{"a": "one", "b": fmt.Sprint(round)})
		g.follows(rev)
	}
}

// TestReplaced starts etcd again with other data than it had.
func TestReplaced(t *testing.T) {
	tests := []struct {
		name string
		fill func(t *testing.T, c *cluster, upstream, steady string) // what is written after the restart
		keep bool                                                    // the older state instead of nothing
		want map[string]string
	}{
		{"an older state", func(*testing.T, *cluster, string, string) {}, true, map[string]string{"a": "one", "b": ""}},
		{"an older state that goes on", func(_ *testing.T, c *cluster, _, _ string) {
			for i := range 20 {
				c.put("routes/c", route("c", fmt.Sprint(i)))
			}
		}, true, map[string]string{"a": "one", "b": "", "c": "19"}},
		{"empty, and filled at once", func(_ *testing.T, c *cluster, upstream, steady string) {
			// At once: a gateway that reads half of it obeys that.
			c.putAll(map[string]string{"upstreams/steady": upstream, "routes/steady": steady, "routes/d": route("d", "new")})
		}, false, map[string]string{"a": "", "b": "", "d": "new", "steady": "steady"}},
		{"empty", func(*testing.T, *cluster, string, string) {}, false, map[string]string{"a": "", "b": "", "steady": ""}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEtcd(t)
			c := dial(t, e)
			steady(t, c)
			c.put("routes/a", route("a", "one"))
			older := filepath.Join(t.TempDir(), "older")
			if tt.keep {
				e.kill()
				if err := os.CopyFS(older, os.DirFS(e.dir)); err != nil {
					t.Fatal(err)
				}
				e.start()
			}
			upstream, always := c.value("upstreams/steady"), c.value("routes/steady")
			g := newGateway(t, e.url())
			if tt.want["steady"] == "steady" || tt.keep {
				requests(t, g)
			}
			c.put("routes/a", route("a", "two"))
			c.put("routes/b", route("b", "one"))
			g.serves(map[string]string{"a": "two", "b": "one"})
			e.restart(older)
			tt.fill(t, c, upstream, always)
			g.serves(tt.want)
			rev := c.revision()
			g.until("the revision is one of the data that is there", func(s syncState) error {
				if !s.Reachable || s.Error != "" || s.Revision > rev {
					return fmt.Errorf("it is not, the store has %d", rev)
				}
				return nil
			})
		})
	}
}

// TestCompacted compacts and defragments under the watch, while changes go on.
func TestCompacted(t *testing.T) {
	e := newEtcd(t)
	c := dial(t, e)
	steady(t, c)
	g := newGateway(t, e.url())
	requests(t, g)
	var rev int64
	for i := range 200 {
		rev = c.put("routes/a", route("a", fmt.Sprint(i)))
		if i%50 == 0 {
			c.compact()
		}
	}
	g.serves(map[string]string{"a": "199"})
	g.follows(rev)
}

// TestChangedWhileAway removes, writes and compacts while the gateway does not reach etcd.
func TestChangedWhileAway(t *testing.T) {
	for _, compact := range []bool{false, true} {
		t.Run(fmt.Sprintf("compacted %v", compact), func(t *testing.T) {
			e := newEtcd(t)
			c := dial(t, e)
			px := newProxy(t, e.client)
			steady(t, c)
			for _, id := range []string{"a", "b", "c"} {
				c.put("routes/"+id, route(id, "one"))
			}
			g := newGateway(t, px.url())
			requests(t, g)
			px.cut()
			g.away()
			c.remove("routes/a")
			c.put("routes/b", route("b", "two"))
			rev := c.put("routes/d", route("d", "one"))
			if compact {
				c.compact()
			}
			px.mend()
			g.serves(map[string]string{"a": "", "b": "two", "c": "one", "d": "one"})
			g.follows(rev)
		})
	}
}

// TestPartition stops etcd's process: its connections stay, and nobody answers.
func TestPartition(t *testing.T) {
	t.Parallel()
	e := newEtcd(t)
	c := dial(t, e)
	steady(t, c)
	g := newGateway(t, e.url())
	requests(t, g)
	e.signal(syscall.SIGSTOP)
	began := time.Now()
	g.away()
	t.Logf("noticed after %v", time.Since(began).Round(time.Millisecond))
	e.signal(syscall.SIGCONT)
	began = time.Now()
	rev := c.put("routes/a", route("a", "after"))
	g.serves(map[string]string{"a": "after"})
	t.Logf("in step again after %v", time.Since(began).Round(time.Millisecond))
	g.follows(rev)
}

// TestLeaderLost kills the leader of three members again and again while changes go on.
func TestLeaderLost(t *testing.T) {
	members, c := newCluster(t)
	steady(t, c)
	var urls []string
	for _, m := range members {
		urls = append(urls, m.url())
	}
	g := newGateway(t, urls...)
	requests(t, g)

	stop := make(chan struct{})
	var wg sync.WaitGroup
	written := map[string]string{}
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			id := fmt.Sprintf("w%d", i%20)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			var err error
			if i%7 == 3 {
				_, err = c.Delete(ctx, "/apisix/routes/"+id)
				written[id] = ""
			} else {
				_, err = c.Put(ctx, "/apisix/routes/"+id, route(id, fmt.Sprint(i)))
				written[id] = fmt.Sprint(i)
			}
			cancel()
			if err != nil {
				// Whether it was done is open; the next write of the key tells.
				delete(written, id)
			}
		}
	})
	for range 2 {
		lead := leader(t, c, members)
		lead.kill()
		rev := c.put("routes/x", route("x", lead.name))
		g.serves(map[string]string{"x": lead.name})
		g.follows(rev)
		lead.start()
	}
	close(stop)
	wg.Wait()
	rev := c.put("routes/x", route("x", "end"))
	g.follows(rev)
	t.Logf("%d routes were written at the end", len(written))
	g.serves(written)
}

func newCluster(t *testing.T) ([]*member, *cluster) {
	t.Helper()
	var members []*member
	var peers []string
	for _, name := range []string{"one", "two", "three"} {
		m := newMember(t, name)
		members = append(members, m)
		peers = append(peers, name+"=http://"+m.peer)
	}
	for _, m := range members {
		m.flags = []string{"--initial-cluster", strings.Join(peers, ",")}
		m.launch()
	}
	for _, m := range members {
		m.await()
	}
	return members, dial(t, members...)
}
