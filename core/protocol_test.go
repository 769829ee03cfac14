package core_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/polygate/polygate/sdk"
)

func TestMethodsAndStatuses(t *testing.T) {
	t.Parallel()
	pass := native("pass", 1, sdk.Hooks{BodyFilter: func(sdk.Exchange, *sdk.Chunk) error { return nil }})
	g := start(t, []sdk.Plugin{pass})
	tests := []struct {
		name, method, reply string
		status              int
		length              int64
		body                string
	}{
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 200, 1000, ""},
		{"HEAD in chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 200, -1, ""},
		{"304", "GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 1000\r\n\r\n", 304, 0, ""},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, 0, ""},
		{"no body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, 0, ""},
		{"until the connection ends", "GET", "HTTP/1.1 200 OK\r\n\r\nfine", 200, -1, "fine"},
		{"an HTTP/1.0 upstream", "GET", "HTTP/1.0 200 OK\r\n\r\nfine", 200, -1, "fine"},
		{"499 of the upstream's own", "GET", "HTTP/1.1 499 Own\r\nContent-Length: 4\r\n\r\nfine", 499, 4, "fine"},
		{"5xx of the upstream's own", "GET", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfine", 503, 4, "fine"},
	}
	for _, tt := range tests {
		for _, plugins := range []string{"{}", `{"pass":{}}`} {
			t.Run(tt.name+" "+plugins, func(t *testing.T) {
				u := serveRaw(t, func(c *client, _ int) {
					for r, _ := c.request(); r != nil; r, _ = c.request() {
						c.reply(tt.reply)
						if !strings.Contains(tt.reply, "Content-Length") && tt.method != "HEAD" && tt.status == 200 {
							return
						}
					}
				})
				g.route(plugins, u.addr())
				c := dial(t, g.addr)
				for range 2 {
					c.send(request(tt.method, "/", ""))
					got := c.read(tt.method)
					if got.status != tt.status || got.body != tt.body || got.length != tt.length || got.err != nil {
						t.Errorf("got %d, length %d, %q, %v, want %d, %d, %q", got.status, got.length, got.body, got.err, tt.status, tt.length, tt.body)
					}
					if up := got.header.Get("X-APISIX-Upstream-Status"); (up != "") != (tt.status >= 500) {
						t.Errorf("got X-APISIX-Upstream-Status %q of a %d", up, tt.status)
					}
				}
			})
		}
	}
}

func TestOldClients(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	g.route("", answering(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n").addr())
	t.Run("the end of the connection is the end of the body", func(t *testing.T) {
		c := dial(t, g.addr)
		c.send("GET / HTTP/1.0\r\n\r\n")
		if got := c.read("GET"); got.body != "fine" || got.length != -1 || got.err != nil || got.header.Get("Transfer-Encoding") != "" {
			t.Errorf("got %+v, want fine without chunks", got)
		}
	})
	g.route("", answering(t, okReply).addr())
	t.Run("keep-alive", func(t *testing.T) {
		c := dial(t, g.addr)
		for range 2 {
			c.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
			if got := c.read("GET"); got.body != "fine" || got.header.Get("Connection") != "keep-alive" {
				t.Errorf("got %+v, want fine and keep-alive", got)
			}
		}
	})
}

func TestPipelining(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	g.route("", serve(t, func(w http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		_, _ = io.Copy(&b, r.Body)
		fmt.Fprintf(w, "%s=%s", r.URL.Path, b.String())
	}))
	c := dial(t, g.addr)
	var all strings.Builder
	for i := range 20 {
		if i%2 == 0 {
			all.WriteString(request("GET", fmt.Sprintf("/%d", i), ""))
			continue
		}
		all.WriteString(request("POST", fmt.Sprintf("/%d", i), "body"))
	}
	c.send(all.String())
	for i := range 20 {
		want := fmt.Sprintf("/%d=%s", i, map[bool]string{true: "", false: "body"}[i%2 == 0])
		if got := c.read("GET"); got.body != want {
			t.Fatalf("got %q, want %q", got.body, want)
		}
	}
}

func TestKeepAliveUpstream(t *testing.T) {
	t.Parallel()
	u := answering(t, okReply)
	g := start(t, nil)
	g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamWith(`"keepalive_pool":{"size":1,"idle_timeout":60,"requests":3},`, u.addr()))
	for range 7 {
		g.get("/")
	}
	if n := u.accepted(); n != 3 {
		t.Errorf("got %d connections for 7 requests, want 3 of at most 3 requests", n)
	}
}

func TestRefusedRequests(t *testing.T) {
	t.Parallel()
	var j journal
	g := start(t, []sdk.Plugin{scribe("a", 1, &j)})
	g.put("global_rules/1", `{"id":"1","plugins":{"a":{}}}`)
	tests := []struct {
		name, send, logged string
		status             int
	}{
		{"no Host", "GET / HTTP/1.1\r\n\r\n", " 400 ", 400},
		{"smuggling", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", " 400 ", 400},
		{"no HTTP", "hello\r\n\r\n", " 400 ", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.access.reset()
			c := dial(t, g.addr)
			c.send(tt.send)
			got := c.read("GET")
			if got.status != tt.status || !strings.Contains(got.body, "error_msg") {
				t.Errorf("got %d %q, want %d", got.status, got.body, tt.status)
			}
			if !c.closed() {
				t.Error("the connection stays open")
			}
			if n := strings.Count(g.access.String(), "\n"); n != 1 || !g.access.has(tt.logged) {
				t.Errorf("got the access log %q, want one line with %s", g.access, tt.logged)
			}
			if j.String() != "" {
				t.Errorf("plugins saw it: %q", j.String())
			}
		})
	}
}
