package h1

import (
	"bytes"
	"strings"

	"github.com/polygate/polygate/core/transport"
)

func refuse(status int, reason string) *transport.Refusal {
	return &transport.Refusal{Status: status, Reason: reason}
}

// headEnd returns the length of the head at the start of b, 0 while it is incomplete. seen bytes were looked at before.
// A line that ends without CR cannot become a head any more: it is refused at once instead of at the time limit.
func headEnd(b []byte, seen int) (int, *transport.Refusal) {
	for {
		i := bytes.IndexByte(b[seen:], '\n')
		if i < 0 {
			return 0, nil
		}
		switch i += seen; {
		case i == 0 || b[i-1] != '\r':
			return 0, refuse(400, "a line of the head does not end with CR LF")
		case i == 1:
			return 0, refuse(400, "the first line of the head is empty")
		case b[i-2] == '\n':
			return i + 1, nil
		}
		seen = i + 1
	}
}

// parseRequest reads a complete head into r, whose strings become views of head.
func parseRequest(head []byte, r *transport.Request, l *transport.Limits) *transport.Refusal {
	r.Begin(head)
	s := transport.View(head)
	end := strings.IndexByte(s, '\r')
	if end > l.RequestLine && l.RequestLine > 0 {
		return refuse(414, "the request line is too long")
	}
	if e := parseRequestLine(s[:end], r, l); e != nil {
		return e
	}
	if s[end+1] != '\n' {
		return refuse(400, "a carriage return stands alone")
	}
	f := framing{length: -1, hops: r.Hops}
	if e := parseFields(s[end+2:len(s)-2], &r.Fields, l.FieldCount, &f); e != nil {
		return e
	}
	return f.request(r, l)
}

func parseRequestLine(line string, r *transport.Request, l *transport.Limits) *transport.Refusal {
	n := transport.NameEnd(line)
	if n == 0 || n == len(line) || line[n] != ' ' {
		return refuse(400, "the method is not a token")
	}
	r.Method = line[:n]
	rest := line[n+1:]
	sp := strings.IndexByte(rest, ' ')
	if sp < 0 {
		return refuse(400, "the request line has no version")
	}
	r.Target = rest[:sp]
	if e := parseVersion(rest[sp+1:], r); e != nil {
		return e
	}
	if r.Method == "CONNECT" || r.Method == "TRACE" {
		return refuse(405, "the method "+r.Method+" is not served")
	}
	return parseTarget(r, l)
}

func parseVersion(v string, r *transport.Request) *transport.Refusal {
	switch {
	case v == "HTTP/1.1":
		r.Minor = 1
	case v == "HTTP/1.0":
		r.Minor = 0
	case len(v) == 8 && v[:5] == "HTTP/" && v[6] == '.' && digit(v[5]) && digit(v[7]):
		if v[5] != '1' {
			return refuse(505, "the version of HTTP is not served here")
		}
		r.Minor = 1
	default:
		return refuse(400, "the version is not well-formed")
	}
	return nil
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func parseTarget(r *transport.Request, l *transport.Limits) *transport.Refusal {
	t := r.Target
	if t == "*" {
		if r.Method != "OPTIONS" {
			return refuse(400, "the target * goes with OPTIONS only")
		}
		r.Path, r.RawPath = "*", "*"
		return nil
	}
	if t != "" && t[0] != '/' {
		if t = absoluteForm(t, r); t == "" {
			return refuse(400, "the target is neither a path nor an http URI")
		}
	}
	if q := strings.IndexByte(t, '?'); q >= 0 {
		t, r.Query = t[:q], t[q+1:]
		if !transport.ValidTarget(r.Query) {
			return refuse(400, "the query has a byte that a target may not have")
		}
	}
	if t == "" {
		return refuse(400, "the target is empty")
	}
	var err error
	if r.Path, r.RawPath, err = transport.Canonical(t, l.PathRules); err != nil {
		return refuse(400, err.Error())
	}
	return nil
}

// absoluteForm takes scheme and authority off a target and returns its path and query, "" for any other form.
func absoluteForm(t string, r *transport.Request) string {
	var rest string
	switch {
	case len(t) > 7 && transport.EqualFold(t[:4], "http") && t[4:7] == "://":
		rest = t[7:]
	case len(t) > 8 && transport.EqualFold(t[:5], "https") && t[5:8] == "://":
		rest = t[8:]
	default:
		return ""
	}
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		r.Host = rest
		return "/"
	case i == 0:
		return ""
	}
	r.Host = rest[:i]
	if rest[i] == '?' {
		return "/" + rest[i:]
	}
	return rest[i:]
}

// parseFields reads the lines of s, each of which ends with CR LF, and notes the fields that frame the message. A limit of 0 is none.
func parseFields(s string, fields *transport.Fields, limit int, f *framing) *transport.Refusal {
	for s != "" {
		colon := transport.NameEnd(s)
		if colon == 0 || s[colon] != ':' {
			return refuse(400, "a header line does not begin with a token and a colon")
		}
		name := s[:colon]
		s = s[colon+1:]
		end := strings.IndexByte(s, '\r')
		if s[end+1] != '\n' {
			return refuse(400, "a carriage return stands alone")
		}
		value := trimOWS(s[:end])
		s = s[end+2:]
		if !transport.ValidValue(value) {
			return refuse(400, "the value of a header field has a control byte")
		}
		if limit > 0 && len(fields.List) == limit {
			return refuse(431, "too many header fields")
		}
		id := transport.Identify(name)
		fields.List = append(fields.List, transport.Field{Name: name, Value: value, ID: id})
		if id != transport.FieldOther {
			if e := f.note(id, value); e != nil {
				return e
			}
		}
	}
	return nil
}

func trimOWS(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// parseResponse reads a complete head of a response.
func parseResponse(head []byte, r *transport.Response) *transport.Refusal {
	r.Begin(head)
	s := transport.View(head)
	end := strings.IndexByte(s, '\r')
	line := s[:end]
	if len(line) < 12 || line[:7] != "HTTP/1." || !digit(line[7]) || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return refuse(502, "the status line is not well-formed")
	}
	if !transport.ValidValue(line) || s[end+1] != '\n' {
		return refuse(502, "the status line has a control byte")
	}
	status, ok := parseLength(line[9:12])
	if !ok || status < 100 || status > 599 {
		return refuse(502, "the status is not a number from 100 to 599")
	}
	r.Status = int(status)
	r.Minor = min(line[7]-'0', 1)
	f := framing{length: -1}
	if e := parseFields(s[end+2:len(s)-2], &r.Fields, maxResponseFields, &f); e != nil {
		return e
	}
	return f.response(r)
}
