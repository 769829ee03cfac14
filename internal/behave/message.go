package behave

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// message is a request or a response as it was on the wire: nothing is sorted, joined or left out.
type message struct {
	first  string // request line, or status line
	fields []string
	body   string
}

func (m *message) values(name string) []string {
	var list []string
	for _, f := range m.fields {
		if n, v, ok := strings.Cut(f, ":"); ok && strings.EqualFold(n, name) {
			list = append(list, strings.Trim(v, " \t"))
		}
	}
	return list
}

func (m *message) value(name string) string {
	if list := m.values(name); len(list) > 0 {
		return list[0]
	}
	return ""
}

func (m *message) chunked() bool {
	return strings.EqualFold(m.value("Transfer-Encoding"), "chunked")
}

// splitMessage divides the text of a section into its first line, header fields and body. The body is false where no empty line is.
func splitMessage(text string) (m message, hasBody bool) {
	head, body, hasBody := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	return message{first: lines[0], fields: lines[1:], body: body}, hasBody
}

var escapeSequence = regexp.MustCompile(`\\(x[0-9a-fA-F]{2}|[nrt\\])`)

// unescape replaces \xNN, \n, \r, \t and \\.
func unescape(text string) string {
	return escapeSequence.ReplaceAllStringFunc(text, func(s string) string {
		switch s[1] {
		case 'n':
			return "\n"
		case 'r':
			return "\r"
		case 't':
			return "\t"
		case '\\':
			return "\\"
		}
		n, err := strconv.ParseUint(s[2:], 16, 8)
		if err != nil {
			return s
		}
		return string([]byte{byte(n)})
	})
}

// requestBytes are the bytes that a section of kind request stands for.
func requestBytes(s *section, text string) string {
	if s.has("raw") {
		return rawBytes(s, text)
	}
	m, _ := splitMessage(text)
	m.body = strings.TrimRight(m.body, "\n")
	if len(strings.Fields(m.first)) == 2 {
		m.first += " HTTP/1.1"
	}
	if m.values("Host") == nil {
		m.fields = append([]string{"Host: localhost"}, m.fields...)
	}
	return frame(s, m, m.body != "")
}

// replyBytes are the bytes that a section of kind upstream stands for, in answer to a request with that method.
func replyBytes(s *section, text, method string) string {
	if s.has("raw") {
		return rawBytes(s, text)
	}
	m, _ := splitMessage(text)
	m.body = strings.TrimRight(m.body, "\n")
	status, reason, _ := strings.Cut(strings.TrimSpace(m.first), " ")
	code, err := strconv.Atoi(status)
	if err == nil && reason == "" {
		m.first = status + " " + http.StatusText(code)
	}
	if !strings.HasPrefix(m.first, "HTTP/") {
		m.first = "HTTP/1.1 " + m.first
	}
	bodiless := code >= 100 && code < 200 || code == 204 || code == 304
	out := frame(s, m, !bodiless)
	if method == "HEAD" {
		out = out[:strings.Index(out, "\r\n\r\n")+4]
	}
	return out
}

func rawBytes(s *section, text string) string {
	out := strings.ReplaceAll(text, "\n", "\r\n")
	if s.has("escapes") {
		out = unescape(out)
	}
	return out
}

// frame writes a message with the length of its body.
func frame(s *section, m message, sized bool) string {
	if s.has("escapes") {
		m.first, m.body = unescape(m.first), unescape(m.body)
		for i := range m.fields {
			m.fields[i] = unescape(m.fields[i])
		}
	}
	switch {
	case m.chunked() && m.body != "":
		m.body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(m.body), m.body)
	case m.chunked():
		m.body = "0\r\n\r\n"
	case sized && m.values("Content-Length") == nil:
		m.fields = append(m.fields, fmt.Sprint("Content-Length: ", len(m.body)))
	}
	return strings.Join(append([]string{m.first}, m.fields...), "\r\n") + "\r\n\r\n" + m.body
}
