package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"
)

// Stream is one request of a client and the way back for its response. It belongs to one goroutine.
type Stream interface {
	Incoming
	Outgoing
}

// Incoming is the request's half of a stream.
type Incoming interface {
	// Request returns the request's head.
	Request() *Request
	// Peer tells who sent it.
	Peer() *Peer
	// Body returns the request's body. Reading it sends "100 Continue" first where the client waits for that and
	// nobody else has answered; an upstream that was asked gets a moment to do so. Another goroutine may read the body until the
	// response is finished.
	Body() Body
	// Waiting is called before the wait for an upstream: until the call with nil, gone is called from another goroutine, at most
	// once, when the client goes away. The call with nil also ends a Read of the body in another goroutine with ErrStopped; nothing
	// of the body is lost, and after the next call with a function it can be read again.
	Waiting(gone func())
	// Bytes returns how many bytes have been received and sent for this request, heads and framing included.
	Bytes() (received, sent int64)
}

// Outgoing is the response's half of a stream.
type Outgoing interface {
	// Interim sends an informational response, where the client's version knows them.
	Interim(status int, fields *Fields) error
	// Respond takes the head of the response. It is sent with the first piece of the body. bodyless is set where the
	// response has no body whatever its head says.
	Respond(r *Response, bodyless bool)
	// Write sends a piece of the response's body. With more set, another one follows at once and this one may be kept until then.
	// An empty piece without more sends what was kept, the head included.
	Write(p []byte, more bool) error
	// Finish ends the response with trailers, nil where there are none, and sends all that was kept. A Read of the request's body in
	// another goroutine ends with ErrStopped.
	Finish(trailers *Fields) error
	// Abort makes the client see that the response is not complete: the connection or stream ends.
	Abort()
	// Hijack hands the connection over after all that was kept has been sent: what was read ahead from it, and the connection.
	Hijack() (ahead []byte, nc net.Conn, err error)
}

// Peer is the other end of a client's connection.
type Peer struct {
	Remote, Local netip.AddrPort
	LocalPort     string // as text
	RemoteIP      string // Remote's address as text, made once for a connection
	TLS           *tls.ConnectionState
}

// Body is the body of a request, or of a response of an upstream.
type Body interface {
	io.Reader // returns io.EOF at the end, a *Refusal for a body that is not well-formed, ErrStopped when nobody wants it any more
	// Buffered returns what has been read ahead, and whether that is all of the rest. Discard takes it.
	Buffered() (p []byte, all bool)
	// Discard takes n bytes of what Buffered returned.
	Discard(n int)
	// Trailers returns the trailer fields once the end has been read, nil where there are none.
	Trailers() *Fields
}

// Handler serves requests. Serve returns when the response has been finished or aborted.
type Handler interface {
	Serve(s Stream)
	// Refuse is told of a request that was not well-formed, before the error is sent to the client. It returns the body of the answer.
	Refuse(peer *Peer, e *Refusal) (contentType string, body []byte)
}

// ErrStopped is the error of reading a request's body that is not wanted any more. It says nothing about the client.
var ErrStopped = errors.New("the body is not wanted any more")

// Refusal is why a request is not served. Its status is the client's answer.
type Refusal struct {
	Status int
	Reason string
}

// Error returns the reason.
func (r *Refusal) Error() string { return r.Reason }

// Limits bound what a client may send and how long it may take. A zero time is no limit.
type Limits struct {
	RequestLine   int           // bytes
	Head          int           // bytes of the whole head
	FieldCount    int           // header fields
	HeadTimeout   time.Duration // from the first byte, or from the start of the connection, to the end of the head
	IdleTimeout   time.Duration // between two requests
	BodyTimeout   time.Duration // between two pieces of the body
	SendTimeout   time.Duration // until the client has taken a piece of the response
	MinBodyRate   int           // bytes a second, after BodyGrace
	BodyGrace     time.Duration
	PathRules     PathRules
	BodyLimit     int64 // bytes of a request's body, 0: no limit
	KeepUnderline bool  // fields with an underscore in their names are kept
}

// DefaultLimits are nginx's bounds where APISIX keeps them, and closer ones against slow clients.
func DefaultLimits() Limits {
	return Limits{
		RequestLine: 32 << 10, Head: 96 << 10, FieldCount: 200, HeadTimeout: 10 * time.Second, IdleTimeout: 60 * time.Second,
		BodyTimeout: 60 * time.Second, SendTimeout: 10 * time.Second, MinBodyRate: 240, BodyGrace: 30 * time.Second,
		KeepUnderline: true,
	}
}

// Pool has the connections to one address of an upstream.
type Pool interface {
	// Get returns a connection and whether it was used before.
	Get(ctx context.Context, connect time.Duration, choice Choice) (call Call, reused bool, err error)
}

// Choice is which connection a call may get.
type Choice uint8

// The choices.
const (
	Any     Choice = iota // an idle one, or else a new one; the upstream may be about to close it
	Checked               // an idle one that shows no sign of being dead, or else a new one
	Fresh                 // a new one
)

// Call is one exchange with an upstream. But for Cut it belongs to one goroutine for sending and one for receiving.
type Call interface {
	// Send writes the head of the request and the first piece of its body, all of it where more is not set.
	Send(o *Outbound, piece []byte, more bool) error
	// Write writes a further piece of the body.
	Write(p []byte) error
	// End ends the body with trailers, nil where there are none.
	End(trailers *Fields) error
	// Receive reads the next head of a response, an interim one included.
	Receive(r *Response) error
	// Body returns the body of the final response.
	Body() Body
	// Done ends the call. The connection is kept for another one if reuse is set and nothing speaks against it.
	Done(reuse bool)
	// Cut makes whatever waits for the upstream fail now. It may be called from any goroutine before Done.
	Cut()
	// Hijack hands the connection over after an upgrade: what was read ahead from it, and the connection.
	Hijack() (ahead []byte, nc net.Conn)
}

// Outbound is a request on its way to an upstream.
type Outbound struct {
	Request       *Request
	Host          string
	ContentLength int64  // or Chunked
	Prefix        []byte // header lines of the gateway's own, each ending with CR LF
	Timeouts      Timeouts
}

// Timeouts are the time limits of one call. Zero is none.
type Timeouts struct{ Connect, Send, Read time.Duration }
