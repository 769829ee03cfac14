package h1

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/polygate/polygate/core/transport"
)

// call is one connection to an upstream and its current exchange. One goroutine sends and one receives.
type call struct {
	pool  *Pool
	nc    net.Conn
	guard *guard
	in    input
	out   output
	body  body

	timeouts  transport.Timeouts
	method    string
	requests  int
	interims  int         // informational responses of this exchange
	idleSince int64       // the watch's time
	sending   atomic.Bool // the request is under way
	sent      bool        // the request has been sent whole
	answered  bool        // the head of the final response has come
	last      bool        // the upstream closes the connection after this response
}

// Bounds of a response.
const (
	maxResponseHead   = 256 << 10
	maxResponseFields = 1000
	maxInterims       = 64
)

func newCall(p *Pool, nc net.Conn) *call {
	c := &call{pool: p, nc: nc, guard: p.watch.guard(nc)}
	c.in.nc, c.in.buf = nc, make([]byte, startBuffer)
	c.out.nc, c.out.guard = nc, c.guard
	c.body.from = (*responseReader)(c)
	return c
}

func (c *call) close() {
	c.guard.remove()
	_ = c.nc.Close()
}

// alive tells whether the upstream has neither closed the idle connection nor written to it.
func (c *call) alive() bool { return c.guard.fd < 0 || !readable(c.guard.fd) }

// Send writes the head of a request and the first piece of its body.
func (c *call) Send(o *transport.Outbound, piece []byte, more bool) error {
	c.timeouts, c.method = o.Timeouts, o.Request.Method
	c.sent, c.answered, c.last, c.interims = false, false, false, 0
	c.requests++
	c.sending.Store(true)
	c.out.timeout = o.Timeouts.Send
	c.out.begin(1)
	c.out.request(o)
	if err := c.out.write(piece, !more); err != nil {
		c.stopSending()
		return err
	}
	if more {
		return nil
	}
	return c.End(nil)
}

// Write writes a further piece of the body.
func (c *call) Write(p []byte) error {
	err := c.out.write(p, false)
	if err != nil {
		c.stopSending()
	}
	return err
}

// End ends the body.
func (c *call) End(trailers *transport.Fields) error {
	err := c.out.finish(trailers)
	c.sent = err == nil
	c.stopSending()
	return err
}

// stopSending starts the time that the upstream has for its response: while the request is under way it need not answer.
func (c *call) stopSending() {
	c.sending.Store(false)
	c.guard.releaseRead(c.timeouts.Read)
}

// Receive reads the next head of a response.
func (c *call) Receive(r *transport.Response) error {
	if c.guard.holdRead(); !c.sending.Load() {
		c.guard.releaseRead(c.timeouts.Read)
	}
	c.in.next()
	head, err := c.in.readHead(maxResponseHead, nil)
	c.guard.armRead(0)
	if err != nil {
		if err == io.EOF && c.in.w > 0 {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if refusal := parseResponse(head, r); refusal != nil {
		return fmt.Errorf("malformed response: %w", refusal)
	}
	if r.Status < 200 && r.Status != 101 {
		if c.interims++; c.interims > maxInterims {
			return fmt.Errorf("malformed response: %w", refuse(502, "too many informational responses"))
		}
		return nil
	}
	c.answered, c.last = true, r.Close
	c.body.begin(&c.in, bodyLength(c.method, r))
	return nil
}

// bodyLength returns the length of the body that follows on the connection, whatever the head says (RFC 9112 section 6.3).
func bodyLength(method string, r *transport.Response) int64 {
	if method == "HEAD" || r.Status == 204 || r.Status == 304 || r.Status == 101 {
		return 0
	}
	return r.ContentLength
}

// responseReader reads what belongs to a response's body from its connection, within the time limit.
type responseReader call

// Read implements io.Reader.
func (r *responseReader) Read(p []byte) (int, error) {
	r.guard.armRead(r.timeouts.Read)
	n, err := r.nc.Read(p)
	r.guard.armRead(0)
	return n, err
}

// Body returns the body of the response.
func (c *call) Body() transport.Body { return &c.body }

// Done ends the call and keeps the connection where nothing speaks against it.
func (c *call) Done(reuse bool) {
	spent := c.pool.target.Requests > 0 && c.requests >= c.pool.target.Requests
	clean := c.sent && c.answered && c.body.done && c.body.err == nil && c.in.r == c.in.w && c.body.kind != transport.UntilClose
	if !reuse || !clean || c.last || spent || c.guard.expired() || !c.pool.put(c) {
		c.close()
	}
}

// Cut makes whatever waits for the upstream fail now.
func (c *call) Cut() { c.guard.cut() }

// TimedOut tells whether a time limit ended the call, or Cut.
func (c *call) TimedOut() bool { return c.guard.expired() }

// Hijack hands the connection over after an upgrade.
func (c *call) Hijack() (ahead []byte, nc net.Conn) {
	c.guard.remove()
	return c.in.buf[c.in.r:c.in.w], c.nc
}
