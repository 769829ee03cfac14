package h1

import (
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/transport"
)

// request puts the head of a request to an upstream together.
func (o *output) request(out *transport.Outbound) {
	r := out.Request
	r.ContinueAsked = false
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
	b = o.requestFraming(b, out)
	o.buf = append(b, "\r\n"...)
}

// forwarded tells whether a marked field goes to the upstream.
func forwarded(f *transport.Field, r *transport.Request) bool {
	switch f.ID {
	case transport.FieldExpect:
		r.ContinueAsked = r.Continue
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
