package template

import (
	"strconv"
	"strings"
)

// Compile compiles s. Every text is a template.
func Compile(s string) *Template { return compile(s, false) }

// CompileCaptures compiles s as [Compile] does, but $1 and ${1} stand for the groups of a regular expression.
func CompileCaptures(s string) *Template { return compile(s, true) }

// part is a literal followed by a variable or a capture.
type part struct {
	literal    string
	kind       kind
	name       string // of a variable
	fallback   string
	hasDefault bool
	capture    int
	size       int // of the variable or capture in the text
}

type kind uint8

const (
	literal kind = iota
	variable
	capture
)

func compile(s string, captures bool) *Template {
	t := &Template{text: s}
	start := 0 // of the literal
	for i := 0; i < len(s); {
		if s[i] != '$' || (i > 0 && s[i-1] == '\\') {
			i++
			continue
		}
		p, size := scan(s[i+1:], captures)
		if size == 0 {
			i++
			continue
		}
		p.literal, p.size = s[start:i], 1+size
		t.parts = append(t.parts, p)
		i += 1 + size
		start = i
	}
	if len(t.parts) > 0 && start < len(s) {
		t.parts = append(t.parts, part{literal: s[start:]})
	}
	return t
}

// scan reads what stands behind a dollar sign and returns its length, 0 where it is neither a variable nor a capture.
func scan(s string, captures bool) (part, int) {
	if captures {
		if p, size := scanCapture(s); size > 0 {
			return p, size
		}
	}
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end <= 1 {
			return part{}, 0
		}
		p := part{kind: variable}
		p.name, p.fallback, p.hasDefault = strings.Cut(strings.Trim(s[1:end], space), "??")
		p.name = strings.TrimRight(p.name, space)
		p.fallback, _, _ = strings.Cut(p.fallback, "??")
		p.fallback = strings.Trim(p.fallback, space)
		return p, end + 1
	}
	size := 0
	for size < len(s) && isName(s[size]) {
		size++
	}
	return part{kind: variable, name: s[:size]}, size
}

const space = " \t\n\v\f\r"

// scanCapture reads the number of a group: digits, with a brace before and a brace behind, each of which may be missing.
func scanCapture(s string) (part, int) {
	at := 0
	if strings.HasPrefix(s, "{") {
		at = 1
	}
	end := at
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	number, err := strconv.Atoi(s[at:end])
	if err != nil {
		return part{}, 0
	}
	if strings.HasPrefix(s[end:], "}") {
		end++
	}
	return part{kind: capture, capture: number}, end
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.'
}
