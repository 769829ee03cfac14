package h1

import (
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// keepUpTo is how many bytes are kept to be sent together.
const keepUpTo = 16 << 10

// An output writes messages to a connection.
type output struct {
	nc      net.Conn
	guard   *guard
	timeout time.Duration
	total   int64 // bytes written

	buf        []byte
	vec        [3][]byte
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
	o.buf = o.buf[:0]
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
	if o.bodyless || len(p) == 0 {
		return nil
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
	if len(o.buf)+len(p) <= keepUpTo {
		o.buf = append(o.buf, p...)
		p = nil
	}
	tail := ""
	if o.chunked {
		tail = "\r\n"
	}
	if p == nil {
		o.buf = append(o.buf, tail...)
		if more {
			return nil
		}
		return o.flush()
	}
	return o.writev(p, tail)
}

func (o *output) writev(p []byte, tail string) error {
	o.guard.arm(o.timeout)
	o.vec[0], o.vec[1] = o.buf, p
	n := 2
	if tail != "" {
		o.vec[2] = crlf
		n = 3
	}
	buffers := net.Buffers(o.vec[:n])
	written, err := buffers.WriteTo(o.nc)
	o.vec = [3][]byte{}
	o.total += written
	o.buf = o.buf[:0]
	return err
}

var crlf = []byte("\r\n")

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

func (o *output) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	o.guard.arm(o.timeout)
	n, err := o.nc.Write(o.buf)
	o.total += int64(n)
	o.buf = o.buf[:0]
	return err
}

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
