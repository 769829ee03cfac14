package core_test

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/sdk"
)

func TestRequestBodies(t *testing.T) {
	t.Parallel()
	bodyOf := func(limit int64) func(sdk.Exchange) error {
		return func(x sdk.Exchange) error {
			b, err := x.Request().Body().Bytes(limit)
			if err != nil {
				return err
			}
			again, err := x.Request().Body().Bytes(limit)
			if err != nil || string(again) != string(b) {
				return x.Exit(555, "the second reading differs")
			}
			return nil
		}
	}
	g := start(t, []sdk.Plugin{
		native("reads", 20, sdk.Hooks{Access: bodyOf(1 << 20)}),
		native("reads-all", 20, sdk.Hooks{Access: bodyOf(1<<63 - 1)}),
		native("reads-little", 20, sdk.Hooks{Access: bodyOf(3)}),
		native("tolerates", 20, sdk.Hooks{Access: func(x sdk.Exchange) error {
			if _, err := x.Request().Body().Bytes(3); !errors.Is(err, sdk.ErrBodyTooLarge) {
				return x.Exit(555, "no ErrBodyTooLarge")
			}
			return nil
		}}),
		native("answers", 20, sdk.Hooks{Access: func(x sdk.Exchange) error {
			_, err := x.Request().Body().Bytes(3)
			if errors.Is(err, sdk.ErrBodyTooLarge) {
				return x.Exit(400, "too much")
			}
			return err
		}}),
		native("sets", 10, sdk.Hooks{Access: func(x sdk.Exchange) error {
			x.Request().Body().Set([]byte("another"))
			if n := x.Request().Header().Get("Content-Length"); n != "7" {
				return x.Exit(555, "Content-Length "+n)
			}
			return nil
		}}),
	})
	up := serve(t, echo)
	large := strings.Repeat("0123456789abcdef", 10<<10)
	tests := []struct {
		name, plugins, body string
		status              int
		want                string
	}{
		{"nobody reads", `{}`, large, 200, large},
		{"empty", `{"reads":{}}`, "", 200, ""},
		{"read and sent on", `{"reads":{}}`, large, 200, large},
		{"read without a limit", `{"reads-all":{}}`, large, 200, large},
		{"replaced without being read", `{"sets":{}}`, large, 200, "another"},
		{"replaced after it was read", `{"reads":{},"sets":{}}`, large, 200, "another"},
		{"added", `{"sets":{}}`, "", 200, "another"},
		{"at the limit", `{"reads-little":{}}`, "123", 200, "123"},
		{"too large", `{"reads-little":{}}`, "1234", 413, `{"error_msg":"413 Request Entity Too Large: the body is too large"}` + "\n"},
		{"too large for a plugin that answers", `{"answers":{}}`, "1234", 400, "too much"},
	}
	for _, tt := range tests {
		g.route(tt.plugins, up)
		for _, framing := range []string{"length", "chunked"} {
			t.Run(tt.name+", "+framing, func(t *testing.T) {
				c := dial(t, g.addr)
				if framing == "length" {
					c.send(request("POST", "/", tt.body))
				} else {
					c.send(request("POST", "/", "", "Transfer-Encoding: chunked") + chunked(tt.body, 1000) + "0\r\n\r\n")
				}
				got := c.read("POST")
				if got.status != 200 || tt.status != 200 {
					if got.status != tt.status || got.body != tt.want {
						t.Errorf("got %d %q, want %d %q", got.status, got.body, tt.status, tt.want)
					}
					return
				}
				if e := decodeEcho(t, got); e.Body != tt.want {
					t.Errorf("got a body of %d bytes, want %d", len(e.Body), len(tt.want))
				}
				if tt.want == "another" {
					return // what nobody has read of a large body ends the connection
				}
				c.send(request("POST", "/", "12", "Connection: close"))
				if got := c.read("POST"); got.status != 200 {
					t.Errorf("got %d for the next request on the connection, want 200", got.status)
				}
			})
		}
	}
	t.Run("a plugin that goes on after a body that was announced too large", func(t *testing.T) {
		g.route(`{"tolerates":{}}`, up)
		if e := decodeEcho(t, g.do("POST", "/", "1234")); e.Body != "1234" {
			t.Errorf("got %q, want the whole body", e.Body)
		}
	})
	t.Run("a plugin that goes on after it has taken a part of the body", func(t *testing.T) {
		c := dial(t, g.addr)
		c.send(request("POST", "/", "", "Transfer-Encoding: chunked") + "4\r\n1234\r\n0\r\n\r\n")
		if got := c.read("POST"); got.status != 413 {
			t.Errorf("got %d %q, want 413", got.status, got.body)
		}
	})
}

func chunked(body string, size int) string {
	var b strings.Builder
	for len(body) > 0 {
		n := min(size, len(body))
		b.WriteString(strconv.FormatInt(int64(n), 16) + "\r\n" + body[:n] + "\r\n")
		body = body[n:]
	}
	return b.String()
}

func TestChunksAndTrailers(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c *client, _ int) {
		for r, body := c.request(); r != nil; r, body = c.request() {
			c.reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Down\r\n\r\n" + chunked(body+"/"+r.Trailer.Get("X-Up"), 3) +
				"0\r\nX-Down: 2\r\nContent-Length: 9\r\n\r\n")
		}
	})
	g := start(t, nil)
	g.route("", u.addr())
	for _, tt := range []struct {
		name, te, down string
	}{{"a client that takes trailers", "TE: trailers", "2"}, {"one that does not", "X-Any: 1", ""}} {
		t.Run(tt.name, func(t *testing.T) {
			c, before := dial(t, g.addr), u.accepted()
			for range 2 {
				c.send(request("POST", "/", "", "Transfer-Encoding: chunked", "Trailer: X-Up", tt.te) + "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Up: 1\r\n\r\n")
				got := c.read("POST")
				if got.status != 200 || got.body != "abcde/1" || got.trailer.Get("X-Down") != tt.down || got.trailer.Get("Content-Length") != "" {
					t.Errorf("got %d %q %v, want abcde/1 with the trailer %q", got.status, got.body, got.trailer, tt.down)
				}
			}
			// The connection of another client's request may not be free again yet when this one's begins.
			if n := u.accepted() - before; n > 1 {
				t.Errorf("got %d new connections to the upstream for two requests, want at most 1", n)
			}
		})
	}
}

func TestContinue(t *testing.T) {
	t.Parallel()
	const head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
	g := start(t, []sdk.Plugin{
		native("reads", 1, sdk.Hooks{Access: func(x sdk.Exchange) error { _, err := x.Request().Body().Bytes(10); return err }}),
		native("refuses", 1, sdk.Hooks{Access: func(x sdk.Exchange) error { return x.Exit(403, "no") }}),
	})
	asks := serveRaw(t, func(c *client, _ int) {
		for lines := c.requestHead(); lines != nil; lines = c.requestHead() {
			if !strings.Contains(strings.Join(lines, "\n"), "Expect: 100-continue") {
				c.reply("HTTP/1.1 555 No Expectation\r\nContent-Length: 0\r\n\r\n")
				return
			}
			c.reply("HTTP/1.1 100 Continue\r\n\r\n")
			body := make([]byte, 5)
			if _, err := io.ReadFull(c.r, body); err == nil {
				c.reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + string(body))
			}
		}
	})
	refuses := serveRaw(t, func(c *client, _ int) {
		c.requestHead()
		c.reply("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno")
		if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
			t.Errorf("the upstream got %q of a body that it has refused", rest)
		}
	})
	ignores := serveRaw(t, func(c *client, _ int) {
		if r, body := c.request(); r != nil {
			c.reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n" + body)
		}
	})
	tests := []struct {
		name, plugins, node string
		interim             bool
		status              int
		body                string
	}{
		{"the upstream asks for the body", "", asks.addr(), true, 200, "hello"},
		{"the upstream refuses the body", "", refuses.addr(), false, 401, "no"},
		{"the upstream does not know expectations", "", ignores.addr(), true, 200, "hello"},
		{"a plugin reads the body", `{"reads":{}}`, ignores.addr(), true, 200, "hello"},
		{"a plugin refuses", `{"refuses":{}}`, ignores.addr(), false, 403, "no"},
		{"no upstream", "", refusing(t), false, 502, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.route(tt.plugins, tt.node)
			c := dial(t, g.addr)
			c.send(head)
			if tt.interim {
				if status, _ := c.head(); status != "HTTP/1.1 100 Continue" {
					t.Fatalf("got %q, want 100", status)
				}
				c.send("hello")
			}
			got := c.read("POST")
			if got.status != tt.status || tt.body != "" && got.body != tt.body {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, tt.status, tt.body)
			}
			if got.closes != !tt.interim && tt.node != ignores.addr() {
				t.Errorf("got Connection: close: %t, want %t", got.closes, !tt.interim)
			}
		})
	}
	t.Run("another node is tried before the client was asked", func(t *testing.T) {
		g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamOf(resetting(t).addr(), asks.addr()))
		c := dial(t, g.addr)
		c.send(strings.Replace(head, "POST", "PUT", 1))
		if status, _ := c.head(); status != "HTTP/1.1 100 Continue" {
			t.Fatalf("got %q, want 100", status)
		}
		c.send("hello")
		if got := c.read("PUT"); got.status != 200 || got.body != "hello" {
			t.Errorf("got %d %q, want hello", got.status, got.body)
		}
	})
}

func TestEarlyHints(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	g.route("", answering(t, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"+okReply).addr())
	c := dial(t, g.addr)
	c.send(request("GET", "/", ""))
	status, h := c.head()
	if status != "HTTP/1.1 103 Early Hints" || h.Get("Link") != "</a>" {
		t.Errorf("got %q %v, want the upstream's hints", status, h)
	}
	if got := c.read("GET"); got.body != "fine" {
		t.Errorf("got %q, want fine", got.body)
	}
	c.send("GET / HTTP/1.0\r\n\r\n")
	if got := c.read("GET"); got.status != 200 {
		t.Errorf("got %d for HTTP/1.0, want 200 and no hints", got.status)
	}
}

// TestEarlyResponse is an upstream that answers without reading the body to its end.
func TestEarlyResponse(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c *client, _ int) {
		c.requestHead()
		c.reply("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nstop")
		_, _ = io.Copy(io.Discard, c.r)
	})
	g := start(t, nil)
	g.route("", u.addr())
	for _, more := range []bool{true, false} {
		t.Run(map[bool]string{true: "the client goes on", false: "the client stops"}[more], func(t *testing.T) {
			g.access.reset()
			c := dial(t, g.addr)
			c.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 100000))
			began := time.Now()
			if got := c.read("POST"); got.status != 413 || got.body != "stop" {
				t.Errorf("got %d %q, want stop", got.status, got.body)
			}
			if more {
				_, _ = io.WriteString(c, strings.Repeat("x", 900000))
			}
			eventually(t, "the request is over", func() bool { return g.access.has("POST / 413") })
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %v until the request was over", took)
			}
		})
	}
}

// TestFailureDuringUpload is an upstream that fails while the client is slow to send.
func TestFailureDuringUpload(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	failed := make(chan struct{}, 1)
	first := serveRaw(t, func(c *client, _ int) {
		c.requestHead()
		c.reset()
		failed <- struct{}{}
	})
	g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamOf(first.addr(), serve(t, echo)))
	t.Run("before the body began, the next node gets it", func(t *testing.T) {
		c := dial(t, g.addr)
		c.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
		<-failed
		<-time.After(50 * time.Millisecond)
		c.send("hello")
		if got := decodeEcho(t, c.read("PUT")); got.Body != "hello" {
			t.Errorf("got %q, want hello", got.Body)
		}
	})
	t.Run("within the body, the client is told at once", func(t *testing.T) {
		c := dial(t, g.addr)
		c.send("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 50000))
		if got := c.read("PUT"); got.status != 502 {
			t.Errorf("got %d, want 502", got.status)
		}
	})
}

func TestClientFailsDuringUpload(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	u := serveRaw(t, func(c *client, _ int) {
		c.requestHead()
		_, err := io.Copy(io.Discard, c.r)
		ended <- err
	})
	tests := []struct {
		name   string
		rest   string
		close  bool
		status int
		logged string
	}{
		{"a chunk that is none", "zz\r\n", false, 400, "POST / 400"},
		{"the client goes away", "", true, 0, "POST / 499"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := start(t, nil)
			g.route("", u.addr())
			c := dial(t, g.addr)
			c.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" + tt.rest)
			if tt.close {
				_ = c.Close()
			} else if got := c.read("POST"); got.status != tt.status {
				t.Errorf("got %d, want %d", got.status, tt.status)
			}
			select {
			case <-ended:
			case <-time.After(patience):
				t.Error("the upstream's connection was not ended")
			}
			eventually(t, "the access log says so", func() bool { return g.access.has(tt.logged) })
		})
	}
}
