package regex

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordBoundary and notWordBoundary are \b and \B for ASCII words in the backtracking engine, whose own ones know all of
// Unicode.
const (
	wordBoundary    = `(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))`
	notWordBoundary = `(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))`
)

// escape translates what stands at a backslash outside of a class.
func (t *translator) escape() error {
	t.take(1)
	if t.in == "" {
		return errors.New(`\ at the end of the pattern`)
	}
	c := t.in[0]
	if set, ok := t.set(c); ok {
		t.take(1)
		t.single(set)
		return nil
	}
	switch c {
	case 'A', 'z', 'b', 'B', 'Z', 'G':
		t.take(1)
		return t.assertion(c)
	case 'Q':
		t.take(1)
		t.quote()
		return nil
	case 'E':
		t.take(1)
		return nil
	case 'R':
		t.take(1)
		t.single(`(?:\r\n|` + "[" + vertical().String() + "])")
		return nil
	case 'p', 'P':
		property, err := t.property()
		if err != nil {
			return err
		}
		t.single(property)
		return nil
	case 'k', 'g':
		return t.reference()
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		digits := leading(t.in, "0123456789", 4)
		if n, _ := strconv.Atoi(digits); n < 10 || n < len(t.names) {
			t.take(len(digits))
			return t.backreference(n)
		}
	}
	r, err := t.character()
	if err != nil {
		return err
	}
	t.single(literal(r))
	return nil
}

// set returns the class that an escape outside of a class, such as \d, stands for.
func (t *translator) set(c byte) (string, bool) {
	if c == 'N' {
		return `[^\n]`, true
	}
	if t.target == forLinear && strings.IndexByte("dDwW", c) >= 0 {
		return `\` + string(c), true
	}
	s, ok := classOf(c)
	if !ok {
		return "", false
	}
	return "[" + s.String() + "]", true
}

func (t *translator) assertion(c byte) error {
	if c == 'G' {
		if err := t.backtracking(); err != nil {
			return err
		}
	}
	t.looksBack = t.looksBack || c == 'A' || c == 'b' || c == 'B'
	text := `\` + string(c)
	switch {
	case c == 'Z':
		t.finalNewline = true
		if t.target == forLinear {
			text = `\z`
		}
	case c == 'b' && t.target == forBacktracker:
		text = wordBoundary
	case c == 'B' && t.target == forBacktracker:
		text = notWordBoundary
	}
	t.single(text)
	return nil
}

// quote translates the literal text up to \E or the end.
func (t *translator) quote() {
	text, rest, _ := strings.Cut(t.in, `\E`)
	t.in = rest
	for _, r := range text {
		t.single(literal(r))
	}
}

// property returns the \pL or \p{Lu} that stands here without its backslash.
func (t *translator) property() (string, error) {
	head := `\` + t.take(1)
	if !t.accept("{") {
		if t.in == "" {
			return "", errors.New("property without a name")
		}
		return head + "{" + t.take(1) + "}", nil
	}
	name, err := t.until("}")
	if err != nil {
		return "", err
	}
	if positive, ok := strings.CutPrefix(name, "^"); ok {
		name = positive
		head = map[string]string{`\p`: `\P`, `\P`: `\p`}[head]
	}
	return head + "{" + name + "}", nil
}

// character returns the character that the escape here, without its backslash, stands for. Unknown escapes stand for
// themselves, as in PCRE.
func (t *translator) character() (rune, error) {
	r, size := utf8.DecodeRuneInString(t.in)
	if r >= '0' && r <= '7' {
		return t.number(leading(t.in, "01234567", 3), 8)
	}
	t.take(size)
	if at := strings.IndexRune("aefnrt", r); at >= 0 {
		return rune("\a\x1b\f\n\r\t"[at]), nil
	}
	switch r {
	case 'x':
		if t.accept("{") {
			return t.braced(16)
		}
		return t.number(leading(t.in, "0123456789abcdefABCDEF", 2), 16)
	case 'o':
		if t.accept("{") {
			return t.braced(8)
		}
	case 'c':
		if t.in == "" || t.in[0] >= utf8.RuneSelf {
			return 0, errors.New(`\c is not followed by an ASCII character`)
		}
		return unicode.ToUpper(rune(t.take(1)[0])) ^ 0x40, nil
	case 'K', 'X', 'C':
		return 0, fmt.Errorf(`\%c is not supported`, r)
	}
	return r, nil
}

func (t *translator) braced(base int) (rune, error) {
	end := strings.IndexByte(t.in, '}')
	if end < 1 {
		return 0, errors.New("missing } or empty character code")
	}
	r, err := t.number(t.in[:end], base)
	t.accept("}")
	return r, err
}

// number removes digits from the pattern and returns the character of that code.
func (t *translator) number(digits string, base int) (rune, error) {
	t.take(len(digits))
	if digits == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > unicode.MaxRune || !utf8.ValidRune(rune(n)) {
		return 0, fmt.Errorf("%q is not the code of a character", digits)
	}
	return rune(n), nil
}

// leading returns the at most n bytes at the start of s that are in set.
func leading(s, set string, n int) string {
	i := 0
	for i < len(s) && i < n && strings.IndexByte(set, s[i]) >= 0 {
		i++
	}
	return s[:i]
}
