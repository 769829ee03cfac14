package hostile

import (
	"bytes"
	"strconv"
	"strings"
)

// message is what a plain reading makes of the beginning of some bytes.
type message struct {
	line  string // the first
	size  int    // in bytes
	whole bool   // it is there to its end
	bad   bool   // it is none
	open  bool   // its body ends with the connection
}

// status is that of a response, 0 if it is none.
func (m *message) status() int {
	version, rest, _ := strings.Cut(m.line, " ")
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(code)
	if err != nil || !strings.HasPrefix(version, "HTTP/1.") {
		return 0
	}
	return n
}

// readMessage reads the way many programs do: lines end with LF, Transfer-Encoding wins over Content-Length, the last field of a name
// counts. A response without either goes on until the connection ends, a request has no body then.
func readMessage(b []byte, response, bodiless bool) message {
	end := headLength(b)
	if end < 0 {
		return message{size: len(b)}
	}
	lines := strings.Split(strings.ReplaceAll(string(b[:end]), "\r\n", "\n"), "\n")
	m := message{line: lines[0], size: end}
	length, chunked := -1, false
	for _, l := range lines[1:] {
		name, value, _ := strings.Cut(l, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-length":
			n, err := strconv.Atoi(value)
			m.bad = m.bad || err != nil || n < 0
			length = n
		case "transfer-encoding":
			chunked = strings.Contains(strings.ToLower(value), "chunked")
		}
	}
	switch {
	case m.bad || bodiless:
		m.whole = true
	case chunked:
		m.chunks(b)
	case length >= 0:
		m.whole = len(b) >= end+length
		m.size = min(len(b), end+length)
	case response:
		m.open, m.size = true, len(b)
	default:
		m.whole = true
	}
	return m
}

// headLength is the length of a head with the empty line, -1 if it has not ended yet.
func headLength(b []byte) int {
	for i := range b {
		if b[i] == '\n' && (bytes.HasPrefix(b[i+1:], []byte("\n")) || bytes.HasPrefix(b[i+1:], []byte("\r\n"))) {
			return i + 1 + bytes.IndexByte(b[i+1:], '\n') + 1
		}
	}
	return -1
}

// chunks goes over a chunked body that begins behind the head.
func (m *message) chunks(b []byte) {
	for {
		i := bytes.IndexByte(b[m.size:], '\n')
		if i < 0 {
			m.size = len(b)
			return
		}
		digits, _, _ := strings.Cut(strings.TrimSpace(string(b[m.size:m.size+i])), ";")
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 16, 32)
		if err != nil || n < 0 {
			m.bad, m.whole, m.size = true, true, len(b)
			return
		}
		next := m.size + i + 1 + int(n)
		if n == 0 {
			m.trailers(b, next)
			return
		}
		if len(b) < next+2 {
			m.size = len(b)
			return
		}
		m.size = next + 2
	}
}

func (m *message) trailers(b []byte, from int) {
	if bytes.HasPrefix(b[from:], []byte("\r\n")) {
		m.size, m.whole = from+2, true
		return
	}
	end := headLength(b[from:])
	if end < 0 {
		m.size = len(b)
		return
	}
	m.size, m.whole = from+end, true
}
