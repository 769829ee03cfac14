// Package document holds JSON values the way they were written: members keep their order, numbers and strings their spelling,
// and [] stays different from {}. The Admin API changes single members of a document without touching the others.
package document

import (
	"encoding/json"
	"strconv"
)

// Value is one JSON value. It belongs to one goroutine at a time; a nil *Value stands for an absent one.
type Value struct {
	kind    byte   // '{', '[' or 0 for a scalar
	raw     []byte // of a scalar, as it was written
	items   []*Value
	members []member
	index   map[string]int // of members by name, nil as long as there are few
	live    int            // members that are not deleted
}

type member struct {
	name  string
	raw   []byte // the name as it was written, with its quotes
	value *Value // nil once deleted
}

// indexFrom is the number of members from which on an object has an index.
const indexFrom = 16

// Object returns an empty object.
func Object() *Value { return &Value{kind: '{'} }

// Array returns an empty array.
func Array() *Value { return &Value{kind: '['} }

// String returns the JSON string of s.
func String(s string) *Value { return &Value{raw: quote(s)} }

// Int returns the JSON number n.
func Int(n int64) *Value { return &Value{raw: strconv.AppendInt(nil, n, 10)} }

// IsObject reports whether v is an object.
func (v *Value) IsObject() bool { return v != nil && v.kind == '{' }

// IsArray reports whether v is an array.
func (v *Value) IsArray() bool { return v != nil && v.kind == '[' }

// IsNull reports whether v is the JSON null.
func (v *Value) IsNull() bool { return v != nil && v.kind == 0 && v.raw[0] == 'n' }

// IsEmpty reports whether v is an object or an array without content. Lua does not tell the two apart, and so APISIX does not.
func (v *Value) IsEmpty() bool {
	return v.IsObject() && v.live == 0 || v.IsArray() && len(v.items) == 0
}

// Kind names v's type as APISIX's messages do: table, string, number, boolean, userdata (null) or nil (absent).
func (v *Value) Kind() string {
	switch {
	case v == nil:
		return "nil"
	case v.kind != 0:
		return "table"
	case v.raw[0] == '"':
		return "string"
	case v.raw[0] == 't', v.raw[0] == 'f':
		return "boolean"
	case v.raw[0] == 'n':
		return "userdata"
	}
	return "number"
}

// Text returns the content of a string or the spelling of a number, and whether v is one of them.
func (v *Value) Text() (string, bool) {
	switch v.Kind() {
	case "string":
		return unquote(v.raw), true
	case "number":
		return string(v.raw), true
	}
	return "", false
}

// Items returns the elements of an array, nil for anything else.
func (v *Value) Items() []*Value {
	if !v.IsArray() {
		return nil
	}
	return v.items
}

// Each calls f for every member of an object, in order, until f returns false. f may set or delete the member it was called for.
func (v *Value) Each(f func(name string, value *Value) bool) {
	if !v.IsObject() {
		return
	}
	for i := range v.members {
		m := &v.members[i]
		if m.value != nil && !f(m.name, m.value) {
			return
		}
	}
}

// Get returns the member of an object, nil where v is no object or has no such member.
func (v *Value) Get(name string) *Value {
	if i := v.find(name); i >= 0 {
		return v.members[i].value
	}
	return nil
}

// Path returns the value below v that the names lead to, nil where there is none.
func (v *Value) Path(names ...string) *Value {
	for _, name := range names {
		v = v.Get(name)
	}
	return v
}

// Set puts a member into an object: in place of the one of that name, else at the end. v must be an object.
func (v *Value) Set(name string, value *Value) {
	if i := v.find(name); i >= 0 {
		if v.members[i].value == nil {
			v.live++
		}
		v.members[i].value = value
		return
	}
	v.add(member{name: name, raw: quote(name), value: value})
}

// Delete removes a member of an object. It has no effect where v is no object or has no such member.
func (v *Value) Delete(name string) {
	if i := v.find(name); i >= 0 && v.members[i].value != nil {
		v.members[i].value = nil
		v.live--
	}
}

// Push appends an element to an array. v must be one.
func (v *Value) Push(item *Value) { v.items = append(v.items, item) }

// SetItem replaces an element of an array. i must be in range.
func (v *Value) SetItem(i int, value *Value) { v.items[i] = value }

// Append appends v as compact JSON to dst and returns the extended slice.
func (v *Value) Append(dst []byte) []byte {
	switch v.kind {
	case '{':
		return v.appendObject(dst)
	case '[':
		dst = append(dst, '[')
		for i, item := range v.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = item.Append(dst)
		}
		return append(dst, ']')
	}
	return append(dst, v.raw...)
}

// Bytes returns v as compact JSON.
func (v *Value) Bytes() []byte { return v.Append(nil) }

// MarshalJSON makes a Value usable inside of values that encoding/json writes.
func (v *Value) MarshalJSON() ([]byte, error) { return v.Bytes(), nil }

func (v *Value) appendObject(dst []byte) []byte {
	dst = append(dst, '{')
	first := true
	for i := range v.members {
		m := &v.members[i]
		if m.value == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, m.raw...)
		dst = append(dst, ':')
		dst = m.value.Append(dst)
	}
	return append(dst, '}')
}

// find returns the place of a member, also of a deleted one, and -1 where there never was one.
func (v *Value) find(name string) int {
	if !v.IsObject() {
		return -1
	}
	if v.index != nil {
		if i, ok := v.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range v.members {
		if v.members[i].name == name {
			return i
		}
	}
	return -1
}

// add appends a member whose name is new.
func (v *Value) add(m member) {
	v.members = append(v.members, m)
	v.live++
	if v.index != nil {
		v.index[m.name] = len(v.members) - 1
		return
	}
	if len(v.members) < indexFrom {
		return
	}
	v.index = make(map[string]int, 2*indexFrom)
	for i := range v.members {
		v.index[v.members[i].name] = i
	}
}

func unquote(raw []byte) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return string(raw)
	}
	return s
}
