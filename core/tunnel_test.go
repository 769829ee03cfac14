package core_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n"

func TestTunnel(t *testing.T) {
	t.Parallel()
	u := serveRaw(t, func(c *client, _ int) {
		head := strings.ToLower(strings.Join(c.requestHead(), "\n"))
		if !strings.Contains(head, "upgrade: websocket") || !strings.Contains(head, "connection: upgrade") {
			c.reply("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
			return
		}
		c.reply("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nahead")
		buf := make([]byte, 100)
		for {
			n, err := c.r.Read(buf)
			if err != nil {
				c.reply("bye")
				return
			}
			c.reply("<" + string(buf[:n]) + ">")
		}
	})
	g := start(t, nil)
	open := func(t *testing.T) *client {
		t.Helper()
		c := dial(t, g.addr)
		c.send(upgrade + "early")
		status, h := c.head()
		if status != "HTTP/1.1 101 Switching Protocols" || h.Get("Upgrade") != "websocket" || !strings.EqualFold(h.Get("Connection"), "upgrade") {
			t.Fatalf("got %q %v, want the upgrade", status, h)
		}
		if got := take(t, c, len("ahead<early>")); got != "ahead<early>" {
			t.Fatalf("got %q, want what was sent ahead", got)
		}
		return c
	}
	g.put("routes/1", `{"uri":"/*","enable_websocket":true,"upstream":#}`, upstreamOf(u.addr()))
	t.Run("both ways, and half closed", func(t *testing.T) {
		g.access.reset()
		c := open(t)
		for range 3 {
			c.send("ping")
			if got := take(t, c, 6); got != "<ping>" {
				t.Errorf("got %q, want <ping>", got)
			}
		}
		if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if rest, err := io.ReadAll(c.r); string(rest) != "bye" || err != nil {
			t.Errorf("got %q, %v, want bye and the end", rest, err)
		}
		eventually(t, "it is logged", func() bool { return g.access.has("GET /ws 101 sent=33") })
		if g.logs.has("request failed") {
			t.Error("the end of a tunnel is an error in the log")
		}
	})
	t.Run("the client breaks it", func(t *testing.T) {
		g.access.reset()
		c := open(t)
		c.reset()
		eventually(t, "it is logged", func() bool { return g.access.has("GET /ws 101") })
		eventually(t, "the upstream's connection is closed", func() bool { return u.open() == 0 })
	})
	t.Run("it survives a change of its route", func(t *testing.T) {
		c := open(t)
		g.put("routes/1", `{"uri":"/*","enable_websocket":true,"desc":"new","upstream":#}`, upstreamOf(u.addr()))
		c.send("ping")
		if got := take(t, c, 6); got != "<ping>" {
			t.Errorf("got %q, want <ping>", got)
		}
	})
	t.Run("a route without enable_websocket", func(t *testing.T) {
		g.put("routes/1", `{"uri":"/*","upstream":#}`, upstreamOf(u.addr()))
		c := dial(t, g.addr)
		c.send(upgrade)
		if got := c.read("GET"); got.status != 426 || got.body != "no" {
			t.Errorf("got %d %q, want a request without an upgrade", got.status, got.body)
		}
	})
	t.Run("a service with enable_websocket", func(t *testing.T) {
		g.puts("services/1", `{"enable_websocket":true,"upstream":`+upstreamOf(u.addr())+`}`, "routes/1", `{"uri":"/*","service_id":"1"}`)
		open(t)
	})
	t.Run("the upstream refuses", func(t *testing.T) {
		g.put("routes/1", `{"uri":"/*","enable_websocket":true,"upstream":#}`, upstreamOf(say(t, "plain")))
		c := dial(t, g.addr)
		for range 2 {
			c.send(upgrade)
			if got := c.read("GET"); got.status != 200 || got.body != "plain" {
				t.Errorf("got %d %q, want the upstream's response", got.status, got.body)
			}
		}
	})
	t.Run("the upstream upgrades unasked", func(t *testing.T) {
		rude := answering(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
		g.route("", rude.addr())
		if got := g.get("/"); got.status != 502 {
			t.Errorf("got %d, want 502", got.status)
		}
	})
}

func take(t testing.TB, c *client, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(c.r, b); err != nil {
		t.Fatalf("got %q and then %v", b, err)
	}
	return string(b)
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	u := serveRaw(t, func(c *client, _ int) {
		c.requestHead()
		close(arrived)
		<-release
		c.reply(okReply)
		c.requestHead()
	})
	g := start(t, nil)
	g.route("", u.addr())
	idle := dial(t, g.addr)
	busy := dial(t, g.addr)
	busy.send(request("GET", "/", ""))
	await(t, "the request to arrive", arrived)
	stopped := make(chan error, 1)
	go func() { stopped <- g.stop() }()
	eventually(t, "the gateway does not listen any more", func() bool {
		nc, err := net.Dial("tcp", g.addr)
		if err == nil {
			_ = nc.Close()
		}
		return err != nil
	})
	select {
	case err := <-stopped:
		t.Fatalf("it ended, with %v, while a request was under way", err)
	default:
	}
	close(release)
	if got := busy.read("GET"); got.body != "fine" || !got.closes {
		t.Errorf("got %+v, want fine and Connection: close", got)
	}
	if !idle.closed() {
		t.Error("the idle connection stays open")
	}
	select {
	case err := <-stopped:
		if err != nil {
			t.Errorf("it ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("it does not end")
	}
}
