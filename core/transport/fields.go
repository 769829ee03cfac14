// Package transport has what HTTP messages have in common, whatever carries them: header fields, the request head and
// its canonical path, and the streams by which core talks to clients.
//
// Strings in a message may be views into the buffer that the message was read into. They are valid until the message is
// done; [Request.Own] and [Response.Own] make them ordinary strings, and are called before a plugin sees them.
package transport

// Field is one header field. The name is spelt as it came.
type Field struct {
	Name, Value string
	ID          FieldID
}

// Fields is an ordered list of header fields with repeated names. The zero value is empty.
type Fields struct {
	List []Field
}

// Get returns the value of the first field of that name, or "".
func (f *Fields) Get(name string) string {
	for i := range f.List {
		if EqualFold(f.List[i].Name, name) {
			return f.List[i].Value
		}
	}
	return ""
}

// Has tells whether there is a field of that name.
func (f *Fields) Has(name string) bool { return f.index(name, 0) >= 0 }

// Values returns the values of all fields of that name, nil where there is none.
func (f *Fields) Values(name string) []string {
	var values []string
	for i := f.index(name, 0); i >= 0; i = f.index(name, i+1) {
		values = append(values, f.List[i].Value)
	}
	return values
}

// Set replaces all fields of that name by one, at the place of the first.
func (f *Fields) Set(name, value string) {
	i := f.index(name, 0)
	if i < 0 {
		f.Add(name, value)
		return
	}
	f.List[i].Value = value
	f.del(name, i+1)
}

// Add appends a field.
func (f *Fields) Add(name, value string) {
	f.List = append(f.List, Field{Name: name, Value: value, ID: Identify(name)})
}

// Del removes all fields of that name.
func (f *Fields) Del(name string) { f.del(name, 0) }

// Reset removes all fields and keeps the memory.
func (f *Fields) Reset() {
	clear(f.List)
	f.List = f.List[:0]
}

func (f *Fields) index(name string, from int) int {
	for i := from; i < len(f.List); i++ {
		if EqualFold(f.List[i].Name, name) {
			return i
		}
	}
	return -1
}

func (f *Fields) del(name string, from int) {
	first := f.index(name, from)
	if first < 0 {
		return
	}
	kept := f.List[:first]
	for _, field := range f.List[first+1:] {
		if !EqualFold(field.Name, name) {
			kept = append(kept, field)
		}
	}
	clear(f.List[len(kept):])
	f.List = kept
}

// EqualFold tells whether two field names are the same in ASCII without regard to case.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z' {
			return false
		}
	}
	return true
}

// ValidName tells whether name is a token (RFC 9110 section 5.6.2).
func ValidName(name string) bool { return name != "" && NameEnd(name) == len(name) }

// NameEnd returns the length of the token (RFC 9110 section 5.6.2) that s begins with.
func NameEnd(s string) int {
	for i := 0; i < len(s); i++ {
		if !tokenByte[s[i]] {
			return i
		}
	}
	return len(s)
}

// ValidValue tells whether value may be sent as a field's value: no control bytes but the tab (RFC 9110 section 5.5).
func ValidValue(value string) bool {
	i := 0
	for ; i+8 <= len(value); i += 8 {
		if word := wordAt(value, i); maybeBelow(word, 0x20)|maybeEqual(word, 0x7f) != 0 && !validBytes(value[i:i+8]) {
			return false
		}
	}
	return validBytes(value[i:])
}

// ValidTarget tells whether s may be part of a request's target: no control bytes, no space and no fragment. What the bytes mean is
// not looked at.
func ValidTarget(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if word := wordAt(s, i); maybeBelow(word, 0x21)|maybeEqual(word, 0x7f)|maybeEqual(word, '#') != 0 && !targetBytes(s[i:i+8]) {
			return false
		}
	}
	return targetBytes(s[i:])
}

func targetBytes(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c == 0x7f || c == '#' {
			return false
		}
	}
	return true
}

func validBytes(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// Eight bytes are looked at together. The tests below have no false negatives; a false positive costs a second look.

const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

func wordAt(s string, i int) uint64 {
	_ = s[i+7]
	return uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
		uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
}

// maybeBelow is not 0 if a byte of word is less than limit, which is at most 0x80.
func maybeBelow(word uint64, limit uint64) uint64 { return (word - ones*limit) &^ word & tops }

// maybeEqual is not 0 if a byte of word is c.
func maybeEqual(word uint64, c uint64) uint64 { return maybeBelow(word^ones*c, 1) }

var tokenByte = [256]bool{
	'!': true, '#': true, '$': true, '%': true, '&': true, '\'': true, '*': true, '+': true, '-': true, '.': true,
	'^': true, '_': true, '`': true, '|': true, '~': true,
	'0': true, '1': true, '2': true, '3': true, '4': true, '5': true, '6': true, '7': true, '8': true, '9': true,
	'A': true, 'B': true, 'C': true, 'D': true, 'E': true, 'F': true, 'G': true, 'H': true, 'I': true, 'J': true,
	'K': true, 'L': true, 'M': true, 'N': true, 'O': true, 'P': true, 'Q': true, 'R': true, 'S': true, 'T': true,
	'U': true, 'V': true, 'W': true, 'X': true, 'Y': true, 'Z': true,
	'a': true, 'b': true, 'c': true, 'd': true, 'e': true, 'f': true, 'g': true, 'h': true, 'i': true, 'j': true,
	'k': true, 'l': true, 'm': true, 'n': true, 'o': true, 'p': true, 'q': true, 'r': true, 's': true, 't': true,
	'u': true, 'v': true, 'w': true, 'x': true, 'y': true, 'z': true,
}
