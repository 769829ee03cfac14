package jsonschema

import (
	"encoding/json"
	"slices"
	"strconv"
)

// kind is what a value is to Lua, except that tables are told apart by what they can pass for.
type kind uint8

const (
	unknownKind kind = iota
	nullKind
	boolKind
	numberKind
	textKind
	objectKind // not empty
	arrayKind  // not empty
	emptyKind  // an empty object or array: Lua cannot tell them apart
)

// name is the name of the kind in messages.
func (k kind) name() string {
	switch k {
	case boolKind:
		return "boolean"
	case numberKind:
		return "number"
	case textKind:
		return "string"
	case objectKind, arrayKind, emptyKind:
		return "table"
	}
	return "userdata"
}

// value is a part of a document, unpacked.
type value struct {
	kind   kind
	bool   bool
	number float64
	text   string
	object map[string]any
	array  []any
}

func (v *value) isTable() bool  { return v.kind >= objectKind }
func (v *value) isObject() bool { return v.kind == objectKind || v.kind == emptyKind }
func (v *value) isArray() bool  { return v.kind == arrayKind || v.kind == emptyKind }

func inspect(v any) value {
	switch v := v.(type) {
	case nil:
		return value{kind: nullKind}
	case bool:
		return value{kind: boolKind, bool: v}
	case string:
		return value{kind: textKind, text: v}
	case json.Number:
		// A number out of range is an infinity, as in Lua.
		f, _ := strconv.ParseFloat(string(v), 64)
		return value{kind: numberKind, number: f}
	case float64:
		return value{kind: numberKind, number: v}
	case int:
		return value{kind: numberKind, number: float64(v)}
	case int64:
		return value{kind: numberKind, number: float64(v)}
	case map[string]any:
		if len(v) == 0 {
			return value{kind: emptyKind, object: v}
		}
		return value{kind: objectKind, object: v}
	case []any:
		if len(v) == 0 {
			return value{kind: emptyKind, array: v}
		}
		return value{kind: arrayKind, array: v}
	}
	return value{}
}

// clone returns a deep copy of v.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, e := range v {
			m[name] = clone(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = clone(e)
		}
		return list
	}
	return v
}

// equal tells whether a and b are the same value. Numbers are compared as numbers, and an empty object equals an empty array.
func (r *run) equal(a, b any) bool {
	if !r.spend(1) {
		return false
	}
	x, y := inspect(a), inspect(b)
	if x.kind != y.kind {
		return false
	}
	switch x.kind {
	case boolKind:
		return x.bool == y.bool
	case numberKind:
		return x.number == y.number
	case textKind:
		return x.text == y.text
	case objectKind:
		return r.equalObjects(x.object, y.object)
	case arrayKind:
		return slices.EqualFunc(x.array, y.array, r.equal)
	}
	return true
}

func (r *run) equalObjects(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		w, ok := b[name]
		if !ok || !r.equal(v, w) {
			return false
		}
	}
	return true
}

// appendKey appends a text to b that equal values have in common and different ones have not.
func (r *run) appendKey(b []byte, v any) []byte {
	if !r.spend(1) {
		return b
	}
	x := inspect(v)
	switch x.kind {
	case boolKind:
		return strconv.AppendBool(b, x.bool)
	case numberKind:
		// Adding zero makes -0 the same as 0.
		return strconv.AppendFloat(b, x.number+0, 'g', -1, 64)
	case textKind:
		r.spend(len(x.text) / textPerCost)
		return strconv.AppendQuote(b, x.text)
	case objectKind:
		b = append(b, '{')
		for _, name := range sortedKeys(x.object) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(r.appendKey(b, x.object[name]), ',')
		}
		return append(b, '}')
	case arrayKind:
		b = append(b, '[')
		for _, e := range x.array {
			b = append(r.appendKey(b, e), ',')
		}
		return append(b, ']')
	case emptyKind:
		return append(b, "{}"...)
	}
	return append(b, "null"...)
}
