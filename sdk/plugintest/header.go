package plugintest

import (
	"iter"
	"slices"
	"strings"

	"github.com/polygate/polygate/sdk"
)

var _ sdk.Header = (*Header)(nil)

// Field is one header field.
type Field struct {
	Name, Value string
}

// change is what was done to a header.
type change struct {
	do          func(h *Header, name, value string)
	name, value string
}

// Header is an ordered list of header fields that implements [sdk.Header]. The zero value is an empty list.
type Header struct {
	fields []Field
	fail   func(format string, args ...any) // called for fields that are refused; nil ignores them silently
	record bool                             // keep every change in notes
	notes  []change                         // the changes so far
}

// Fields returns a copy of the fields, in order.
func (h *Header) Fields() []Field { return slices.Clone(h.fields) }

// Lines returns the fields as "Name: value", in order.
func (h *Header) Lines() []string {
	lines := make([]string, 0, len(h.fields))
	for _, f := range h.fields {
		lines = append(lines, f.Name+": "+f.Value)
	}
	return lines
}

// Get implements [sdk.Header].
func (h *Header) Get(name string) string {
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has tells whether there is a field of that name.
func (h *Header) Has(name string) bool {
	return slices.ContainsFunc(h.fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// Values implements [sdk.Header].
func (h *Header) Values(name string) []string {
	var values []string
	for _, f := range h.fields {
		if strings.EqualFold(f.Name, name) {
			values = append(values, f.Value)
		}
	}
	return values
}

// Set implements [sdk.Header]. The field keeps the place of the first one that it replaces.
func (h *Header) Set(name, value string) {
	if !h.accept(name, value) {
		return
	}
	if h.record {
		h.notes = append(h.notes, change{(*Header).Set, name, value})
	}
	at := slices.IndexFunc(h.fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	if at < 0 {
		h.fields = append(h.fields, Field{name, value})
		return
	}
	h.fields[at] = Field{name, value}
	rest := slices.DeleteFunc(h.fields[at+1:], func(f Field) bool { return strings.EqualFold(f.Name, name) })
	h.fields = h.fields[:at+1+len(rest)]
}

// Add implements [sdk.Header].
func (h *Header) Add(name, value string) {
	if h.accept(name, value) {
		if h.record {
			h.notes = append(h.notes, change{(*Header).Add, name, value})
		}
		h.fields = append(h.fields, Field{name, value})
	}
}

// Del implements [sdk.Header].
func (h *Header) Del(name string) {
	if h.record {
		h.notes = append(h.notes, change{func(h *Header, name, _ string) { h.Del(name) }, name, ""})
	}
	h.fields = slices.DeleteFunc(h.fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
}

// All implements [sdk.Header].
func (h *Header) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range h.fields {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

func (h *Header) accept(name, value string) bool {
	switch {
	case !isToken(name):
		h.refuse("invalid header field name %q", name)
	case !isFieldValue(value):
		h.refuse("invalid value %q of header field %s", value, name)
	default:
		return true
	}
	return false
}

func (h *Header) refuse(format string, args ...any) {
	if h.fail != nil {
		h.fail(format, args...)
	}
}

func isToken(s string) bool {
	if s == "" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}
