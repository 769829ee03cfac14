package h1

import (
	"crypto/tls"
	"net"
	"time"

	"github.com/polygate/polygate/core/transport"
)

var _ transport.Stream = (*conn)(nil)

// Request returns the request's head.
func (c *conn) Request() *transport.Request { return &c.req }

// Peer tells who sent the request.
func (c *conn) Peer() *transport.Peer { return &c.peer }

// Body returns the request's body.
func (c *conn) Body() transport.Body { return &c.body }

// Waiting notes whom to tell when the client goes away. With nil it also ends the reading of the body by another goroutine.
func (c *conn) Waiting(gone func()) {
	c.guard.waiting(gone)
	if gone == nil {
		c.stop()
		return
	}
	c.resume()
}

// Bytes returns the bytes of the request and of its response so far.
func (c *conn) Bytes() (received, sent int64) {
	return c.in.total - int64(c.in.w-c.in.r) - c.receivedFrom, c.out.total - c.sentFrom
}

// Interim sends an informational response to clients that know them. Only one of them is a 100.
func (c *conn) Interim(status int, fields *transport.Fields) error {
	if c.req.Minor == 0 {
		return nil
	}
	if status == 100 {
		return c.sendContinue()
	}
	c.interimMu.Lock()
	defer c.interimMu.Unlock()
	return c.out.interim(status, fields)
}

// Respond takes the head of the response.
func (c *conn) Respond(r *transport.Response, bodyless bool) {
	c.interimMu.Lock()
	defer c.interimMu.Unlock()
	c.answered = true
	// Without a "100 Continue" the client may or may not send its body now: the next request could not be told from it.
	c.closing = c.closing || !c.continued || c.server.stopping.Load()
	c.out.keepAlive = c.req.Minor == 0 && !c.closing
	c.out.respond(r, bodyless || c.isHead, c.closing)
	c.closing = c.closing || c.out.untilClose
}

// Write sends a piece of the response's body. An empty one sends what was kept, unless more is set.
func (c *conn) Write(p []byte, more bool) error { return c.out.write(p, more) }

// Finish ends the response.
func (c *conn) Finish(trailers *transport.Fields) error {
	if !c.req.Trailers {
		trailers = nil
	}
	err := c.out.finish(trailers)
	c.aborted = c.aborted || err != nil
	c.stop()
	return err
}

// Abort ends the connection; it is reset where its end would pass for the end of the body.
func (c *conn) Abort() {
	c.aborted = true
	if c.out.untilClose {
		reset(c.nc)
	}
	c.guard.cut()
}

// reset makes the peer see an error instead of the end of the connection when it is closed.
func reset(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
		// Closing the TLS connection would announce a regular end.
		defer func() { _ = nc.Close() }()
	}
	if t, ok := nc.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

// Hijack hands the connection over. The server does not know it any more.
func (c *conn) Hijack() (ahead []byte, nc net.Conn, err error) {
	if c.hijacked {
		return nil, nil, errHijacked
	}
	if err := c.out.flush(); err != nil {
		return nil, nil, err
	}
	c.stop()
	c.guard.remove()
	_ = c.nc.SetDeadline(time.Time{})
	if c.guard.dead.Load() {
		c.guard.interrupt()
	}
	c.hijacked = true
	c.server.forget(c)
	return c.in.buf[c.in.r:c.in.w], c.nc, nil
}
