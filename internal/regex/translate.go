package regex

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxNesting is the greatest depth of groups, the same as PCRE's own.
const maxNesting = 250

// errNotLinear says that a pattern needs the backtracking engine.
var errNotLinear = errors.New("pattern needs the backtracking engine")

// target is the engine that a pattern is translated for.
type target int

const (
	forLinear target = iota
	forBacktracker
)

// translation is a pattern in an engine's own syntax.
type translation struct {
	pattern      string
	names        []string
	finalNewline bool
	looksBack    bool
}

// group is an open group of the pattern that is being translated.
type group struct {
	start    int  // where it begins in the output
	extended bool // the x option outside of it
}

// translator rewrites a PCRE pattern into the syntax that both engines read in the same way.
type translator struct {
	translation
	target   target
	in       string // what is left of the pattern
	out      []byte
	open     []group
	extended bool // the x option holds
	atom     int  // where the last quantifiable thing begins in the output
}

func translate(pattern, letters string, to target) (translation, error) {
	t := &translator{target: to, in: pattern, extended: strings.Contains(letters, "x")}
	t.names = []string{""}
	flags := keep(letters, "ims")
	if flags != "" {
		t.emit("(?" + flags + ")")
	}
	anchored := strings.Contains(letters, "a")
	if anchored {
		t.looksBack = true
		t.emit(`\A(?:`)
	}
	for t.in != "" {
		if err := t.step(); err != nil {
			return translation{}, err
		}
	}
	if len(t.open) > 0 {
		return translation{}, errors.New("missing )")
	}
	if anchored {
		t.emit(")")
	}
	t.pattern = string(t.out)
	return t.translation, nil
}

// keep returns the letters that are in allowed, each once.
func keep(letters, allowed string) string {
	var b strings.Builder
	for _, r := range allowed {
		if strings.ContainsRune(letters, r) {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (t *translator) emit(s string) { t.out = append(t.out, s...) }

// single emits s as one thing that a quantifier may follow.
func (t *translator) single(s string) {
	t.atom = len(t.out)
	t.emit(s)
}

// backtracking returns an error unless the translation is for the engine that knows such constructs.
func (t *translator) backtracking() error {
	if t.target == forLinear {
		return errNotLinear
	}
	return nil
}

// take removes the next n bytes of the pattern and returns them.
func (t *translator) take(n int) string {
	s := t.in[:n]
	t.in = t.in[n:]
	return s
}

// accept removes prefix from the pattern if it stands there.
func (t *translator) accept(prefix string) bool {
	rest, ok := strings.CutPrefix(t.in, prefix)
	t.in = rest
	return ok
}

// step translates the next element of the pattern.
func (t *translator) step() error {
	c := t.in[0]
	switch c {
	case '\\':
		return t.escape()
	case '[':
		return t.class()
	case '(':
		return t.openGroup()
	case ')':
		return t.closeGroup()
	case '*', '+', '?':
		return t.quantifier(t.take(1))
	case '{':
		if q := countedQuantifier(t.in); q != "" {
			return t.quantifier(t.take(len(q)))
		}
	case '^', '|', '$', '.':
		t.finalNewline = t.finalNewline || c == '$'
		t.looksBack = t.looksBack || c == '^'
		t.single(t.take(1))
		return nil
	case '#':
		if t.extended {
			_, t.in, _ = strings.Cut(t.in, "\n")
			return nil
		}
	case ' ', '\t', '\n', '\v', '\f', '\r':
		if t.extended {
			t.take(1)
			return nil
		}
	}
	r, size := utf8.DecodeRuneInString(t.in)
	t.take(size)
	t.single(literal(r))
	return nil
}

// literal returns r so that both engines take it for itself, in a class too.
func literal(r rune) string {
	if strings.ContainsRune(`\.+*?()|[]{}^$-`, r) {
		return `\` + string(r)
	}
	return string(r)
}

// countedQuantifier returns the {n}, {n,} or {n,m} at the start of s, or nothing.
func countedQuantifier(s string) string {
	end := strings.IndexByte(s, '}')
	if end < 2 {
		return ""
	}
	from, to, _ := strings.Cut(s[1:end], ",")
	if from == "" || strings.Trim(from+to, "0123456789") != "" {
		return ""
	}
	return s[:end+1]
}

func (t *translator) quantifier(q string) error {
	t.emit(q)
	if t.accept("?") {
		t.emit("?")
		return nil
	}
	if !t.accept("+") {
		return nil
	}
	if err := t.backtracking(); err != nil {
		return err
	}
	quantified := string(t.out[t.atom:])
	t.out = append(t.out[:t.atom], "(?>"+quantified+")"...)
	return nil
}

func (t *translator) push(opening string) error {
	if len(t.open) == maxNesting {
		return fmt.Errorf("groups are nested more than %d deep", maxNesting)
	}
	t.open = append(t.open, group{start: len(t.out), extended: t.extended})
	t.emit(opening)
	return nil
}

func (t *translator) capture(name string) error {
	t.names = append(t.names, name)
	return t.push("(")
}

func (t *translator) closeGroup() error {
	if len(t.open) == 0 {
		return errors.New("unmatched )")
	}
	g := t.open[len(t.open)-1]
	t.open = t.open[:len(t.open)-1]
	t.single(t.take(1))
	t.atom, t.extended = g.start, g.extended
	return nil
}

// until removes what stands before the delimiter, and the delimiter, and returns the former.
func (t *translator) until(delimiter string) (string, error) {
	s, rest, ok := strings.Cut(t.in, delimiter)
	if !ok {
		return "", fmt.Errorf("missing %s", delimiter)
	}
	t.in = rest
	return s, nil
}
