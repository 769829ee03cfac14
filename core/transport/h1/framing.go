package h1

import (
	"strings"

	"github.com/polygate/polygate/core/transport"
)

// framing gathers the fields that say where a message ends and what becomes of its connection (RFC 9112 sections 6 and 9).
type framing struct {
	length    int64 // of Content-Length, -1 without one
	encodings int
	chunked   bool
	hosts     int
	host      string
	close     bool
	keepAlive bool
	upgrade   bool   // the Connection field names it
	upgradeTo string // the Upgrade field
	expect    bool   // 100-continue
	trailers  bool
	hops      []string
}

func (f *framing) note(id transport.FieldID, value string) *transport.Refusal {
	switch id {
	case transport.FieldHost:
		f.hosts++
		f.host = value
	case transport.FieldContentLength:
		n, ok := parseLength(value)
		if !ok {
			return refuse(400, "Content-Length is not a number")
		}
		if f.length >= 0 {
			return refuse(400, "Content-Length is repeated")
		}
		f.length = n
	case transport.FieldTransferEncoding:
		f.encodings++
		f.chunked = transport.EqualFold(value, "chunked")
	case transport.FieldConnection:
		return f.noteConnection(value)
	case transport.FieldUpgrade:
		f.upgradeTo = value
	case transport.FieldExpect:
		if !transport.EqualFold(value, "100-continue") {
			return refuse(417, "the expectation is not 100-continue")
		}
		f.expect = true
	case transport.FieldTE:
		f.trailers = f.trailers || hasToken(value, "trailers")
	}
	return nil
}

// maxHops bounds the fields that Connection names: each has to be looked for among all.
const maxHops = 32

func (f *framing) noteConnection(value string) *transport.Refusal {
	for value != "" {
		token := value
		if i := strings.IndexByte(value, ','); i >= 0 {
			token, value = value[:i], value[i+1:]
		} else {
			value = ""
		}
		switch token = trimOWS(token); {
		case token == "":
		case transport.EqualFold(token, "close"):
			f.close = true
		case transport.EqualFold(token, "keep-alive"):
			f.keepAlive = true
		case transport.EqualFold(token, "upgrade"):
			f.upgrade = true
		case transport.Identify(token) == transport.FieldOther:
			if len(f.hops) == maxHops {
				return refuse(400, "Connection names too many fields")
			}
			f.hops = append(f.hops, token)
		}
	}
	return nil
}

// request checks what was gathered of a request and writes it down.
func (f *framing) request(r *transport.Request, l *transport.Limits) *transport.Refusal {
	if f.hosts > 1 {
		return refuse(400, "the Host field is repeated")
	}
	if f.hosts == 0 && r.Minor > 0 {
		return refuse(400, "there is no Host field")
	}
	if f.hosts == 1 && !validHost(f.host) || r.Host != "" && !validHost(r.Host) {
		return refuse(400, "the Host field is not a host")
	}
	switch {
	case r.Host == "":
		r.Host = f.host
	case f.hosts == 1 && r.Host != f.host:
		// The target's host counts, for whoever looks (RFC 9112 section 3.2.2).
		r.Fields.Set("Host", r.Host)
	}
	if e := f.requestLength(r); e != nil {
		return e
	}
	if l.BodyLimit > 0 && r.ContentLength > l.BodyLimit {
		return refuse(413, "the body is too large")
	}
	r.Close = f.close || r.Minor == 0 && !f.keepAlive
	r.Trailers = f.trailers
	r.Hops = f.hops
	r.WebSocket = f.upgrade && r.Minor > 0 && r.Method == "GET" && r.ContentLength == 0 && hasToken(f.upgradeTo, "websocket")
	r.Continue = f.expect && r.Minor > 0 && r.ContentLength != 0
	if !l.KeepUnderline {
		dropUnderlined(&r.Fields)
	}
	return nil
}

func (f *framing) requestLength(r *transport.Request) *transport.Refusal {
	switch {
	case f.encodings == 0:
		r.ContentLength = max(0, f.length)
		return nil
	case f.length >= 0:
		return refuse(400, "both Content-Length and Transfer-Encoding are given")
	case f.encodings > 1:
		return refuse(400, "Transfer-Encoding is repeated")
	case r.Minor == 0:
		return refuse(400, "Transfer-Encoding goes with HTTP/1.1 only")
	case !f.chunked:
		return refuse(501, "the transfer encoding is not chunked")
	}
	r.ContentLength = transport.Chunked
	return nil
}

// parseLength reads 1*DIGIT; a number that does not fit is none.
func parseLength(s string) (int64, bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	var n int64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// hasToken tells whether a comma-separated list has the token, whatever parameters stand behind it.
func hasToken(list, token string) bool {
	for list != "" {
		item := list
		if i := strings.IndexByte(list, ','); i >= 0 {
			item, list = list[:i], list[i+1:]
		} else {
			list = ""
		}
		if i := strings.IndexByte(item, ';'); i >= 0 {
			item = item[:i]
		}
		if transport.EqualFold(trimOWS(item), token) {
			return true
		}
	}
	return false
}

func dropUnderlined(f *transport.Fields) {
	kept := f.List[:0]
	for _, field := range f.List {
		if strings.IndexByte(field.Name, '_') < 0 {
			kept = append(kept, field)
		}
	}
	f.List = kept
}

// response checks what was gathered of a response and writes it down.
func (f *framing) response(r *transport.Response) *transport.Refusal {
	switch {
	case f.encodings > 1, f.encodings == 1 && !f.chunked:
		return refuse(502, "the transfer encoding is not chunked")
	case f.encodings == 1 && r.Minor == 0:
		return refuse(502, "Transfer-Encoding goes with HTTP/1.1 only")
	case f.encodings == 1 && f.length >= 0:
		return refuse(502, "both Content-Length and Transfer-Encoding are given")
	case f.encodings == 1:
		r.ContentLength = transport.Chunked
	case f.length >= 0:
		r.ContentLength = f.length
	default:
		r.ContentLength = transport.UntilClose
	}
	r.Close = f.close || r.Minor == 0 && !f.keepAlive
	for _, hop := range f.hops {
		r.Fields.Del(hop)
	}
	return nil
}
