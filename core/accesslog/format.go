// Package accesslog writes the access log: lines in nginx's log formats, into a file, without ever making a request wait.
package accesslog

import (
	"fmt"
	"strings"
)

// Vars are the variables of one request.
type Vars interface {
	// Var returns the value of a variable and whether it has one.
	Var(name string) (string, bool)
}

// Escape is how the values of variables are made safe for a line of text.
type Escape string

// The escapes, by the names that nginx gives them.
const (
	EscapeDefault Escape = "default" // \xXX for quotes, backslashes and what is not printable ASCII; "-" for what is missing
	EscapeJSON    Escape = "json"    // what a JSON string asks for; nothing for what is missing
	EscapeNone    Escape = "none"    // values as they are, line feeds too; nothing for what is missing
)

// Format is a compiled log format. It is safe for concurrent use.
type Format struct {
	parts  []part
	tail   string // text behind the last variable
	escape Escape
}

// part is some text and the variable behind it.
type part struct {
	text string
	name string
}

// Compile reads one of nginx's log formats, in which $name and ${name} stand for variables. An empty escape is the default one.
func Compile(format, escape string) (*Format, error) {
	f := &Format{escape: Escape(escape)}
	switch f.escape {
	case "":
		f.escape = EscapeDefault
	case EscapeDefault, EscapeJSON, EscapeNone:
	default:
		return nil, fmt.Errorf("escape %q of the log format is not one of default, json, none", escape)
	}
	rest := format
	for {
		text, after, found := strings.Cut(rest, "$")
		if !found {
			f.tail = rest
			return f, nil
		}
		name, length := variable(after)
		if name == "" {
			return nil, fmt.Errorf("byte %d of the log format: a $ needs the name of a variable behind it", len(format)-len(after))
		}
		f.parts = append(f.parts, part{text, name})
		rest = after[length:]
	}
}

// variable returns the name that s begins with, as name or {name}, and how many bytes it takes; "" if there is none.
func variable(s string) (name string, length int) {
	if strings.HasPrefix(s, "{") {
		end := strings.IndexByte(s, '}')
		if end < 0 || nameLen(s[1:end]) != end-1 {
			return "", 0
		}
		return s[1:end], end + 1
	}
	n := nameLen(s)
	return s[:n], n
}

func nameLen(s string) int {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return i
		}
	}
	return len(s)
}

// Append appends the line for one request to dst, without a line feed, and returns the extended slice. It allocates nothing
// if dst has room.
func (f *Format) Append(dst []byte, v Vars) []byte {
	for i := range f.parts {
		p := &f.parts[i]
		dst = append(dst, p.text...)
		value, ok := v.Var(p.name)
		switch {
		case !ok && f.escape == EscapeDefault:
			dst = append(dst, '-')
		case !ok:
		case f.escape == EscapeDefault:
			dst = appendHex(dst, value)
		case f.escape == EscapeJSON:
			dst = appendJSON(dst, value)
		default:
			dst = append(dst, value...)
		}
	}
	return append(dst, f.tail...)
}

const hexDigits = "0123456789ABCDEF"

// appendHex escapes as nginx does by default.
func appendHex(dst []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c <= '~' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, '\\', 'x', hexDigits[c>>4], hexDigits[c&15])
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// appendJSON escapes for a JSON string. As in nginx, bytes from 0x7f on stay as they are.
func appendJSON(dst []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, s[from:]...)
}
