package h1

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// A Pool keeps the idle connections to one address. It is safe for concurrent use.
type Pool struct {
	target Target
	watch  *Watch

	mu     sync.Mutex
	idle   []*call // the one used last at the end; guarded by mu
	closed bool    // guarded by mu
}

// Target is an address of an upstream and how connections to it are made and kept.
type Target struct {
	Addr        string      // host:port
	TLS         *tls.Config // nil for plain TCP
	Size        int         // idle connections kept
	IdleTimeout time.Duration
	Requests    int // per connection, 0: no limit
}

var _ transport.Pool = (*Pool)(nil)

// NewPool returns a pool without connections.
func NewPool(t Target, w *Watch) *Pool { return &Pool{target: t, watch: w} }

// Get returns an idle connection, or a new one.
func (p *Pool) Get(ctx context.Context, connect time.Duration, choice transport.Choice) (c transport.Call, reused bool, err error) {
	for choice != transport.Fresh {
		c := p.take()
		if c == nil {
			break
		}
		if choice == transport.Any || c.alive() {
			return c, true, nil
		}
		c.close()
	}
	dialer := net.Dialer{Timeout: connect, KeepAlive: 30 * time.Second}
	nc, err := dialer.DialContext(ctx, "tcp", p.target.Addr)
	if err != nil {
		return nil, false, err
	}
	if p.target.TLS != nil {
		if nc, err = p.handshake(ctx, nc, connect); err != nil {
			return nil, false, err
		}
	}
	return newCall(p, nc), false, nil
}

func (p *Pool) handshake(ctx context.Context, nc net.Conn, limit time.Duration) (net.Conn, error) {
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	t := tls.Client(nc, p.target.TLS)
	if err := t.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	return t, nil
}

func (p *Pool) take() *call {
	now := p.watch.now.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		c := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		if !c.guard.expired() && (p.target.IdleTimeout == 0 || now-c.idleSince < int64(p.target.IdleTimeout)) {
			return c
		}
		c.close()
	}
	return nil
}

func (p *Pool) put(c *call) bool {
	c.idleSince = p.watch.now.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.target.Size {
		return false
	}
	p.idle = append(p.idle, c)
	return true
}

// Reap closes the connections that have been idle for too long and returns how many stay.
func (p *Pool) Reap() int {
	now := p.watch.now.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.target.IdleTimeout == 0 {
		return len(p.idle)
	}
	n := 0
	for n < len(p.idle) && now-p.idle[n].idleSince >= int64(p.target.IdleTimeout) {
		p.idle[n].close()
		n++
	}
	kept := copy(p.idle, p.idle[n:])
	clear(p.idle[kept:])
	p.idle = p.idle[:kept]
	return kept
}

// Close closes the idle connections; those in use are closed when their calls are done.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
}

// call is one connection to an upstream and its current exchange.
type call struct {
	pool  *Pool
	nc    net.Conn
	guard *guard
	in    input
	out   output
	body  body
	addr  netip.AddrPort

	timeouts  transport.Timeouts
	method    string
	requests  int
	idleSince int64 // the watch's time
	sent      bool  // the request has been sent whole
	broken    bool
	last      bool // the upstream closes the connection after this response
}

func newCall(p *Pool, nc net.Conn) *call {
	c := &call{pool: p, nc: nc, guard: p.watch.guard(nc), addr: addrPort(nc.RemoteAddr())}
	c.in.nc, c.in.buf = nc, make([]byte, startBuffer)
	c.out.nc, c.out.guard = nc, c.guard
	c.body.before, c.body.after = c.beforeRead, c.afterRead
	return c
}

func (c *call) close() {
	c.guard.remove()
	_ = c.nc.Close()
}

// alive tells whether the upstream has neither closed the idle connection nor written to it.
func (c *call) alive() bool { return c.guard.fd < 0 || !readable(c.guard.fd) }

// Addr is the node's address.
func (c *call) Addr() netip.AddrPort { return c.addr }

// Send writes the head of a request and the first piece of its body.
func (c *call) Send(o *transport.Outbound, piece []byte, more bool) error {
	c.timeouts, c.method, c.sent, c.last = o.Timeouts, o.Request.Method, false, false
	c.requests++
	c.out.timeout = o.Timeouts.Send
	c.out.begin(1)
	c.out.request(o)
	c.sent = !more
	if len(piece) == 0 {
		if c.sent {
			return c.out.finish(nil)
		}
		return c.out.flush()
	}
	if err := c.out.write(piece, c.sent); err != nil || !c.sent {
		return err
	}
	return c.out.finish(nil)
}

// Write writes a further piece of the body.
func (c *call) Write(p []byte) error { return c.out.write(p, false) }

// End ends the body.
func (c *call) End(trailers *transport.Fields) error {
	err := c.out.finish(trailers)
	c.sent = err == nil
	return err
}

// Receive reads the next head of a response.
func (c *call) Receive(r *transport.Response) error {
	c.guard.arm(c.timeouts.Read)
	c.in.next()
	head, err := c.in.readHead(maxResponseHead, func() {})
	if err != nil {
		c.broken = true
		if err == io.EOF && c.in.w > 0 {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	c.guard.arm(0)
	if refusal := parseResponse(head, c.method, r); refusal != nil {
		c.broken = true
		return fmt.Errorf("malformed response: %w", refusal)
	}
	if r.Status >= 200 || r.Status == 101 {
		c.last = r.Close
		kind := r.ContentLength
		if c.method == "HEAD" || r.Status == 204 || r.Status == 304 || r.Status == 101 {
			kind = 0
		}
		c.body.begin(&c.in, kind)
	}
	return nil
}

// maxResponseHead bounds the head of a response in bytes.
const maxResponseHead = 256 << 10

func (c *call) beforeRead() error {
	c.guard.arm(c.timeouts.Read)
	return nil
}

func (c *call) afterRead() { c.guard.arm(0) }

// Body returns the body of the response.
func (c *call) Body() transport.Body { return &c.body }

// Done ends the call and keeps the connection where nothing speaks against it.
func (c *call) Done(reuse bool) {
	c.guard.arm(0)
	spent := c.pool.target.Requests > 0 && c.requests >= c.pool.target.Requests
	clean := c.sent && c.body.done && c.body.err == nil && c.in.r == c.in.w && c.body.kind != transport.UntilClose
	if !reuse || !clean || c.broken || c.last || spent || c.guard.expired() || !c.pool.put(c) {
		c.close()
	}
}

// Cut makes whatever waits for the upstream fail now.
func (c *call) Cut() { c.guard.cut() }

// TimedOut tells whether a time limit ended the call.
func (c *call) TimedOut() bool { return c.guard.expired() }

// Hijack hands the connection over after an upgrade.
func (c *call) Hijack() (ahead []byte, nc net.Conn) {
	c.guard.arm(0)
	c.guard.remove()
	return c.in.buf[c.in.r:c.in.w], c.nc
}

// request puts the head of a request together.
func (o *output) request(out *transport.Outbound) {
	r := out.Request
	b := append(o.buf, r.Method...)
	b = append(b, ' ')
	b = append(b, r.RawPath...)
	if r.Query != "" || strings.HasSuffix(r.Target, "?") {
		b = append(b, '?')
		b = append(b, r.Query...)
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, out.Host...)
	b = append(b, "\r\n"...)
	b = append(b, out.Prefix...)
	for i := range r.Fields.List {
		f := &r.Fields.List[i]
		if f.ID == transport.FieldOther || forwarded(f, r) {
			b = appendField(b, f.Name, f.Value)
		}
	}
	for i := range out.Added {
		b = appendField(b, out.Added[i].Name, out.Added[i].Value)
	}
	b = o.requestFraming(b, out)
	o.buf = append(b, "\r\n"...)
}

// forwarded tells whether a marked field goes to the upstream.
func forwarded(f *transport.Field, r *transport.Request) bool {
	switch f.ID {
	case transport.FieldExpect:
		return r.Continue
	case transport.FieldTrailer, transport.FieldServer, transport.FieldDate, transport.FieldIdentity, transport.FieldForwarded:
		return true
	default:
		return false
	}
}

func (o *output) requestFraming(b []byte, out *transport.Outbound) []byte {
	switch {
	case out.ContentLength == transport.Chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		o.chunked = true
	case out.ContentLength > 0 || bodyExpected(out.Request.Method):
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, out.ContentLength, 10)
		b = append(b, "\r\n"...)
		o.left = out.ContentLength
	}
	if out.Request.WebSocket {
		return append(b, "Connection: Upgrade\r\nUpgrade: websocket\r\n"...)
	}
	if out.Request.Trailers {
		b = append(b, "Connection: TE\r\nTE: trailers\r\n"...)
	}
	return b
}

// Methods that give a body a meaning say that there is none (RFC 9110 section 8.6).
func bodyExpected(method string) bool {
	return method == "POST" || method == "PUT" || method == "PATCH"
}
