package h1

import (
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// keepUpTo is how many bytes are kept to be sent together.
const keepUpTo = 16 << 10

// An output writes messages to a connection.
type output struct {
	nc      net.Conn
	guard   *guard
	timeout time.Duration // until the peer has taken something of what is written
	total   int64         // bytes written

	buf        []byte
	spare      *sync.Pool // of *[]byte: large buffers of connections that are idle; nil where they are kept
	box        *[]byte    // what buf came out of the pool in
	vec        [3][]byte
	buffers    net.Buffers // of vec
	minor      uint8
	keepAlive  bool // an HTTP/1.0 client must be told that the connection stays
	chunked    bool
	bodyless   bool
	untilClose bool
	left       int64 // of a body of known length
}

func (o *output) begin(minor uint8) {
	o.minor, o.keepAlive, o.chunked, o.bodyless, o.untilClose, o.left = minor, false, false, false, false, 0
	if cap(o.buf) > 2*keepUpTo {
		o.buf = nil
	}
	if o.buf == nil && o.spare != nil {
		if box, ok := o.spare.Get().(*[]byte); ok {
			o.box, o.buf = box, *box
		}
	}
	o.buf = o.buf[:0]
}

// rest gives a large buffer away while the connection is idle: there may be very many of them.
func (o *output) rest() {
	if cap(o.buf) <= startBuffer {
		return
	}
	if o.box == nil {
		o.box = new([]byte)
	}
	*o.box = o.buf[:0]
	o.spare.Put(o.box)
	o.buf, o.box = nil, nil
}

func (o *output) interim(status int, fields *transport.Fields) error {
	o.buf = appendStatus(o.buf, status)
	if fields != nil {
		o.buf = appendFields(o.buf, fields)
	}
	o.buf = append(o.buf, "\r\n"...)
	return o.flush()
}

// respond puts the head of a response together (RFC 9112 section 6.3).
func (o *output) respond(r *transport.Response, bodyless, closing bool) {
	o.bodyless = bodyless || r.Status == http.StatusNoContent || r.Status == http.StatusNotModified || r.Status < 200
	b := appendStatus(o.buf, r.Status)
	b = appendFields(b, &r.Fields)
	upgraded := r.Status == http.StatusSwitchingProtocols
	switch {
	case upgraded || r.Status == http.StatusNoContent:
	case r.ContentLength >= 0:
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, r.ContentLength, 10)
		b = append(b, "\r\n"...)
		o.left = r.ContentLength
	case o.bodyless && r.ContentLength == transport.UntilClose:
	case o.minor > 0:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		o.chunked = !o.bodyless
	default:
		o.untilClose = !o.bodyless
	}
	switch {
	case upgraded:
		b = append(b, "Connection: upgrade\r\n"...)
	case closing || o.untilClose:
		b = append(b, "Connection: close\r\n"...)
	case o.keepAlive:
		b = append(b, "Connection: keep-alive\r\n"...)
	}
	o.buf = append(b, "\r\n"...)
}

// write sends a piece of the body, together with all that was kept; with more set it may be kept itself.
func (o *output) write(p []byte, more bool) error {
	if o.bodyless {
		return nil
	}
	if len(p) == 0 {
		// An empty chunk would be the last one.
		return o.flushUnless(more)
	}
	if o.chunked {
		o.buf = strconv.AppendInt(o.buf, int64(len(p)), 16)
		o.buf = append(o.buf, "\r\n"...)
	} else if !o.untilClose {
		if int64(len(p)) > o.left {
			return errTooLong
		}
		o.left -= int64(len(p))
	}
	if len(o.buf)+len(p) > keepUpTo {
		return o.writev(p)
	}
	o.buf = append(o.buf, p...)
	if o.chunked {
		o.buf = append(o.buf, "\r\n"...)
	}
	return o.flushUnless(more)
}

// finish ends the body and sends all that was kept.
func (o *output) finish(trailers *transport.Fields) error {
	switch {
	case o.chunked:
		o.buf = append(o.buf, "0\r\n"...)
		if trailers != nil {
			o.buf = appendFields(o.buf, trailers)
		}
		o.buf = append(o.buf, "\r\n"...)
	case !o.bodyless && !o.untilClose && o.left > 0:
		return errTooShort
	}
	return o.flush()
}

func (o *output) flushUnless(more bool) error {
	if more {
		return nil
	}
	return o.flush()
}

func (o *output) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	o.guard.armWrite(o.timeout)
	n, err := o.nc.Write(o.buf)
	return o.wrote(int64(n), err)
}

// writev sends what was kept and p in one call of the kernel.
func (o *output) writev(p []byte) error {
	o.vec[0], o.vec[1] = o.buf, p
	o.buffers = o.vec[:2]
	if o.chunked {
		o.vec[2] = crlf
		o.buffers = o.vec[:3]
	}
	o.guard.armWrite(o.timeout)
	n, err := o.buffers.WriteTo(o.nc)
	clear(o.vec[:])
	return o.wrote(n, err)
}

func (o *output) wrote(n int64, err error) error {
	o.guard.armWrite(0)
	o.total += n
	o.buf = o.buf[:0]
	if err != nil && o.guard.write.fired() {
		// Half a message was sent: whoever reads from the peer waits in vain.
		o.guard.cut()
	}
	return err
}

var crlf = []byte("\r\n")

// appendFields writes the lines of fields that are not the framing's own.
func appendFields(b []byte, fields *transport.Fields) []byte {
	for i := range fields.List {
		f := &fields.List[i]
		switch f.ID {
		case transport.FieldContentLength, transport.FieldTransferEncoding, transport.FieldConnection, transport.FieldHopByHop,
			transport.FieldTE:
		default:
			b = appendField(b, f.Name, f.Value)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

func appendStatus(b []byte, status int) []byte {
	if status == http.StatusOK {
		return append(b, "HTTP/1.1 200 OK\r\n"...)
	}
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	return append(b, "\r\n"...)
}
