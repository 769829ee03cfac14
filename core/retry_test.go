package core_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/sdk"
)

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine"

// answering is a raw upstream that answers every request.
func answering(t testing.TB, reply string) *raw {
	return serveRaw(t, func(c *client, _ int) {
		for r, _ := c.request(); r != nil; r, _ = c.request() {
			c.reply(reply)
		}
	})
}

// resetting is one that resets the connection once it has read a request's head, silent one that never answers.
func resetting(t testing.TB) *raw {
	return serveRaw(t, func(c *client, _ int) {
		if c.requestHead() != nil {
			c.reset()
		}
	})
}

// resettingLate resets the connection within the request's body.
func resettingLate(t testing.TB) *raw {
	return serveRaw(t, func(c *client, _ int) {
		if c.requestHead() != nil {
			take(t, c, 50<<10)
			c.reset()
		}
	})
}

func silent(t testing.TB) *raw {
	return serveRaw(t, func(c *client, _ int) {
		for r, _ := c.request(); r != nil; r, _ = c.request() {
		}
	})
}

const quick = `"timeout":{"connect":0.3,"send":0.3,"read":0.3},`

func TestRetries(t *testing.T) {
	t.Parallel()
	var j journal
	read := native("read", 20, sdk.Hooks{Access: func(x sdk.Exchange) error { _, err := x.Request().Body().Bytes(1 << 20); return err }})
	g := start(t, []sdk.Plugin{scribe("a", 10, &j), read})
	tests := []struct {
		name       string
		first      func(testing.TB) string
		properties string
		plugins    string
		method     string
		body       string
		status     int
		statuses   string // of the upstream
	}{
		{name: "connection refused", first: refusing, method: "GET", status: 200, statuses: "502, 200"},
		{name: "connection refused to a POST", first: refusing, method: "POST", body: "x", status: 200, statuses: "502, 200"},
		{name: "reset before the response", first: addrOf(resetting), method: "GET", status: 200, statuses: "502, 200"},
		{name: "reset of a PUT whose body is in memory", first: addrOf(resetting), method: "PUT", body: "x", status: 200, statuses: "502, 200"},
		{name: "reset of a POST", first: addrOf(resetting), method: "POST", body: "x", status: 502, statuses: "502"},
		{name: "reset within a large PUT", first: addrOf(resettingLate), method: "PUT", body: strings.Repeat("x", 100<<10), status: 502, statuses: "502"},
		{
			name: "reset within a large PUT that a plugin has read", first: addrOf(resettingLate), method: "PUT", body: strings.Repeat("x", 100<<10),
			plugins: `{"a":{},"read":{}}`, status: 200, statuses: "502, 200",
		},
		{name: "timeout", first: addrOf(silent), properties: quick, method: "GET", status: 200, statuses: "504, 200"},
		{name: "timeout of a POST", first: addrOf(silent), properties: quick, method: "POST", body: "x", status: 504, statuses: "504"},
		{name: "no retries", first: refusing, properties: `"retries":0,`, method: "GET", status: 502, statuses: "502"},
		{
			name: "retry_timeout", first: addrOf(silent), properties: quick + `"retry_timeout":0.1,`, method: "GET", status: 504, statuses: "504",
		},
		{
			name: "malformed response", method: "GET", status: 200, statuses: "502, 200",
			first: func(t testing.TB) string { return answering(t, "HTTP/1.1 twohundred\r\n\r\n").addr() },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			second := answering(t, okReply)
			if tt.plugins == "" {
				tt.plugins = `{"a":{}}`
			}
			g.put("routes/1", `{"uri":"/*","plugins":#,"upstream":#}`, tt.plugins, upstreamWith(tt.properties, tt.first(t), second.addr()))
			g.access.reset()
			j.reset()
			got := g.do(tt.method, "/", tt.body)
			if got.status != tt.status {
				t.Errorf("got %d %q, want %d", got.status, got.body, tt.status)
			}
			eventually(t, "the access log has the request", func() bool { return g.access.has(tt.method) })
			if !g.access.has("up=" + tt.statuses + " addr") {
				t.Errorf("got %q, want upstream_status %s", g.access, tt.statuses)
			}
			tries := strings.Count(tt.statuses, ",") + 1
			if n := strings.Count(j.String(), "before_proxy"); n != tries {
				t.Errorf("got before_proxy %d times, want %d", n, tries)
			}
		})
	}
}

func addrOf(make func(testing.TB) *raw) func(testing.TB) string {
	return func(t testing.TB) string { return make(t).addr() }
}

func TestNoNodeLeft(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	tests := []struct {
		name, upstream string
		status         int
		says           string
	}{
		{"all refuse", upstreamOf(refusing(t), refusing(t)), 502, "the upstream node refuses connections"},
		{"there is none", `{"type":"roundrobin","nodes":{}}`, 503, "no valid upstream node"},
		{"all have weight 0", `{"type":"roundrobin","nodes":{"127.0.0.1:1":0,"127.0.0.1:2":0}}`, 503, "no valid upstream node"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.put("routes/1", `{"uri":"/*","upstream":#}`, tt.upstream)
			got := g.get("/")
			if got.status != tt.status || !strings.Contains(got.body, tt.says) {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, tt.status, tt.says)
			}
			want := ""
			if tt.status == 502 {
				want = "502, 502"
			}
			if got := got.header.Get("X-APISIX-Upstream-Status"); got != want {
				t.Errorf("got X-APISIX-Upstream-Status %q, want %q", got, want)
			}
		})
	}
}

func TestStaleConnection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, method, body string
	}{{"GET", "GET", ""}, {"POST", "POST", "x"}, {"large PUT", "PUT", strings.Repeat("x", 100<<10)}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// Each connection answers one request, says nothing of an end, and ends.
			u := serveRaw(t, func(c *client, _ int) {
				if r, _ := c.request(); r != nil {
					c.reply(okReply)
				}
			})
			g := start(t, nil)
			g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamWith(`"retries":0,`, u.addr()))
			for i := range 5 {
				eventually(t, "the upstream has closed the last connection", func() bool { return u.open() == 0 })
				if got := g.do(tt.method, "/", tt.body); got.status != 200 || got.body != "fine" {
					t.Fatalf("request %d: got %d %q, want fine", i, got.status, got.body)
				}
			}
		})
	}
}

// TestUpstreamTimeouts is not parallel to others, so that they do not take the time that it measures.
func TestUpstreamTimeouts(t *testing.T) {
	const slack = 75 * time.Millisecond
	stalled := serveRaw(t, func(c *client, _ int) {
		c.request()
		c.reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
		c.requestHead()
	})
	tests := []struct {
		name   string
		node   string
		status int
		cut    bool
	}{
		{"before the response", silent(t).addr(), 504, false},
		{"within the body", stalled.addr(), 200, true},
	}
	g := start(t, nil)
	for _, tt := range tests {
		for _, where := range []string{"upstream", "route"} {
			t.Run(tt.name+", set by the "+where, func(t *testing.T) {
				if where == "upstream" {
					g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamWith(quick, tt.node))
				} else {
					g.put("routes/1", `{"uri":"/*",#"upstream":#}`, quick, upstreamOf(tt.node))
				}
				var got answer
				took := soonest(5, 300*time.Millisecond+slack, func() { got = g.get("/") })
				if got.status != tt.status || (got.err != nil) != tt.cut {
					t.Errorf("got %d and error %v, want %d and an error: %t", got.status, got.err, tt.status, tt.cut)
				}
				if took < 300*time.Millisecond-slack || took > 300*time.Millisecond+slack {
					t.Errorf("it took %v, want 300ms ± %v", took, slack)
				}
			})
		}
	}
}

// soonest returns how long f takes. A machine that is busy gets several tries to do it within the time.
func soonest(tries int, within time.Duration, f func()) (took time.Duration) {
	for range tries {
		began := time.Now()
		f()
		if took = time.Since(began); took <= within {
			break
		}
	}
	return took
}

// TestPatienceWithUploads checks whose time the limits count: neither a slow client nor the wait for the response is the other's.
func TestPatienceWithUploads(t *testing.T) {
	t.Parallel()
	const pause = 600 * time.Millisecond
	t.Run("the client may be slower than the upstream's limits", func(t *testing.T) {
		t.Parallel()
		g := start(t, nil)
		g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamWith(quick, serve(t, echo)))
		c := dial(t, g.addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
		<-time.After(pause)
		c.send("def")
		if got := decodeEcho(t, c.read("POST")); got.Body != "abcdef" {
			t.Errorf("got %q, want abcdef", got.Body)
		}
	})
	t.Run("the time for sending is not that for the response", func(t *testing.T) {
		t.Parallel()
		g := start(t, nil)
		up := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(&strings.Builder{}, r.Body)
			<-time.After(pause)
			fmt.Fprint(w, "fine")
		})
		g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamWith(`"timeout":{"connect":1,"send":0.3,"read":3},`, up))
		c := dial(t, g.addr)
		c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
		if got := c.read("POST"); got.status != 200 || got.body != "fine" {
			t.Errorf("got %d %q, want fine", got.status, got.body)
		}
	})
}
