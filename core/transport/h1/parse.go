package h1

import (
	"bytes"
	"strings"

	"github.com/polygate/polygate/core/transport"
)

func refuse(status int, reason string) *transport.Refusal {
	return &transport.Refusal{Status: status, Reason: reason}
}

var crlf2 = []byte("\r\n\r\n")

// headEnd returns the length of the head at the start of b, 0 while it is incomplete. seen bytes were looked at before.
// A line that ends without CR cannot become a head any more: it is refused at once instead of at the time limit.
func headEnd(b []byte, seen int) (int, *transport.Refusal) {
	from := max(0, seen-3)
	if i := bytes.Index(b[from:], crlf2); i >= 0 {
		return from + i + 4, nil
	}
	if i := bytes.IndexByte(b, '\n'); i == 0 || i > 0 && b[i-1] != '\r' {
		return 0, refuse(400, "a line of the head does not end with CR LF")
	}
	return 0, nil
}

// parseRequest reads a complete head into r, whose strings become views of head.
func parseRequest(head []byte, r *transport.Request, l *transport.Limits) *transport.Refusal {
	r.Begin(head)
	s := transport.View(head)
	end := strings.IndexByte(s, '\r')
	if end > l.RequestLine {
		return refuse(414, "the request line is too long")
	}
	if e := parseRequestLine(s[:end], r, l); e != nil {
		return e
	}
	if s[end+1] != '\n' {
		return refuse(400, "a carriage return stands alone")
	}
	f := framing{length: -1}
	if e := parseFields(s[end+2:len(s)-2], &r.Fields, l.FieldCount, &f); e != nil {
		return e
	}
	return f.request(r, l)
}

func parseRequestLine(line string, r *transport.Request, l *transport.Limits) *transport.Refusal {
	sp := strings.IndexByte(line, ' ')
	if sp <= 0 || !transport.ValidName(line[:sp]) {
		return refuse(400, "the method is not a token")
	}
	r.Method = line[:sp]
	rest := line[sp+1:]
	sp = strings.IndexByte(rest, ' ')
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
	case len(v) == 8 && v[:5] == "HTTP/" && v[6] == '.' && v[5] >= '0' && v[5] <= '9' && v[7] >= '0' && v[7] <= '9':
		if v[5] == '1' {
			r.Minor = 1
			return nil
		}
		return refuse(505, "the version of HTTP is not served here")
	default:
		return refuse(400, "the version is not well-formed")
	}
	return nil
}

func parseTarget(r *transport.Request, l *transport.Limits) *transport.Refusal {
	t := r.Target
	if t == "*" {
		if r.Method != "OPTIONS" {
			return refuse(400, "the target * goes with OPTIONS only")
		}
		r.Path, r.RawPath = "*", "*"
		return nil
	}
	for i := 0; i < len(t); i++ {
		if c := t[i]; c <= 0x20 || c == 0x7f || c == '#' {
			return refuse(400, "the target has a byte that it may not have")
		}
	}
	if t != "" && t[0] != '/' {
		if t = absoluteForm(t, r); t == "" {
			return refuse(400, "the target is neither a path nor an http URI")
		}
	}
	if q := strings.IndexByte(t, '?'); q >= 0 {
		t, r.Query = t[:q], t[q+1:]
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
	if i < 0 {
		r.Host = rest
		return "/"
	}
	r.Host = rest[:i]
	if rest[i] == '?' {
		return "/" + rest[i:]
	}
	return rest[i:]
}

// parseFields reads the lines of s, each of which ends with CR LF, and notes the fields that frame the message.
func parseFields(s string, fields *transport.Fields, limit int, f *framing) *transport.Refusal {
	for s != "" {
		colon := strings.IndexByte(s, ':')
		end := strings.IndexByte(s, '\r')
		if end < 0 || end+1 >= len(s) || s[end+1] != '\n' {
			return refuse(400, "a carriage return stands alone")
		}
		if colon < 0 || colon > end {
			return refuse(400, "a header line has no colon")
		}
		name := s[:colon]
		if !transport.ValidName(name) {
			return refuse(400, "the name of a header field is not a token")
		}
		value := trimOWS(s[colon+1 : end])
		if !transport.ValidValue(value) {
			return refuse(400, "the value of a header field has a control byte")
		}
		if len(fields.List) == limit {
			return refuse(431, "too many header fields")
		}
		id := transport.Identify(name)
		fields.List = append(fields.List, transport.Field{Name: name, Value: value, ID: id})
		if id != transport.FieldOther {
			if e := f.note(id, value); e != nil {
				return e
			}
		}
		s = s[end+2:]
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

// parseResponse reads a complete head of a response to a request with that method.
func parseResponse(head []byte, method string, r *transport.Response) *transport.Refusal {
	r.Begin(head)
	s := transport.View(head)
	end := strings.IndexByte(s, '\r')
	line := s[:end]
	if len(line) < 12 || line[:7] != "HTTP/1." || line[7] < '0' || line[7] > '9' || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return refuse(502, "the status line is not well-formed")
	}
	if !transport.ValidValue(line) {
		return refuse(502, "the status line has a control byte")
	}
	status, ok := parseLength(line[9:12])
	if !ok || status < 100 || status > 599 {
		return refuse(502, "the status is not a number from 100 to 599")
	}
	r.Status = int(status)
	r.Minor = min(line[7]-'0', 1)
	f := framing{length: -1}
	if s[end+1] != '\n' {
		return refuse(502, "a carriage return stands alone")
	}
	if e := parseFields(s[end+2:len(s)-2], &r.Fields, 1000, &f); e != nil {
		return e
	}
	return f.response(r)
}
