package declare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
)

// decodeJSON decodes one value and keeps numbers as they are written.
func decodeJSON(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	return v, nil
}

// encodeJSON encodes a value that decodeJSON made; it cannot fail.
func encodeJSON(v any) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("encode a JSON document: %v", err))
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// clone returns a copy of a value.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = clone(member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	}
	return v
}

// equal tells whether two values mean the same. Empty arrays and objects do, because APISIX does not tell them apart, and null, which its
// YAML reads as one of them.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal) || len(a) == 0 && isEmpty(b)
	case []any:
		list, ok := b.([]any)
		return ok && slices.EqualFunc(a, list, equal) || len(a) == 0 && isEmpty(b)
	case json.Number:
		n, ok := b.(json.Number)
		return ok && (a == n || sameNumber(a, n))
	}
	switch b.(type) {
	case map[string]any, []any:
		return a == nil && isEmpty(b)
	}
	return a == b
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return v == nil
}

// sameNumber compares 1, 1.0 and 1e0. A number with a huge exponent is only compared as text.
func sameNumber(a, b json.Number) bool {
	x, errX := strconv.ParseFloat(a.String(), 64)
	y, errY := strconv.ParseFloat(b.String(), 64)
	if errX != nil || errY != nil || x != y {
		return false
	}
	if x > -1e15 && x < 1e15 {
		return true
	}
	var p, q big.Float
	_, okP := p.SetPrec(256).SetString(a.String())
	_, okQ := q.SetPrec(256).SetString(b.String())
	return okP && okQ && p.Cmp(&q) == 0
}

// member returns what a path leads to.
func member(v any, path ...string) (any, bool) {
	for _, name := range path {
		switch x := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = x[name]; !ok {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(x) {
				return nil, false
			}
			v = x[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// remove takes away what a path leads to and tells whether it was there.
func remove(v any, path []string) bool {
	if _, ok := member(v, path...); !ok || len(path) == 0 {
		return false
	}
	last := len(path) - 1
	owner, _ := member(v, path[:last]...)
	switch x := owner.(type) {
	case map[string]any:
		delete(x, path[last])
		return true
	case []any:
		i, _ := strconv.Atoi(path[last]) // member has read it
		return setMember(v, path[:last], slices.Delete(slices.Clone(x), i, i+1))
	}
	return false
}

func setMember(v any, path []string, value any) bool {
	if len(path) == 0 {
		return false
	}
	last := len(path) - 1
	owner, _ := member(v, path[:last]...)
	switch x := owner.(type) {
	case map[string]any:
		x[path[last]] = value
		return true
	case []any:
		if i, err := strconv.Atoi(path[last]); err == nil && i < len(x) {
			x[i] = value
			return true
		}
	}
	return false
}

// spell returns a path as people write it: "upstream.nodes[0].host".
func spell(v any, path []string) string {
	out := ""
	for i, name := range path {
		owner, _ := member(v, path[:i]...)
		if _, ok := owner.([]any); ok {
			out += "[" + name + "]"
			continue
		}
		if out != "" {
			out += "."
		}
		out += name
	}
	return out
}

// text returns a string or a number as text.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	}
	return ""
}
