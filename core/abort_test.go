package core_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/sdk"
)

// TestClientAbort is not parallel to others, so that they do not take the time that it measures.
func TestClientAbort(t *testing.T) {
	const soon = 150 * time.Millisecond
	arrived, cut := make(chan struct{}, 1), make(chan struct{}, 1)
	u := serveRaw(t, func(c *client, _ int) {
		c.requestHead()
		arrived <- struct{}{}
		c.requestHead()
		cut <- struct{}{}
	})
	waits := native("waits", 1, sdk.Hooks{Access: func(x sdk.Exchange) error {
		ctx := x.Context()
		arrived <- struct{}{}
		<-ctx.Done()
		cut <- struct{}{}
		return nil
	}})
	g := start(t, []sdk.Plugin{waits})
	for _, tt := range []struct{ name, plugins string }{{"waiting for an upstream", ""}, {"waiting for a plugin", `{"waits":{}}`}} {
		t.Run(tt.name, func(t *testing.T) {
			g.route(tt.plugins, u.addr())
			g.access.reset()
			took := soonest(5, soon, func() {
				c := dial(t, g.addr)
				c.send(request("GET", "/", ""))
				<-arrived
				_ = c.Close()
				<-cut
			})
			if took > soon {
				t.Errorf("it took %v until the call ended, want at most %v", took, soon)
			}
			eventually(t, "the access log says 499", func() bool { return g.access.has("GET / 499") })
		})
	}
	t.Run("waiting for a connection", func(t *testing.T) {
		// A listener whose backlog is full accepts nothing.
		g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamOf(fullBacklog(t)))
		g.access.reset()
		c := dial(t, g.addr)
		c.send(request("GET", "/", ""))
		_ = c.Close()
		gone := time.Now()
		eventually(t, "the access log says 499", func() bool { return g.access.has("GET / 499") })
		if took := time.Since(gone); took > time.Second {
			t.Errorf("it took %v until the request ended", took)
		}
	})
}

// fullBacklog is an address that takes no connections and refuses none.
func fullBacklog(t testing.TB) string {
	t.Helper()
	l := listenBacklog(t)
	for range 8 {
		d := net.Dialer{Timeout: 50 * time.Millisecond}
		nc, err := d.Dial("tcp", l)
		if err != nil {
			return l
		}
		t.Cleanup(func() { _ = nc.Close() })
	}
	t.Skip("the system takes any number of connections")
	return ""
}

func TestUpstreamCutsTheBody(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, reply string }{
		{"of known length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
		{"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"},
		{"in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"},
	}
	pass := native("pass", 1, sdk.Hooks{BodyFilter: func(sdk.Exchange, *sdk.Chunk) error { return nil }})
	g := start(t, []sdk.Plugin{pass})
	for _, tt := range tests {
		for _, plugins := range []string{"{}", `{"pass":{}}`} {
			t.Run(tt.name+" "+plugins, func(t *testing.T) {
				u := serveRaw(t, func(c *client, _ int) {
					if r, _ := c.request(); r != nil {
						c.reply(tt.reply)
					}
				})
				g.route(plugins, u.addr(), u.addr())
				g.logs.reset()
				got := g.get("/")
				if got.status != 200 || got.body != "half" || got.err == nil {
					t.Errorf("got %d %q and error %v, want half and an error", got.status, got.body, got.err)
				}
				eventually(t, "the log says so", func() bool { return g.logs.has("read the response of " + u.addr()) })
				if n := u.accepted(); n != 1 {
					t.Errorf("got %d tries, want 1", n)
				}
			})
		}
	}
	t.Run("of an HTTP/1.0 client, which sees a reset", func(t *testing.T) {
		u := serveRaw(t, func(c *client, _ int) {
			c.requestHead()
			c.reply(tests[1].reply)
		})
		g.route("", u.addr())
		c := dial(t, g.addr)
		c.send("GET / HTTP/1.0\r\n\r\n")
		if got := c.read("GET"); got.err == nil {
			t.Errorf("got %q without an error", got.body)
		}
	})
}

func TestClientStopsReading(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	ended := make(chan struct{})
	u := serveRaw(t, func(c *client, _ int) {
		defer close(ended)
		c.requestHead()
		c.reply("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
		piece := make([]byte, 64<<10)
		for {
			if _, err := c.Write(piece); err != nil {
				return
			}
		}
	})
	g.route("", u.addr())
	c := dial(t, g.addr)
	c.send(request("GET", "/", ""))
	if status, _ := c.head(); status != "HTTP/1.1 200 OK" {
		t.Fatalf("got %q", status)
	}
	c.reset()
	await(t, "the upstream's connection to end", ended)
	eventually(t, "the request is logged", func() bool { return g.access.has("GET / 200") })
	if n := strings.Count(g.access.String(), "\n"); n != 1 {
		t.Errorf("got %d lines in the access log, want 1", n)
	}
	if g.logs.has("level=ERROR") || g.logs.has("level=WARN") {
		t.Errorf("a client that goes away is an error in the log")
	}
}
