package h1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// conn is one connection of a client. It serves one request after the other and is each request's transport.Stream.
type conn struct {
	server *Server
	nc     net.Conn
	guard  *guard
	in     input
	out    output
	req    transport.Request
	body   body
	peer   transport.Peer

	bodyWait     int64 // nanoseconds spent waiting for the client's body
	waitFrom     int64 // the watch's time when the current wait for it began
	continued    bool  // "100 Continue" was sent, or is not called for
	closing      bool  // no request after this one
	isHead       bool  // as the client sent it: a plugin may change the method
	hijacked     bool
	idle         atomic.Bool // between two requests
	receivedFrom int64       // in.total, less what was ahead, at the start of the request
	sentFrom     int64
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc, guard: s.watch.guard(nc)}
	c.in.nc, c.in.buf = nc, make([]byte, startBuffer)
	c.out.nc, c.out.guard = nc, c.guard
	c.out.timeout = s.limits.SendTimeout
	c.body.before, c.body.after = c.beforeRead, c.afterRead
	c.peer.Remote, c.peer.Local = addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr())
	c.peer.RemoteIP = c.peer.Remote.Addr().String()
	c.peer.LocalPort = strconv.Itoa(int(c.peer.Local.Port()))
	return c
}

// serve runs until the connection ends.
func (c *conn) serve() {
	defer c.server.forget(c)
	if !c.handshake() {
		return
	}
	for first := true; c.next(first); first = false {
		c.server.handler.Serve(c)
		if c.hijacked {
			return
		}
	}
}

func (c *conn) handshake() bool {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return true
	}
	c.guard.arm(c.server.limits.HeadTimeout)
	if err := t.Handshake(); err != nil {
		c.server.log.Debug("tls handshake", "peer", c.peer.RemoteIP, "error", err)
		return false
	}
	state := t.ConnectionState()
	c.peer.TLS = &state
	return true
}

// next reads the head of the next request. It answers one that is not well-formed and returns false when the connection is over.
func (c *conn) next(first bool) bool {
	if !first {
		if c.closing || !c.drain() {
			c.linger()
			return false
		}
		c.in.next()
	}
	limits := &c.server.limits
	c.receivedFrom, c.sentFrom = c.in.total-int64(c.in.w), c.out.total
	wait := limits.IdleTimeout
	if first {
		wait = limits.HeadTimeout
	}
	c.guard.arm(wait)
	c.idle.Store(c.in.w == 0)
	if c.server.stopping.Load() && c.in.w == 0 && !first {
		return false
	}
	head, err := c.in.readHead(limits.Head, c.begin)
	if err != nil && c.lastCall() {
		head, err = c.in.readHead(limits.Head, c.begin)
	}
	if err != nil {
		c.failHead(err)
		return false
	}
	if refusal := parseRequest(head, &c.req, limits); refusal != nil {
		c.refuse(refusal)
		return false
	}
	c.guard.arm(0)
	c.prepare()
	return true
}

// lastCall gives a connection that was idle when the server stopped a moment for the request that may be under way on it.
func (c *conn) lastCall() bool {
	if !c.server.stopping.Load() || !c.idle.Load() || !c.guard.expired() {
		return false
	}
	c.guard.at.Store(0)
	return c.nc.SetDeadline(time.Now().Add(tick)) == nil
}

func (c *conn) begin() {
	c.idle.Store(false)
	if c.server.stopping.Load() {
		_ = c.nc.SetDeadline(time.Time{})
	}
	c.guard.arm(c.server.limits.HeadTimeout)
}

func (c *conn) prepare() {
	c.out.begin(c.req.Minor)
	c.closing = c.req.Close || c.server.stopping.Load()
	c.continued = !c.req.Continue
	c.isHead = c.req.Method == "HEAD"
	c.body.begin(&c.in, c.req.ContentLength)
	c.bodyWait = 0
}

// failHead answers what can be answered when no head came.
func (c *conn) failHead(err error) {
	var refusal *transport.Refusal
	switch {
	case errors.As(err, &refusal):
		c.refuse(refusal)
	case c.guard.expired() && c.in.w > 0:
		c.refuse(refuse(408, "the head did not arrive in time"))
	}
}

// refuse answers a request that is not well-formed; nothing more is read from its connection.
func (c *conn) refuse(e *transport.Refusal) {
	contentType, page := c.server.handler.Refuse(&c.peer, e)
	var r transport.Response
	r.Status, r.ContentLength = e.Status, int64(len(page))
	r.Fields.Add("Content-Type", contentType)
	c.closing = true
	_ = c.nc.SetDeadline(time.Time{})
	c.out.begin(1)
	c.out.respond(&r, false, true)
	if c.out.write(page, false) == nil && c.out.finish(nil) == nil {
		c.linger()
	}
}

// drain reads the rest of a small body that nobody wanted, so that the next request can be found behind it.
func (c *conn) drain() bool {
	const most = 64 << 10
	if c.body.done {
		return true
	}
	if !c.continued || c.body.err != nil || c.body.left > most {
		return false
	}
	var scratch [startBuffer]byte
	for total := 0; total < most; {
		n, err := c.body.Read(scratch[:])
		total += n
		if err != nil {
			return err == io.EOF
		}
	}
	return false
}

// linger lets the client read the last response before the connection is reset for what was not read of it.
func (c *conn) linger() {
	const most = 1 << 20
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || c.body.done && c.in.r == c.in.w || half.CloseWrite() != nil {
		return
	}
	c.guard.arm(2 * time.Second)
	scratch := make([]byte, startBuffer)
	for total := 0; total < most; {
		n, err := c.nc.Read(scratch)
		if err != nil {
			return
		}
		total += n
	}
}

// beforeRead runs before each read of a piece of the body.
func (c *conn) beforeRead() error {
	l := &c.server.limits
	if !c.continued {
		c.continued = true
		if err := c.out.interim(100, nil); err != nil {
			return err
		}
	}
	if l.BodyLimit > 0 && c.in.total-c.receivedFrom > l.BodyLimit+int64(c.in.base) {
		return refuse(413, "the body is too large")
	}
	c.waitFrom = c.server.watch.now.Load()
	wait := l.BodyTimeout
	if l.MinBodyRate > 0 {
		paid := float64(c.in.total-c.receivedFrom) / float64(l.MinBodyRate) * float64(time.Second)
		left := l.BodyGrace + time.Duration(paid) - time.Duration(c.bodyWait)
		wait = max(min(wait, left), time.Nanosecond)
	}
	c.guard.arm(wait)
	return nil
}

// afterRead runs after each of them. Only the time that the client took counts against it, not the upstream's.
func (c *conn) afterRead() {
	c.bodyWait += c.server.watch.now.Load() - c.waitFrom
	c.guard.arm(0)
}

func addrPort(a net.Addr) (ap netip.AddrPort) {
	if t, ok := a.(*net.TCPAddr); ok {
		ap = t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return ap
}
