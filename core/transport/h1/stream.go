package h1

import (
	"errors"
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

// Waiting notes whom to tell when the client goes away.
func (c *conn) Waiting(gone func()) { c.guard.waiting(gone) }

// Bytes returns the bytes of the request and of its response so far.
func (c *conn) Bytes() (received, sent int64) {
	return c.in.total - int64(c.in.w-c.in.r) - c.receivedFrom, c.out.total - c.sentFrom
}

// Interim sends an informational response to clients that know them. After a 100 of the upstream no other is sent.
func (c *conn) Interim(status int, fields *transport.Fields) error {
	if c.req.Minor == 0 {
		return nil
	}
	if status == 100 {
		if c.continued {
			return nil
		}
		c.continued = true
	}
	return c.out.interim(status, fields)
}

// Respond takes the head of the response.
func (c *conn) Respond(r *transport.Response, bodyless bool) {
	if !c.continued {
		// The client may or may not send its body now: the next request could not be told from it.
		c.closing = true
	}
	c.out.keepAlive = c.req.Minor == 0 && !c.closing
	c.out.respond(r, bodyless || c.isHead, c.closing)
	c.closing = c.closing || c.out.untilClose
}

// Write sends a piece of the response's body.
func (c *conn) Write(p []byte, more bool) error { return c.out.write(p, more) }

// Finish ends the response.
func (c *conn) Finish(trailers *transport.Fields) error {
	if !c.req.Trailers {
		trailers = nil
	}
	err := c.out.finish(trailers)
	if err != nil {
		c.closing = true
		c.body.err = err
	}
	c.guard.arm(0)
	return err
}

// Abort ends the connection; it is reset where its end would pass for the end of the body.
func (c *conn) Abort() {
	c.closing = true
	c.body.done, c.in.r = true, c.in.w
	if t, ok := c.nc.(*net.TCPConn); ok && c.out.untilClose {
		_ = t.SetLinger(0)
	}
	c.guard.cut()
}

var errTLSHijack = errors.New("the stream has no connection of its own")

// Hijack hands the connection over.
func (c *conn) Hijack() (ahead []byte, nc net.Conn, err error) {
	if c.hijacked {
		return nil, nil, errTLSHijack
	}
	if err := c.out.flush(); err != nil {
		return nil, nil, err
	}
	c.guard.arm(0)
	c.hijacked = true
	_ = c.nc.SetDeadline(time.Time{})
	return c.in.buf[c.in.r:c.in.w], c.nc, nil
}
