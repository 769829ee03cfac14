package standalone

import (
	"fmt"
	"regexp"
)

// syntaxError says what is wrong with a text that is not JSON in the words of lua-cjson, which APISIX's clients and tests know; nil if
// lua-cjson would not mind.
func syntaxError(data []byte) error {
	s := scanner{data: data}
	if err := s.value("value", 0); err != nil {
		return err
	}
	if s.skip(); s.pos < len(data) {
		return s.fail("the end")
	}
	return nil
}

// scanner walks over a text until something is wrong.
type scanner struct {
	data []byte
	pos  int
}

// depthLimit is where lua-cjson gives up.
const depthLimit = 1000

var (
	wholeNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?`)
	escape      = regexp.MustCompile(`^\\(["\\/bfnrt]|u[0-9a-fA-F]{4})`)
)

func (s *scanner) skip() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// take skips a byte where it is next.
func (s *scanner) take(c byte) bool {
	s.skip()
	if s.pos < len(s.data) && s.data[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// fail says what was expected at the next place, and what is there.
func (s *scanner) fail(expected string) error {
	s.skip()
	found := s.token()
	return fmt.Errorf("Expected %s but found %s at character %d", expected, found, s.pos+1) //nolint:staticcheck // lua-cjson's text
}

// token names what is next.
func (s *scanner) token() string {
	if s.pos >= len(s.data) {
		return "T_END"
	}
	names := map[byte]string{
		'{': "T_OBJ_BEGIN", '}': "T_OBJ_END", '[': "T_ARR_BEGIN", ']': "T_ARR_END", ',': "T_COMMA", ':': "T_COLON", '"': "T_STRING",
	}
	if name, ok := names[s.data[s.pos]]; ok {
		return name
	}
	rest := s.data[s.pos:]
	switch {
	case hasWord(rest, "true"), hasWord(rest, "false"):
		return "T_BOOLEAN"
	case hasWord(rest, "null"):
		return "T_NULL"
	case wholeNumber.Match(rest):
		return "T_NUMBER"
	}
	return "invalid token"
}

func hasWord(data []byte, word string) bool {
	return len(data) >= len(word) && string(data[:len(word)]) == word
}

func (s *scanner) value(expected string, depth int) error {
	if depth > depthLimit {
		return fmt.Errorf("Found too many nested data structures (%d)", depth) //nolint:staticcheck // lua-cjson's text
	}
	s.skip()
	switch token := s.token(); token {
	case "T_OBJ_BEGIN":
		s.pos++
		return s.object(depth + 1)
	case "T_ARR_BEGIN":
		s.pos++
		return s.array(depth + 1)
	case "T_STRING":
		return s.text(expected)
	case "T_NUMBER":
		s.pos += len(wholeNumber.Find(s.data[s.pos:]))
		return nil
	case "T_BOOLEAN", "T_NULL":
		for s.pos < len(s.data) && s.data[s.pos] >= 'a' && s.data[s.pos] <= 'z' {
			s.pos++
		}
		return nil
	}
	return s.fail(expected)
}

func (s *scanner) object(depth int) error {
	if s.take('}') {
		return nil
	}
	for {
		s.skip()
		if s.token() != "T_STRING" {
			return s.fail("object key string")
		}
		if err := s.text("object key string"); err != nil {
			return err
		}
		if !s.take(':') {
			return s.fail("colon")
		}
		if err := s.value("value", depth); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.fail("comma or object end")
		}
	}
}

func (s *scanner) array(depth int) error {
	if s.take(']') {
		return nil
	}
	for {
		if err := s.value("value", depth); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.fail("comma or array end")
		}
	}
}

// text skips a string.
func (s *scanner) text(expected string) error {
	wrong := func(found string) error {
		return fmt.Errorf("Expected %s but found %s at character %d", expected, found, s.pos+1) //nolint:staticcheck // lua-cjson's text
	}
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch s.data[s.pos] {
		case '"':
			s.pos++
			return nil
		case '\\':
			n := len(escape.Find(s.data[s.pos:]))
			if n == 0 {
				return wrong("invalid escape code")
			}
			s.pos += n - 1
		}
	}
	return wrong("unexpected end of string")
}
