package regex

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// span is the characters from lo to hi, both included.
type span struct{ lo, hi rune }

// spans are characters in ascending order.
type spans []span

// vertical returns the characters of \v.
func vertical() spans { return spans{{'\n', '\r'}, {0x85, 0x85}, {0x2028, 0x2029}} }

// String returns the spans as they stand in a class.
func (s spans) String() string {
	var b strings.Builder
	for _, sp := range s {
		b.WriteString(literal(sp.lo))
		if sp.hi > sp.lo {
			b.WriteString("-" + literal(sp.hi))
		}
	}
	return b.String()
}

// inverse returns all other characters.
func (s spans) inverse() spans {
	var out spans
	next := rune(0)
	for _, sp := range s {
		if sp.lo > next {
			out = append(out, span{next, sp.lo - 1})
		}
		next = sp.hi + 1
	}
	return append(out, span{next, unicode.MaxRune})
}

// classOf returns the characters that an escape such as \s or \W stands for.
func classOf(c byte) (spans, bool) {
	var s spans
	switch c | 0x20 {
	case 'd':
		s = spans{{'0', '9'}}
	case 'w':
		s = spans{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}
	case 's':
		s = spans{{'\t', '\r'}, {' ', ' '}}
	case 'h':
		s = spans{{'\t', '\t'}, {' ', ' '}, {0xa0, 0xa0}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x200a},
			{0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}}
	case 'v':
		s = vertical()
	default:
		return nil, false
	}
	if c < 'a' {
		s = s.inverse()
	}
	return s, true
}

// posixClass returns the characters of [:name:].
func posixClass(name string) (spans, bool) {
	positive, negated := strings.CutPrefix(name, "^")
	s, ok := map[string]spans{
		"alnum":  {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}},
		"alpha":  {{'A', 'Z'}, {'a', 'z'}},
		"ascii":  {{0, 0x7f}},
		"blank":  {{'\t', '\t'}, {' ', ' '}},
		"cntrl":  {{0, 0x1f}, {0x7f, 0x7f}},
		"digit":  {{'0', '9'}},
		"graph":  {{'!', '~'}},
		"lower":  {{'a', 'z'}},
		"print":  {{' ', '~'}},
		"punct":  {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
		"space":  {{'\t', '\r'}, {' ', ' '}},
		"upper":  {{'A', 'Z'}},
		"word":   {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
		"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
	}[positive]
	if negated {
		s = s.inverse()
	}
	return s, ok
}

// class translates what stands at an opening bracket.
func (t *translator) class() error {
	t.take(1)
	t.single("[")
	if t.accept("^") {
		t.emit("^")
	}
	for first := true; ; first = false {
		if t.in == "" {
			return errors.New("missing terminating ] for character class")
		}
		if !first && t.accept("]") {
			t.emit("]")
			return nil
		}
		if err := t.classItem(); err != nil {
			return err
		}
	}
}

// classItem translates one character, range or set of a class.
func (t *translator) classItem() error {
	set, lo, err := t.classAtom()
	if err != nil {
		return err
	}
	if set != "" {
		t.emit(set)
		return nil
	}
	if lo < 0 {
		return nil
	}
	if len(t.in) < 2 || t.in[0] != '-' || t.in[1] == ']' {
		t.emit(literal(lo))
		return nil
	}
	t.take(1)
	set, hi, err := t.classAtom()
	if err != nil {
		return err
	}
	if set != "" || hi < 0 {
		t.emit(literal(lo) + `\-` + set)
		return nil
	}
	if hi < lo {
		return fmt.Errorf("range %c-%c is out of order", lo, hi)
	}
	t.emit(spans{{lo, hi}}.String())
	return nil
}

// classAtom reads a set, which it returns as text, or one character, which is negative for a part that means nothing.
func (t *translator) classAtom() (string, rune, error) {
	if strings.HasPrefix(t.in, "[:") {
		if end := strings.Index(t.in, ":]"); end > 0 {
			if s, ok := posixClass(t.in[2:end]); ok {
				t.take(end + 2)
				return s.String(), 0, nil
			}
		}
	}
	if !t.accept(`\`) {
		r, size := utf8.DecodeRuneInString(t.in)
		t.take(size)
		return "", r, nil
	}
	if t.in == "" {
		return "", 0, errors.New(`\ at the end of the pattern`)
	}
	c := t.in[0]
	if c == 'E' {
		t.take(1)
		return "", -1, nil
	}
	if c == 'b' {
		t.take(1)
		return "", '\b', nil
	}
	if c == 'p' || c == 'P' {
		property, err := t.property()
		return property, 0, err
	}
	if s, ok := classOf(c); ok {
		t.take(1)
		if t.target == forLinear && strings.IndexByte("dDwW", c) >= 0 {
			return `\` + string(c), 0, nil
		}
		return s.String(), 0, nil
	}
	r, err := t.character()
	return "", r, err
}
