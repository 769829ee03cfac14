package h1

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// conn is one connection of a client. It serves one request after the other and is each request's transport.Stream. It belongs to the
// goroutine that serves it; another one may read the body of the request meanwhile.
type conn struct {
	server *Server
	nc     net.Conn
	guard  *guard
	in     input
	out    output
	req    transport.Request
	body   body
	peer   transport.Peer

	state        atomic.Int32 // resting, …
	closing      bool         // no request after this one
	aborted      bool         // the response was not completed
	isHead       bool         // as the client sent it: a plugin may change the method
	hijacked     bool
	receivedFrom int64 // in.total, less what was ahead, at the start of the request
	sentFrom     int64

	reading  atomic.Bool // a piece of the body is being read
	stopped  atomic.Bool // whoever reads the body is to end
	woken    bool        // the deadline for reading was used to tell him
	bodyWait int64       // nanoseconds spent waiting for the client's body

	interimMu sync.Mutex // orders interim responses, which also the reader of the body sends, and the final one
	continued bool       // "100 Continue" was sent, or is not called for; guarded by interimMu
	answered  bool       // the final response has begun; guarded by interimMu
}

// The states of a connection.
const (
	busy    int32 = iota
	resting       // between two requests
	hurried       // between two requests, and the server stops
)

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc, guard: s.watch.guard(nc)}
	c.in.nc, c.in.buf = nc, make([]byte, startBuffer)
	c.out.nc, c.out.guard = nc, c.guard
	c.out.timeout, c.out.spare = s.limits.SendTimeout, &s.spare
	c.body.from, c.body.limit = (*bodyReader)(c), s.limits.BodyLimit
	c.peer.Remote, c.peer.Local = addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr())
	if c.peer.Remote.IsValid() {
		c.peer.RemoteIP = c.peer.Remote.Addr().String()
		c.peer.LocalPort = strconv.Itoa(int(c.peer.Local.Port()))
	}
	return c
}

// serve runs until the connection ends.
func (c *conn) serve() {
	defer c.end()
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

// end is the end of the connection, unless it was handed over. A panic of the handler ends no other one.
func (c *conn) end() {
	if r := recover(); r != nil {
		c.server.log.Error("panic while serving a request", "panic", r, "stack", string(debug.Stack()))
		c.Abort()
	}
	if c.hijacked {
		return
	}
	c.guard.remove()
	_ = c.nc.Close()
	c.server.forget(c)
}

func (c *conn) handshake() bool {
	t, ok := c.nc.(*tls.Conn)
	if !ok {
		return true
	}
	limit := c.server.limits.HeadTimeout
	c.guard.armRead(limit)
	c.guard.armWrite(limit)
	if err := t.Handshake(); err != nil {
		c.server.log.Debug("tls handshake", "peer", c.peer.RemoteIP, "error", err)
		return false
	}
	c.guard.armWrite(0)
	state := t.ConnectionState()
	c.peer.TLS = &state
	return true
}

// next reads the head of the next request. It answers one that is not well-formed and returns false when the connection is over.
func (c *conn) next(first bool) bool {
	limits := &c.server.limits
	wait := limits.HeadTimeout
	if !first {
		if !c.mayGoOn() {
			return false
		}
		c.in.next()
		wait = limits.IdleTimeout
	}
	c.receivedFrom, c.sentFrom = c.in.total-int64(c.in.w), c.out.total
	c.guard.armRead(wait)
	if c.in.w == 0 {
		c.rest()
	}
	head, err := c.in.readHead(limits.Head, c.begin)
	if err != nil {
		c.failHead(err)
		return false
	}
	if refusal := parseRequest(head, &c.req, limits); refusal != nil {
		c.refuse(refusal)
		return false
	}
	c.guard.armRead(0)
	c.prepare()
	return true
}

// mayGoOn tells whether another request may follow on the connection; it ends the connection in good order where not.
func (c *conn) mayGoOn() bool {
	c.resume()
	switch {
	case c.aborted:
		return false
	case !c.drain():
		c.linger()
		return false
	case c.closing:
		if c.in.r != c.in.w {
			c.linger()
		}
		return false
	}
	return true
}

// rest marks the connection as idle.
func (c *conn) rest() {
	c.out.rest()
	c.state.Store(resting)
	if c.server.stopping.Load() {
		c.server.mu.Lock()
		c.hurry()
		c.server.mu.Unlock()
	}
}

// hurry gives an idle connection a moment for the request that may be under way on it. The server's mu is held.
func (c *conn) hurry() {
	if c.state.CompareAndSwap(resting, hurried) {
		c.guard.readUntil(time.Now().Add(grace))
	}
}

// begin is called when the first byte of a request is there.
func (c *conn) begin() {
	if !c.state.CompareAndSwap(resting, busy) && c.state.CompareAndSwap(hurried, busy) {
		// Whoever hurried the connection may not have set its deadline yet: he holds mu until he has.
		c.server.mu.Lock()
		c.server.mu.Unlock() //nolint:staticcheck,gocritic // an empty critical section: waiting for the holder is the purpose
		c.guard.readUntil(time.Time{})
	}
	c.guard.armRead(c.server.limits.HeadTimeout)
}

func (c *conn) prepare() {
	c.out.begin(c.req.Minor)
	c.closing = c.req.Close || c.server.stopping.Load()
	if c.in.r != c.in.w {
		// The client does not wait: its body is on the way.
		c.req.Continue = false
	}
	c.isHead = c.req.Method == "HEAD"
	c.body.begin(&c.in, c.req.ContentLength)
	c.bodyWait = 0
	c.interimMu.Lock()
	c.continued, c.answered = !c.req.Continue, false
	c.interimMu.Unlock()
}

// failHead answers what can be answered when no head came.
func (c *conn) failHead(err error) {
	var refusal *transport.Refusal
	switch {
	case errors.As(err, &refusal):
		c.refuse(refusal)
	case errors.Is(err, os.ErrDeadlineExceeded) && c.in.w > 0 && !c.guard.dead.Load():
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
	c.out.begin(1)
	c.out.respond(&r, false, true)
	if c.out.write(page, true) == nil && c.out.finish(nil) == nil {
		c.linger()
	}
}

func addrPort(a net.Addr) (ap netip.AddrPort) {
	if t, ok := a.(*net.TCPAddr); ok {
		ap = t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return ap
}
