package core_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// client is a connection to a gateway on which a test writes what it wants.
type client struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatalf("send: %v", err)
	}
}

// answer is a response that was read whole.
type answer struct {
	status  int
	proto   string
	header  http.Header
	body    string
	err     error // of reading the body
	trailer http.Header
	length  int64 // as announced, -1: not at all
	closes  bool
}

// read reads the response to a request with that method.
func (c *client) read(method string) answer {
	c.t.Helper()
	r, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("read the response: %v", err)
	}
	body, err := io.ReadAll(r.Body)
	return answer{
		status: r.StatusCode, proto: r.Proto, header: r.Header, body: string(body), err: err, trailer: r.Trailer, length: r.ContentLength,
		closes: r.Close,
	}
}

// line reads a line without its end.
func (c *client) line() string {
	c.t.Helper()
	s, err := c.r.ReadString('\n')
	if err != nil {
		c.t.Fatalf("read a line: %v, after %q", err, s)
	}
	return strings.TrimRight(s, "\r\n")
}

// head reads a status line and the fields behind it.
func (c *client) head() (string, textproto.MIMEHeader) {
	c.t.Helper()
	status := c.line()
	h, err := textproto.NewReader(c.r).ReadMIMEHeader()
	if err != nil {
		c.t.Fatalf("read the header: %v", err)
	}
	return status, h
}

// closed tells whether the gateway ends the connection without sending any more.
func (c *client) closed() bool {
	n, err := c.r.Read(make([]byte, 1))
	return n == 0 && err != nil && !isTimeout(err)
}

func isTimeout(err error) bool {
	t, ok := err.(net.Error)
	return ok && t.Timeout()
}

// get sends a GET with header lines on a connection of its own.
func (g *gateway) get(path string, lines ...string) answer {
	g.t.Helper()
	return g.do("GET", path, "", lines...)
}

// do sends a request on a connection of its own. A body has its length announced.
func (g *gateway) do(method, path, body string, lines ...string) answer {
	g.t.Helper()
	c := dial(g.t, g.addr)
	defer c.Close()
	c.send(request(method, path, body, append(lines, "Connection: close")...))
	return c.read(method)
}

func request(method, path, body string, lines ...string) string {
	var b strings.Builder
	b.WriteString(method + " " + path + " HTTP/1.1\r\nHost: gw.test\r\n")
	for _, l := range lines {
		b.WriteString(l + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return b.String()
}

// raw is an upstream of which a test writes each byte. It counts its connections.
type raw struct {
	net.Listener
	mu    sync.Mutex
	conns int                   // so far; guarded by mu
	alive map[net.Conn]struct{} // guarded by mu
}

// serveRaw starts one; talk is called for each connection with its number from 1, and the connection ends with it.
func serveRaw(t testing.TB, talk func(c *client, n int)) *raw {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &raw{Listener: l, alive: map[net.Conn]struct{}{}}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			u.mu.Lock()
			u.conns++
			u.alive[nc] = struct{}{}
			n := u.conns
			u.mu.Unlock()
			wg.Go(func() {
				defer u.ended(nc)
				_ = nc.SetDeadline(time.Now().Add(patience))
				talk(&client{Conn: nc, t: t, r: bufio.NewReader(nc)}, n)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		u.mu.Lock()
		for nc := range u.alive {
			_ = nc.Close()
		}
		u.mu.Unlock()
		wg.Wait()
	})
	return u
}

func (u *raw) addr() string { return u.Addr().String() }

func (u *raw) ended(nc net.Conn) {
	_ = nc.Close()
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.alive, nc)
}

// open returns how many connections are not closed yet.
func (u *raw) open() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.alive)
}

func (u *raw) accepted() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.conns
}

// request reads a request's head and body. It returns nil at the end of the connection.
func (c *client) request() (*http.Request, string) {
	r, err := http.ReadRequest(c.r)
	if err != nil {
		return nil, ""
	}
	body, _ := io.ReadAll(r.Body)
	return r, string(body)
}

// requestHead reads a request's head only, as lines. It returns nil at the end of the connection.
func (c *client) requestHead() []string {
	var lines []string
	for {
		s, err := c.r.ReadString('\n')
		if err != nil {
			return nil
		}
		if s = strings.TrimRight(s, "\r\n"); s == "" {
			return lines
		}
		lines = append(lines, s)
	}
}

// reply sends without caring whether anybody listens.
func (c *client) reply(text string) { _, _ = io.WriteString(c, text) }

// reset ends the connection with a RST.
func (c *client) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// refusing is an address that nobody listens on.
func refusing(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
