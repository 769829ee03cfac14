package expr

import (
	"encoding/json"
	"strconv"

	"github.com/polygate/polygate/internal/luanum"
)

// kind is the Lua type of a value. Values of different kinds are never equal.
type kind uint8

const (
	nilKind kind = iota
	boolKind
	numberKind
	stringKind
	tableKind
)

// value is one operand, unpacked so that comparing does not allocate.
type value struct {
	kind kind
	bool bool
	num  float64
	str  string
	list []any // of a table that is an array
}

// valueOf unpacks what encoding/json or a Vars returns. JSON's null is nil here, as lua-resty-expr has it.
func valueOf(v any) value {
	switch v := v.(type) {
	case nil:
		return value{}
	case string:
		return value{kind: stringKind, str: v}
	case bool:
		return value{kind: boolKind, bool: v}
	case float64:
		return value{kind: numberKind, num: v}
	case int:
		return value{kind: numberKind, num: float64(v)}
	case int64:
		return value{kind: numberKind, num: float64(v)}
	case json.Number:
		// A number out of range is an infinity, as in Lua.
		f, _ := strconv.ParseFloat(string(v), 64)
		return value{kind: numberKind, num: f}
	case []any:
		return value{kind: tableKind, list: v}
	case []string:
		list := make([]any, len(v))
		for i, s := range v {
			list[i] = s
		}
		return value{kind: tableKind, list: list}
	}
	return value{kind: tableKind}
}

// equal is Lua's ==. Tables are equal only to themselves, and an operand never is the same table as a variable.
func (v value) equal(w value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case boolKind:
		return v.bool == w.bool
	case numberKind:
		return v.num == w.num
	case stringKind:
		return v.str == w.str
	}
	return v.kind == nilKind
}

// number is Lua's tonumber.
func (v value) number() (float64, bool) {
	switch v.kind {
	case numberKind:
		return v.num, true
	case stringKind:
		return luanum.Parse(v.str)
	}
	return 0, false
}

// text returns the value as a string where Lua would coerce it to one.
func (v value) text() (string, bool) {
	switch v.kind {
	case stringKind:
		return v.str, true
	case numberKind:
		return luanum.Format(v.num), true
	}
	return "", false
}
