package document

import (
	"bytes"
	"fmt"
	"strings"
)

// syntaxError describes what is wrong with data that is not JSON, in the words of lua-cjson, which clients of APISIX know:
// "Expected value but found invalid token at character 1". It returns "" where it finds nothing wrong: lua-cjson accepts some numbers that
// JSON does not have.
func syntaxError(data []byte) string {
	s := scanner{data: data}
	s.value(s.next(), 0)
	if s.fault == "" {
		s.want("the end", s.next(), "T_END")
	}
	return s.fault
}

// scanner walks over tokens until something is not as it should be.
type scanner struct {
	data  []byte
	pos   int
	fault string
}

// token is one token; kind has lua-cjson's name, or says what is wrong with it.
type token struct {
	kind string
	at   int
}

// want notes a fault unless the token is of that kind.
func (s *scanner) want(what string, t token, kind string) bool {
	if t.kind == kind {
		return true
	}
	s.fault = fmt.Sprintf("Expected %s but found %s at character %d", what, t.kind, t.at+1)
	return false
}

func (s *scanner) value(t token, depth int) {
	switch t.kind {
	case "T_STRING", "T_NUMBER", "T_BOOLEAN", "T_NULL":
		return
	case "T_OBJ_BEGIN", "T_ARR_BEGIN":
		// Why not go on? The depth is refused elsewhere, and this walk must not use up the stack.
		if depth > MaxDepth {
			s.fault = fmt.Sprintf("Found too many nested data structures (%d) at character %d", depth, t.at+1)
			return
		}
		if t.kind == "T_OBJ_BEGIN" {
			s.object(depth + 1)
			return
		}
		s.array(depth + 1)
		return
	}
	s.want("value", t, "")
}

func (s *scanner) object(depth int) {
	t := s.next()
	if t.kind == "T_OBJ_END" {
		return
	}
	for {
		if !s.want("object key string", t, "T_STRING") || !s.want("colon", s.next(), "T_COLON") {
			return
		}
		s.value(s.next(), depth)
		if s.fault != "" {
			return
		}
		if t = s.next(); t.kind == "T_OBJ_END" || !s.want("comma or object end", t, "T_COMMA") {
			return
		}
		t = s.next()
	}
}

func (s *scanner) array(depth int) {
	t := s.next()
	if t.kind == "T_ARR_END" {
		return
	}
	for {
		s.value(t, depth)
		if s.fault != "" {
			return
		}
		if t = s.next(); t.kind == "T_ARR_END" || !s.want("comma or array end", t, "T_COMMA") {
			return
		}
		t = s.next()
	}
}

// next returns the next token and goes behind it.
func (s *scanner) next() token {
	for s.pos < len(s.data) && bytes.IndexByte([]byte(" \t\r\n"), s.data[s.pos]) >= 0 {
		s.pos++
	}
	t := token{at: s.pos}
	if s.pos >= len(s.data) {
		t.kind = "T_END"
		return t
	}
	switch c := s.data[s.pos]; c {
	case '{', '}', '[', ']', ':', ',':
		s.pos++
		t.kind = punctuation(c)
	case '"':
		return s.str()
	default:
		t.kind = s.word()
	}
	return t
}

func punctuation(c byte) string {
	switch c {
	case '{':
		return "T_OBJ_BEGIN"
	case '}':
		return "T_OBJ_END"
	case '[':
		return "T_ARR_BEGIN"
	case ']':
		return "T_ARR_END"
	case ':':
		return "T_COLON"
	}
	return "T_COMMA"
}

// str reads a string. What is wrong in one is shown at its own place.
func (s *scanner) str() token {
	t := token{kind: "T_STRING", at: s.pos}
	for s.pos++; ; s.pos++ {
		if s.pos >= len(s.data) || s.data[s.pos] == 0 {
			return token{"unexpected end of string", s.pos}
		}
		switch s.data[s.pos] {
		case '"':
			s.pos++
			return t
		case '\\':
			if fault := s.escape(); fault != "" {
				return token{fault, s.pos}
			}
		}
	}
}

// escape goes to the last byte of an escape.
func (s *scanner) escape() string {
	rest := s.data[s.pos+1:]
	if len(rest) == 0 || bytes.IndexByte([]byte(`"\/bfnrtu`), rest[0]) < 0 {
		return "invalid escape code"
	}
	if rest[0] != 'u' {
		s.pos++
		return ""
	}
	if len(rest) < 5 || len(bytes.Trim(rest[1:5], "0123456789abcdefABCDEF")) > 0 {
		return "invalid unicode escape code"
	}
	s.pos += 5
	return ""
}

// word reads a literal or a number.
func (s *scanner) word() string {
	rest := s.data[s.pos:]
	for _, w := range []struct{ text, kind string }{{"true", "T_BOOLEAN"}, {"false", "T_BOOLEAN"}, {"null", "T_NULL"}} {
		if bytes.HasPrefix(rest, []byte(w.text)) {
			s.pos += len(w.text)
			return w.kind
		}
	}
	digits := bytes.TrimLeft(rest[:1], "+-")
	digits = rest[1-len(digits):]
	if n := special(digits); n > 0 {
		s.pos = len(s.data) - len(digits) + n
		return "T_NUMBER"
	}
	if c := rest[0]; c != '-' && (c < '0' || c > '9') {
		return "invalid token"
	}
	if len(digits) == 0 || digits[0] < '0' || digits[0] > '9' {
		return "invalid number"
	}
	s.pos = len(s.data) - len(bytes.TrimLeft(rest, "+-.0123456789abcdefxABCDEFX"))
	return "T_NUMBER"
}

// special returns the length of a number that JSON does not have, 0 where there is none.
func special(digits []byte) int {
	for _, name := range []string{"infinity", "inf", "nan"} {
		if len(digits) >= len(name) && strings.EqualFold(string(digits[:len(name)]), name) {
			return len(name)
		}
	}
	return 0
}
