// Package template fills variables into texts of a configuration: "Hello $name", "${name}", "${name ?? default}".
//
// The language is APISIX's. A name behind a bare dollar sign is made of letters, digits, underscores and dots; in braces it is
// anything but a closing brace. A variable without a value gives its default, or nothing. A dollar sign behind a backslash is an
// ordinary character, and the backslash stays. What is filled in is not looked at again.
package template

import (
	"slices"
	"strings"
)

// Template is a compiled text. It is immutable and may be used by several goroutines at once.
type Template struct {
	text  string // as it was compiled
	parts []part // empty where the text has no variables
}

// Static returns the text of a template without variables, and whether it is one.
func (t *Template) Static() (string, bool) { return t.text, len(t.parts) == 0 }

// String returns the text that the template was compiled from.
func (t *Template) String() string { return t.text }

// HasCaptures tells whether the template refers to groups of a regular expression.
func (t *Template) HasCaptures() bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return p.kind == capture })
}

// Cut splits the template around the first sep that stands outside of variables. Without one, before is t and after is nil.
func (t *Template) Cut(sep byte) (before, after *Template) {
	at := 0 // of the part in the text
	for i, p := range t.partsOrText() {
		k := strings.IndexByte(p.literal, sep)
		if k < 0 {
			at += len(p.literal) + p.size
			continue
		}
		before, after = &Template{text: t.text[:at+k]}, &Template{text: t.text[at+k+1:]}
		if i > 0 {
			before.parts = append(slices.Clone(t.parts[:i]), part{literal: p.literal[:k]})
		}
		p.literal = p.literal[k+1:]
		if rest := append([]part{p}, t.parts[min(i+1, len(t.parts)):]...); len(rest) > 1 || p.kind != literal {
			after.parts = rest
		}
		return before, after
	}
	return t, nil
}

func (t *Template) partsOrText() []part {
	if len(t.parts) == 0 {
		return []part{{literal: t.text}}
	}
	return t.parts
}

// Escape tells how values and defaults are changed before they are filled in. What else stands in the text is never changed.
type Escape uint8

// The ways of changing values.
const (
	EscapeNone    Escape = iota
	EscapeControl        // control bytes but the tab become %XX, so that a value can not break a header field
	EscapeMark           // question marks become %3F, so that a value can not begin a query
)

// Vars gives the values of variables; an sdk.Exchange is one.
type Vars interface {
	Var(name string) (string, bool)
}

// Source is where values come from.
type Source struct {
	Vars     Vars
	Captures []string // the groups of a match, the whole match first; a group beyond its end is empty
	Escape   Escape
}

// Text returns the template filled from src.
func (t *Template) Text(src Source) string {
	if len(t.parts) == 0 {
		return t.text
	}
	if p := &t.parts[0]; len(t.parts) == 1 && p.literal == "" && p.kind == variable {
		// A variable alone is the most frequent template, and its value can be taken as it is.
		if value, ok := src.Vars.Var(p.name); ok && !needsEscape(value, src.Escape) {
			return value
		}
	}
	var buf [128]byte
	dst, _ := t.Expand(buf[:0], src)
	return string(dst)
}

// Expand appends the template filled from src to dst, and counts the variables that had a value or a default.
func (t *Template) Expand(dst []byte, src Source) ([]byte, int) {
	if len(t.parts) == 0 {
		return append(dst, t.text...), 0
	}
	resolved := 0
	for i := range t.parts {
		p := &t.parts[i]
		dst = append(dst, p.literal...)
		switch p.kind {
		case capture:
			if p.capture < len(src.Captures) {
				dst = appendEscaped(dst, src.Captures[p.capture], src.Escape)
			}
		case variable:
			if value, ok := src.Vars.Var(p.name); ok {
				dst = appendEscaped(dst, value, src.Escape)
				resolved++
			} else if p.hasDefault {
				dst = appendEscaped(dst, p.fallback, src.Escape)
				resolved++
			}
		}
	}
	return dst, resolved
}

func appendEscaped(dst []byte, value string, escape Escape) []byte {
	if !needsEscape(value, escape) {
		return append(dst, value...)
	}
	const hex = "0123456789ABCDEF"
	for i := range len(value) {
		if c := value[i]; escape.covers(c) {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

func needsEscape(value string, escape Escape) bool {
	if escape == EscapeNone {
		return false
	}
	for i := range len(value) {
		if escape.covers(value[i]) {
			return true
		}
	}
	return false
}

func (e Escape) covers(c byte) bool {
	switch e {
	case EscapeControl:
		return c < ' ' && c != '\t' || c == 0x7f
	case EscapeMark:
		return c == '?'
	}
	return false
}
