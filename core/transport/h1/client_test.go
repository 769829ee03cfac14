package h1

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/polygate/polygate/core/transport"
)

// An upstream plays a script for each connection.
type upstream struct {
	addr  string
	conns chan *client
}

func newUpstream(t testing.TB) *upstream {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &upstream{addr: l.Addr().String(), conns: make(chan *client, 16)}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			u.conns <- newClient(t, nc)
		}
	}()
	return u
}

// request reads the head of a request as it came.
func (c *client) request() string {
	c.t.Helper()
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("got %v behind %q, want a request", err, head.String())
		}
		head.WriteString(line)
	}
	return head.String()
}

func newPool(t testing.TB, tg Target) *Pool {
	p := NewPool(tg, newWatch(t))
	t.Cleanup(p.Close)
	return p
}

func outbound(method, body string) *transport.Outbound {
	r := &transport.Request{Method: method, RawPath: "/a", Minor: 1}
	return &transport.Outbound{Request: r, Host: "h", ContentLength: int64(len(body))}
}

// exchange does one call and returns status and body.
func exchange(t testing.TB, c transport.Call, method, body string) (status int, page string, err error) {
	t.Helper()
	if err := c.Send(outbound(method, body), []byte(body), false); err != nil {
		return 0, "", err
	}
	var r transport.Response
	if err := c.Receive(&r); err != nil {
		return 0, "", err
	}
	b, err := io.ReadAll(c.Body())
	return r.Status, string(b), err
}

func get(t testing.TB, p *Pool, choice transport.Choice) (transport.Call, bool) {
	t.Helper()
	c, reused, err := p.Get(t.Context(), patience, choice)
	if err != nil {
		t.Fatal(err)
	}
	return c, reused
}

func TestOutboundRequest(t *testing.T) {
	tests := []struct {
		name   string
		tweak  func(o *transport.Outbound)
		pieces []string // of the body behind the head
		want   string
	}{
		{"least", func(*transport.Outbound) {}, nil, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"query", func(o *transport.Outbound) { o.Request.Query = "b=c" }, nil, "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"empty query", func(o *transport.Outbound) { o.Request.Target = "/a?" }, nil, "GET /a? HTTP/1.1\r\nHost: h\r\n\r\n"},
		{"POST without a body", func(o *transport.Outbound) { o.Request.Method = "POST" }, nil, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"},
		{"own lines", func(o *transport.Outbound) {
			o.Prefix = []byte("X-Real-IP: 1\r\n")
			o.Request.Fields.Add("A", "1")
		}, nil, "GET /a HTTP/1.1\r\nHost: h\r\nX-Real-IP: 1\r\nA: 1\r\n\r\n"},
		{"what is not forwarded", func(o *transport.Outbound) {
			for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "HTTP2-Settings",
				"Upgrade", "TE", "Proxy", "Expect", "X-Consumer-Name"} {
				o.Request.Fields.Add(name, "x")
			}
		}, nil, "GET /a HTTP/1.1\r\nHost: h\r\nX-Consumer-Name: x\r\n\r\n"},
		{"websocket", func(o *transport.Outbound) {
			o.Request.WebSocket = true
			o.Request.Fields.Add("Upgrade", "h2c, websocket")
		}, nil, "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
		{"trailers are taken", func(o *transport.Outbound) { o.Request.Trailers = true }, nil,
			"GET /a HTTP/1.1\r\nHost: h\r\nConnection: TE\r\nTE: trailers\r\n\r\n"},
		{"expectation", func(o *transport.Outbound) {
			o.ContentLength, o.Request.Continue = 3, true
			o.Request.Fields.Add("Expect", "100-continue")
		}, []string{"abc"}, "GET /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc"},
		{"length", func(o *transport.Outbound) { o.ContentLength = 5 }, []string{"he", "llo"}, "GET /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"},
		{"chunks", func(o *transport.Outbound) { o.ContentLength = transport.Chunked }, []string{"he", "llo"},
			"GET /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: u\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			c, _ := get(t, newPool(t, Target{Addr: u.addr}), transport.Any)
			o := outbound("GET", "")
			tt.tweak(o)
			if err := c.Send(o, nil, len(tt.pieces) > 0); err != nil {
				t.Fatal(err)
			}
			if len(tt.pieces) > 0 {
				sendPieces(t, c, tt.pieces)
			}
			c.Done(false)
			if diff := cmp.Diff(tt.want, (<-u.conns).expectEnd()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sendPieces(t *testing.T, c transport.Call, pieces []string) {
	t.Helper()
	for _, p := range pieces {
		if err := c.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
	}
	var f transport.Fields
	f.Add("T", "u")
	if err := c.End(&f); err != nil {
		t.Fatal(err)
	}
}

// Whether a connection is kept for another call.
func TestReuse(t *testing.T) {
	tests := []struct {
		name, method, response string
		read, reuse            bool
		want                   bool
	}{
		{"length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true, true, true},
		{"chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", true, true, true},
		{"interim responses", "GET", "HTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, true, true},
		{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, true, true},
		{"304", "GET", "HTTP/1.1 304 x\r\nContent-Length: 3\r\n\r\n", true, true, true},
		{"204", "GET", "HTTP/1.1 204 x\r\n\r\n", true, true, true},
		{"1.0 keep-alive", "GET", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n", true, true, true},
		{"not wanted", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true, false, false},
		{"body not read", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", false, true, false},
		{"more than the body", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n", true, true, false},
		{"body behind HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", true, true, false},
		{"close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", true, true, false},
		{"1.0", "GET", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", true, true, false},
		{"malformed chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", true, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			p := newPool(t, Target{Addr: u.addr, Size: 1})
			c, _ := get(t, p, transport.Any)
			if err := c.Send(outbound(tt.method, ""), nil, false); err != nil {
				t.Fatal(err)
			}
			peer := <-u.conns
			peer.request()
			peer.send(tt.response)
			var r transport.Response
			for r.Status < 200 {
				if err := c.Receive(&r); err != nil {
					t.Fatal(err)
				}
			}
			if tt.read {
				_, _ = io.ReadAll(c.Body())
			}
			c.Done(tt.reuse)
			if again, reused := get(t, p, transport.Any); reused != tt.want {
				t.Errorf("got reused %v, want %v", reused, tt.want)
			} else {
				again.Done(false)
			}
		})
	}
}

// A connection whose request was not sent whole, or not answered, is never used again.
func TestNoReuseOfHalfACall(t *testing.T) {
	tests := []struct {
		name string
		call func(c transport.Call, peer *client)
	}{
		{"nothing sent after a whole call", func(transport.Call, *client) {}},
		{"no response", func(c transport.Call, _ *client) { _ = c.Send(outbound("GET", ""), nil, false) }},
		{"early response", func(c transport.Call, peer *client) {
			o := outbound("POST", "")
			o.ContentLength = 10
			_ = c.Send(o, nil, true)
			peer.request()
			peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			_ = c.Receive(&transport.Response{})
		}},
		{"cut", func(c transport.Call, _ *client) { c.Cut() }},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			u := newUpstream(t)
			p := newPool(t, Target{Addr: u.addr, Size: 1})
			c, _ := get(t, p, transport.Any)
			peer := <-u.conns
			go func() {
				peer.request()
				peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}()
			if _, _, err := exchange(t, c, "GET", ""); err != nil {
				t.Fatal(err)
			}
			tt.call(c, peer)
			c.Done(true)
			again, reused := get(t, p, transport.Any)
			if want := i == 0; reused != want {
				t.Errorf("got reused %v, want %v", reused, want)
			}
			again.Done(false)
		})
	}
}

// An idle connection that the upstream has closed, or on which it has sent what could pass for a response, is not used.
func TestIdleConnectionThatSpeaks(t *testing.T) {
	tests := []struct {
		name  string
		speak func(peer *client)
	}{
		{"late garbage", func(peer *client) { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison") }},
		{"end", func(peer *client) { _ = peer.Close() }},
	}
	for _, tt := range tests {
		for _, choice := range []transport.Choice{transport.Any, transport.Checked} {
			t.Run(tt.name, func(t *testing.T) {
				u := newUpstream(t)
				p := newPool(t, Target{Addr: u.addr, Size: 1})
				c, _ := get(t, p, choice)
				peer := <-u.conns
				go func() {
					peer.request()
					peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}()
				if _, _, err := exchange(t, c, "GET", ""); err != nil {
					t.Fatal(err)
				}
				c.Done(true)
				tt.speak(peer)
				eventually(t, "it has arrived", func() bool { return !c.(*call).alive() })
				again, reused := get(t, p, choice)
				if reused {
					t.Error("got the connection again, want a new one")
				}
				again.Done(false)
			})
		}
	}
}

func TestPoolBounds(t *testing.T) {
	u := newUpstream(t)
	w := newWatch(t)
	calls := func(p *Pool, n int) (list []transport.Call) {
		for range n {
			c, _ := get(t, p, transport.Any)
			peer := <-u.conns
			go func() {
				for {
					if _, err := http.ReadRequest(peer.r); err != nil {
						return
					}
					_, _ = io.WriteString(peer.Conn, "HTTP/1.1 204 x\r\n\r\n")
				}
			}()
			if _, _, err := exchange(t, c, "GET", ""); err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
		}
		return list
	}
	t.Run("size", func(t *testing.T) {
		p := NewPool(Target{Addr: u.addr, Size: 2}, w)
		for _, c := range calls(p, 3) {
			c.Done(true)
		}
		if got := p.Reap(); got != 2 {
			t.Errorf("got %d idle connections, want 2", got)
		}
		p.Close()
		if got := p.Reap(); got != 0 {
			t.Errorf("got %d idle connections after Close, want none", got)
		}
		c := calls(p, 1)[0]
		c.Done(true)
		if got := p.Reap(); got != 0 {
			t.Errorf("got %d connections kept after Close, want none", got)
		}
	})
	t.Run("requests", func(t *testing.T) {
		p := NewPool(Target{Addr: u.addr, Size: 2, Requests: 2}, w)
		calls(p, 1)[0].Done(true)
		c, reused := get(t, p, transport.Any)
		if _, _, err := exchange(t, c, "GET", ""); err != nil || !reused {
			t.Fatalf("got reused %v and error %v, want the same connection", reused, err)
		}
		c.Done(true)
		if got := p.Reap(); got != 0 {
			t.Errorf("got %d idle connections after the last request, want none", got)
		}
	})
	t.Run("idle time", func(t *testing.T) {
		p := NewPool(Target{Addr: u.addr, Size: 4, IdleTimeout: short}, w)
		for _, c := range calls(p, 2) {
			c.Done(true)
		}
		if got := p.Reap(); got != 2 {
			t.Errorf("got %d idle connections, want 2", got)
		}
		eventually(t, "the pool is empty", func() bool { return p.Reap() == 0 })
		calls(p, 1)[0].Done(true)
		began := w.now.Load()
		eventually(t, "the idle time is over", func() bool { return w.now.Load() > began+int64(2*short) })
		if c := p.take(); c != nil {
			t.Error("got a connection that was idle for too long")
		}
	})
}

func TestCallErrors(t *testing.T) {
	tests := []struct {
		name  string
		serve func(peer *client)
		check func(err error) bool
	}{
		{"closed at once", func(peer *client) { peer.request(); _ = peer.Close() }, func(err error) bool { return err == io.EOF }},
		{"reset", func(peer *client) { peer.request(); _ = peer.Conn.(*net.TCPConn).SetLinger(0); _ = peer.Close() },
			func(err error) bool { return errors.Is(err, syscall.ECONNRESET) }},
		{"half a head", func(peer *client) { peer.request(); peer.send("HTTP/1.1 200"); _ = peer.Close() },
			func(err error) bool { return err == io.ErrUnexpectedEOF }},
		{"half a body", func(peer *client) {
			peer.request()
			peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
			_ = peer.Close()
		}, func(err error) bool { return err == io.ErrUnexpectedEOF }},
		{"no head in time", func(peer *client) { peer.request() }, func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }},
		{"no body in time", func(peer *client) { peer.request(); peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc") },
			func(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }},
		{"not HTTP", func(peer *client) { peer.request(); peer.send("220 smtp ready\r\n\r\n") }, isRefusal},
		{"line feeds", func(peer *client) { peer.request(); peer.send("HTTP/1.1 200 OK\n\n") }, isRefusal},
		{"endless interim responses", func(peer *client) {
			peer.request()
			_, _ = io.WriteString(peer.Conn, strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000))
		}, isRefusal},
		{"endless head", func(peer *client) {
			peer.request()
			_, _ = io.WriteString(peer.Conn, "HTTP/1.1 200 OK\r\nA: "+strings.Repeat("b", maxResponseHead))
		}, isRefusal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := newUpstream(t)
			c, _ := get(t, newPool(t, Target{Addr: u.addr, Size: 1}), transport.Any)
			done := make(chan struct{})
			go func() { tt.serve(<-u.conns); close(done) }()
			o := outbound("GET", "")
			o.Timeouts.Read = 2 * short
			began := time.Now()
			err := c.Send(o, nil, false)
			var r transport.Response
			for err == nil && r.Status < 200 {
				err = c.Receive(&r)
			}
			if err == nil {
				_, err = io.ReadAll(c.Body())
			}
			if !tt.check(err) {
				t.Errorf("got %v, want another error", err)
			}
			if took := time.Since(began); errors.Is(err, os.ErrDeadlineExceeded) && (took < 2*short || took > 2*short+time.Second || !c.(*call).TimedOut()) {
				t.Errorf("got the error after %v, want it after %v", took, 2*short)
			}
			c.Done(true)
			<-done
		})
	}
}

func isRefusal(err error) bool {
	var refusal *transport.Refusal
	return errors.As(err, &refusal)
}

// The upstream's time for its response begins when the request has been sent.
func TestLongUpload(t *testing.T) {
	u := newUpstream(t)
	c, _ := get(t, newPool(t, Target{Addr: u.addr}), transport.Any)
	o := outbound("POST", "12345678")
	o.Timeouts.Read = short
	if err := c.Send(o, nil, true); err != nil {
		t.Fatal(err)
	}
	received := make(chan error)
	go func() { received <- c.Receive(&transport.Response{}) }()
	pause := time.NewTicker(short / 2)
	defer pause.Stop()
	for i := range 8 {
		<-pause.C
		if err := c.Write([]byte{'1' + byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.End(nil); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	if err := <-received; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	if took := time.Since(ended); took < short/2 {
		t.Errorf("got the end %v after the request, want it after %v", took, short)
	}
	c.Done(false)
}

func TestCutFromElsewhere(t *testing.T) {
	u := newUpstream(t)
	c, _ := get(t, newPool(t, Target{Addr: u.addr}), transport.Any)
	received := make(chan error)
	go func() {
		_, _, err := exchange(t, c, "GET", "")
		received <- err
	}()
	(<-u.conns).request()
	c.Cut()
	if err := <-received; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v, want %v", err, os.ErrDeadlineExceeded)
	}
	c.Done(true)
}

func TestCallOverTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(append([]byte(r.Host+" "), b...))
	}))
	t.Cleanup(s.Close)
	p := newPool(t, Target{Addr: s.Listener.Addr().String(), Size: 1, TLS: &tls.Config{InsecureSkipVerify: true}})
	for i := range 3 {
		c, reused := get(t, p, transport.Checked)
		if reused != (i > 0) {
			t.Errorf("got reused %v in round %d", reused, i)
		}
		status, body, err := exchange(t, c, "POST", "abc")
		if status != 200 || body != "h abc" || err != nil {
			t.Errorf("got %d %q %v, want 200 %q", status, body, err, "h abc")
		}
		c.Done(true)
	}
	plain := newUpstream(t)
	p = newPool(t, Target{Addr: plain.addr, TLS: &tls.Config{InsecureSkipVerify: true}})
	go func() { _ = (<-plain.conns).Close() }()
	if _, _, err := p.Get(t.Context(), patience, transport.Any); err == nil || !strings.Contains(err.Error(), "tls handshake") {
		t.Errorf("got %v, want a failed handshake", err)
	}
}

func TestCallHijack(t *testing.T) {
	u := newUpstream(t)
	c, _ := get(t, newPool(t, Target{Addr: u.addr}), transport.Any)
	peer := make(chan *client, 1)
	go func() {
		p := <-u.conns
		p.request()
		p.send("HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nahead")
		peer <- p
	}()
	o := outbound("GET", "")
	o.Request.WebSocket = true
	var r transport.Response
	if err := c.Send(o, nil, false); err != nil {
		t.Fatal(err)
	}
	if err := c.Receive(&r); err != nil || r.Status != 101 || r.Fields.Get("upgrade") != "websocket" {
		t.Fatalf("got %d and %v, want 101", r.Status, err)
	}
	ahead, nc := c.Hijack()
	defer nc.Close()
	if string(ahead) != "ahead" {
		t.Errorf("got %q, want %q", ahead, "ahead")
	}
	(<-peer).send(" and behind")
	if b, _ := bufio.NewReader(nc).Peek(11); string(b) != " and behind" {
		t.Errorf("got %q, want %q", b, " and behind")
	}
}

// Many goroutines share a pool while others reap it.
func TestPoolHammer(t *testing.T) {
	r := start(t, echo, nil)
	p := newPool(t, Target{Addr: r.addr, Size: 4, IdleTimeout: time.Millisecond, Requests: 50})
	stop := make(chan struct{})
	var reaper, wg sync.WaitGroup
	reaper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				p.Reap()
			}
		}
	})
	for range 8 {
		wg.Go(func() {
			for range 200 {
				c, _, err := p.Get(t.Context(), patience, transport.Checked)
				if err != nil {
					t.Error(err)
					return
				}
				if status, body, err := exchange(t, c, "POST", "abc"); status != 200 || body != "POST /a abc" {
					t.Errorf("got %d %q %v", status, body, err)
				}
				c.Done(true)
			}
		})
	}
	wg.Wait()
	close(stop)
	reaper.Wait()
}
