package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/polygate/polygate/core/upstream/balance"
)

// bubble runs a test with a scheduler over a network in memory and its own time.
func bubble(t *testing.T, f func(t *testing.T, s *Scheduler, w *network), change ...func(*Options)) {
	synctest.Test(t, func(t *testing.T) {
		w := newNetwork()
		o := Options{Dial: w.dial}
		for _, c := range change {
			c(&o)
		}
		s := New(o)
		defer w.wg.Wait()
		defer s.Close()
		f(t, s, w)
	})
}

const second = `{"active":{"healthy":{"interval":1,"successes":1},"unhealthy":{"interval":1,"http_failures":2}}}`

// after waits for a time and for what happens in it.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestActiveChecks(t *testing.T) {
	tests := []struct {
		name, raw string
		how       func(net.Conn)
		want      string // after 2.5 seconds: status success/http/tcp/timeout
	}{
		{"fine", second, status(200), "healthy 0/0/0/0"},
		{"neither good nor bad", second, status(418), "healthy 0/0/0/0"},
		{"bad status", second, status(500), "unhealthy 0/2/0/0"},
		{"refused", second, nil, "unhealthy 0/0/2/0"},
		{"cut off", second, func(c net.Conn) { readHead(c) }, "unhealthy 0/0/2/0"},
		{"hangs", `{"active":{"timeout":0.1,"healthy":{"interval":1},"unhealthy":{"timeouts":2}}}`, hang, "unhealthy 0/0/0/2"},
		{"malformed", second, says("SSH-2.0-OpenSSH\r\n"), "unhealthy 0/2/0/0"},
		{"half a line", second, says("HTTP/1.1 2"), "unhealthy 0/2/0/0"},
		{"a line without end", second, says(string(make([]byte, maxLine+1))), "unhealthy 0/2/0/0"},
		{"informational first", second, says("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 500 E\r\n\r\n"), "unhealthy 0/2/0/0"},
		{"endless body", second, func(c net.Conn) {
			says("HTTP/1.1 200 OK\r\n\r\n")(c)
			for {
				if _, err := c.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		}, "healthy 0/0/0/0"},
		{"body that hangs", second, func(c net.Conn) { says("HTTP/1.1 500 E\r\n\r\n")(c); hang(c) }, "unhealthy 0/2/0/0"},
		{"tcp", `{"active":{"type":"tcp","healthy":{"interval":1},"unhealthy":{"interval":1}}}`, hang, "healthy 0/0/0/0"},
		{"tcp refused", `{"active":{"type":"tcp","healthy":{"interval":1},"unhealthy":{"interval":1}}}`, nil, "unhealthy 0/0/2/0"},
		{"no interval, no checks", `{"active":{"unhealthy":{"interval":1}}}`, nil, "healthy 0/0/0/0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *Scheduler, w *network) {
				if tt.how != nil {
					w.set("10.0.0.1:80", tt.how)
				}
				c := s.NewChecker("upstreams/1")
				c.Bind(specOf(t, 1, tt.raw, "10.0.0.1"))
				after(2500 * time.Millisecond)
				if got := statusesOf(c); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				c.Stop()
			})
		})
	}
}

func TestNodeGoesDownAndUp(t *testing.T) {
	bubble(t, func(t *testing.T, s *Scheduler, w *network) {
		for i := range 3 {
			w.set(fmt.Sprintf("10.0.0.%d:80", i+1), status(200))
		}
		c := s.NewChecker("upstreams/1")
		v := c.Bind(specOf(t, 1, second, "10.0.0.1", "10.0.0.2", "10.0.0.3"))
		served := func() (count [3]int) {
			for range 12 {
				n, err := v.Pick(&balance.Try{})
				if err != nil {
					t.Fatal(err)
				}
				count[n.Index]++
			}
			return count
		}
		steps := []struct {
			name string
			node string
			how  func(net.Conn)
			want [3]int
		}{
			{"all up", "10.0.0.1:80", status(200), [3]int{4, 4, 4}},
			{"one down", "10.0.0.2:80", nil, [3]int{6, 0, 6}},
			{"two down", "10.0.0.1:80", status(500), [3]int{0, 0, 12}},
			{"none is left: all serve", "10.0.0.3:80", nil, [3]int{4, 4, 4}},
			{"one up", "10.0.0.2:80", status(200), [3]int{0, 12, 0}},
			{"two up", "10.0.0.1:80", status(302), [3]int{6, 6, 0}},
			{"three up", "10.0.0.3:80", status(200), [3]int{4, 4, 4}},
		}
		for _, step := range steps {
			w.set(step.node, step.how)
			after(3 * time.Second)
			if got := served(); got != step.want {
				t.Errorf("%s: got %v, want %v; %s", step.name, got, step.want, statusesOf(c))
			}
		}
	})
}

// TestIntervals checks how often nodes are asked, by their status.
func TestIntervals(t *testing.T) {
	bubble(t, func(t *testing.T, s *Scheduler, w *network) {
		w.set("10.0.0.1:80", status(200))
		c := s.NewChecker("upstreams/1")
		c.Bind(specOf(t, 1, `{"active":{"healthy":{"interval":10},"unhealthy":{"interval":1,"tcp_failures":1}}}`, "10.0.0.1", "10.0.0.2"))
		after(8 * time.Second)
		if up, down := w.count("10.0.0.1:80"), w.count("10.0.0.2:80"); up != 0 || down != 0 {
			t.Errorf("got %d and %d checks within the first interval, want none", up, down)
		}
		after(92 * time.Second)
		if up, down := w.count("10.0.0.1:80"), w.count("10.0.0.2:80"); up < 10 || up > 11 || down < 89 || down > 102 {
			t.Errorf("got %d and %d checks, want about 10 and 90", up, down)
		}
	})
}

// TestConcurrency checks that hanging nodes neither take more than their share nor keep others from being checked.
func TestConcurrency(t *testing.T) {
	tests := []struct {
		name        string
		limit, most int
	}{
		{"of the upstream", 0, 6},
		{"of the scheduler", 4, 4},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *Scheduler, w *network) {
				var hosts []string
				for i := range 40 {
					hosts = append(hosts, fmt.Sprintf("10.0.1.%d", i+1))
					w.set(hosts[i]+":80", hang)
				}
				w.set("10.0.0.1:80", status(500))
				const raw = `{"active":{"timeout":1,"concurrency":5,"healthy":{"interval":1},"unhealthy":{"interval":1,"timeouts":2,"http_failures":2}}}`
				slow, quick := s.NewChecker("upstreams/1"), s.NewChecker("upstreams/2")
				slow.Bind(specOf(t, 1, raw, hosts...))
				quick.Bind(specOf(t, 1, raw, "10.0.0.1"))
				after(6 * time.Second)
				if got := statusesOf(quick); got != "unhealthy 0/2/0/0" {
					t.Errorf("got %s for a node beside others that hang, want it found out", got)
				}
				after(60 * time.Second)
				for _, n := range slow.Report().Nodes {
					if n.Status.Serves() {
						t.Errorf("%s is %v, want it unhealthy", n.IP, n.Status)
					}
				}
				w.mu.Lock()
				defer w.mu.Unlock()
				if w.most > tt.most {
					t.Errorf("got %d checks at the same time, want at most %d", w.most, tt.most)
				}
			}, func(o *Options) { o.Limit = tt.limit })
		})
	}
}

// TestRebind changes the configuration: nodes that stay keep their health, and only those that are there are checked.
func TestRebind(t *testing.T) {
	bubble(t, func(t *testing.T, s *Scheduler, w *network) {
		w.set("10.0.0.1:80", status(200))
		w.set("10.0.0.3:80", status(200))
		c := s.NewChecker("upstreams/1")
		first := specOf(t, 1, second, "10.0.0.1", "10.0.0.2")
		c.Bind(first)
		after(3 * time.Second)
		v := c.Bind(specOf(t, 2, `{"active":{"healthy":{"interval":5},"unhealthy":{"interval":5}}}`, "10.0.0.2", "10.0.0.3"))
		if got, want := statusesOf(c), "unhealthy 0/0/2/0, healthy 0/0/0/0"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for range 4 {
			if n, err := v.Pick(&balance.Try{}); err != nil || n.Host != "10.0.0.3" {
				t.Errorf("got %v %v, want the healthy node", n, err)
			}
		}
		gone, stays := w.count("10.0.0.1:80"), w.count("10.0.0.2:80")
		after(20 * time.Second)
		if got := w.count("10.0.0.1:80"); got != gone {
			t.Errorf("a node that is gone was checked %d times", got-gone)
		}
		if got := w.count("10.0.0.2:80") - stays; got < 4 || got > 6 {
			t.Errorf("got %d checks within 20 seconds, want those of the new interval", got)
		}
		// A request that began with the old version must not bring it back.
		old := c.Bind(first)
		if n, err := old.Pick(&balance.Try{}); err != nil || n.Host != "10.0.0.1" {
			t.Errorf("got %v %v, want the node of the old version that was not found unhealthy", n, err)
		}
		if got := len(c.Report().Nodes); got != 2 || c.Report().Nodes[1].IP != "10.0.0.3" {
			t.Errorf("got %v, want the nodes of the new version", c.Report())
		}
		c.Stop()
		stays = w.count("10.0.0.2:80")
		after(time.Minute)
		if got := w.count("10.0.0.2:80"); got != stays || len(s.Live()) != 0 {
			t.Errorf("got %d checks after the end and %d checkers", got-stays, len(s.Live()))
		}
	})
}

// TestOverrides checks where nodes are asked and by which names.
func TestOverrides(t *testing.T) {
	tests := []struct {
		name, raw, node, rewrite string
		dialled, field           string
		hostname                 string
	}{
		{"address", `{"active":{"healthy":{}}}`, "10.0.0.1", "", "10.0.0.1:80", "10.0.0.1", "10.0.0.1"},
		{"host and port", `{"active":{"host":"h.test","port":81,"healthy":{}}}`, "10.0.0.1", "", "10.0.0.1:81", "h.test", "h.test"},
		{"name", `{"active":{"host":"h.test","healthy":{}}}`, "n.test", "", "10.0.0.9:80", "n.test", "h.test"},
		{"rewrite", `{"active":{"host":"h.test","healthy":{}}}`, "n.test", "r.test", "10.0.0.9:80", "r.test", "h.test"},
		{"IPv6", `{"active":{"healthy":{}}}`, "[::1]", "", "[::1]:80", "[::1]", "[::1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lookup := func(_ context.Context, host string) (netip.Addr, error) {
				if host != "n.test" {
					return netip.Addr{}, errors.New("unknown name")
				}
				return netip.MustParseAddr("10.0.0.9"), nil
			}
			bubble(t, func(t *testing.T, s *Scheduler, w *network) {
				var head atomic.Value
				w.set(tt.dialled, func(c net.Conn) { head.Store(readHead(c)); _, _ = c.Write([]byte("HTTP/1.1 500 E\r\n\r\n")) })
				spec := specOf(t, 1, tt.raw, tt.node)
				if tt.node == "[::1]" {
					spec.Nodes[0].IP = netip.MustParseAddr("::1")
				}
				spec.Host = tt.rewrite
				c := s.NewChecker("routes/1")
				c.Bind(spec)
				after(1500 * time.Millisecond)
				if want := "GET / HTTP/1.1\r\nHost: " + tt.field + "\r\nConnection: close\r\n\r\n"; head.Load() != want {
					t.Errorf("got %q, want %q", head.Load(), want)
				}
				host, port, _ := net.SplitHostPort(tt.dialled)
				n := c.Report().Nodes[0]
				if n.Hostname != tt.hostname || net.JoinHostPort(serverName(n.IP), fmt.Sprint(n.Port)) != net.JoinHostPort(host, port) {
					t.Errorf("got %+v, want %s at %s", n, tt.hostname, tt.dialled)
				}
				if n.HTTPFailure != 1 {
					t.Errorf("got %+v, want one failure", n)
				}
			}, func(o *Options) { o.Lookup = lookup })
		})
	}
}

// TestSharedTarget has one port asked for two nodes.
func TestSharedTarget(t *testing.T) {
	bubble(t, func(t *testing.T, s *Scheduler, _ *network) {
		spec := specOf(t, 1, `{"active":{"port":9,"healthy":{},"unhealthy":{}}}`, "10.0.0.1", "10.0.0.1")
		spec.Nodes[1].Port = 81
		c := s.NewChecker("services/1")
		v := c.Bind(spec)
		after(2500 * time.Millisecond)
		if got, want := statusesOf(c), "unhealthy 0/0/2/0"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if v.Serves(spec.Nodes[0]) || v.Serves(spec.Nodes[1]) {
			t.Error("got a node that serves, want both to share what was found")
		}
	})
}

// TestSettle is called as long as there are checkers.
func TestSettle(t *testing.T) {
	var calls atomic.Int64
	bubble(t, func(t *testing.T, s *Scheduler, _ *network) {
		after(time.Minute)
		if calls.Load() != 0 {
			t.Error("it was called without checkers")
		}
		c := s.NewChecker("upstreams/1")
		c.Bind(specOf(t, 1, `{"active":{}}`, "10.0.0.1"))
		after(10 * time.Second)
		if got := calls.Load(); got < 9 || got > 11 {
			t.Errorf("got %d calls, want about 10", got)
		}
	}, func(o *Options) { o.Settle = func() { calls.Add(1) } })
}

// TestManyNodes checks 10,000 nodes of 1,000 upstreams: their checks are spread over the interval, and at rest there is one goroutine.
func TestManyNodes(t *testing.T) {
	bubble(t, func(t *testing.T, s *Scheduler, w *network) {
		checkers := make([]*Checker, 1000)
		for i := range checkers {
			var hosts []string
			for k := range 10 {
				hosts = append(hosts, fmt.Sprintf("10.%d.%d.%d", i/250, i%250, k))
			}
			checkers[i] = s.NewChecker(fmt.Sprint("upstreams/", i))
			checkers[i].Bind(specOf(t, 1, second, hosts...))
		}
		after(2500 * time.Millisecond)
		for _, c := range checkers {
			for _, n := range c.Report().Nodes {
				if n.Status.Serves() {
					t.Fatalf("%s is %v, want it unhealthy", n.IP, n.Status)
				}
			}
			c.Stop()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.queue) != 0 || len(s.live) != 0 {
			t.Errorf("got %d nodes and %d checkers after the end, want none", len(s.queue), len(s.live))
		}
	})
}

// TestCloseEndsChecks closes a scheduler while checks hang and others wait.
func TestCloseEndsChecks(t *testing.T) {
	bubble(t, func(t *testing.T, s *Scheduler, w *network) {
		w.set("10.0.0.1:80", hang)
		w.set("10.0.0.2:80", hang)
		c := s.NewChecker("upstreams/1")
		c.Bind(specOf(t, 1, `{"active":{"timeout":3600,"concurrency":1,"healthy":{"interval":1}}}`, "10.0.0.1", "10.0.0.2"))
		after(2 * time.Second)
		began := time.Now()
		s.Close()
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %v to close, want no time", took)
		}
		if got := statusesOf(c); got != "healthy 0/0/0/0, healthy 0/0/0/0" {
			t.Errorf("got %s, want no failures: nobody failed", got)
		}
		c.Bind(specOf(t, 2, `{"active":{"healthy":{"interval":1}}}`, "10.0.0.3"))
		after(5 * time.Second)
		if w.count("10.0.0.3:80") != 0 {
			t.Error("a node was checked after the end")
		}
	})
}

// TestOldVersionsAreNotChecked lets a request that began with a version before the one that is checked, or before the end of all checks,
// find a node of its own to be down.
func TestOldVersionsAreNotChecked(t *testing.T) {
	const quick = `{"active":{"healthy":{"interval":1},"unhealthy":{"interval":1}},"passive":{"unhealthy":{"tcp_failures":1}}}`
	tests := []struct {
		name string
		end  func(t *testing.T, c *Checker)
	}{
		{"a later version", func(t *testing.T, c *Checker) { c.Bind(specOf(t, 2, quick, "10.0.0.2")) }},
		{"checks that ended", func(_ *testing.T, c *Checker) { c.Stop() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, s *Scheduler, w *network) {
				c := s.NewChecker("upstreams/1")
				tt.end(t, c)
				old := specOf(t, 1, quick, "10.0.0.1")
				c.Bind(old).Failed(old.Nodes[0], false)
				after(5 * time.Second)
				if got := w.count("10.0.0.1:80"); got != 0 {
					t.Errorf("got %d checks of a node that the configuration has no more, want none", got)
				}
				c.Stop()
			})
		})
	}
}
