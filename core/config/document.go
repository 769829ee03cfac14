package config

import (
	"encoding/json"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// walk ranges over the values at the end of a path through a document, see [Reference.Path].
func walk(doc any, path string) iter.Seq[any] {
	return func(yield func(any) bool) { walkPath(doc, path, yield) }
}

func walkPath(doc any, path string, yield func(any) bool) bool {
	if path == "" {
		return doc == nil || yield(doc)
	}
	name, rest, _ := strings.Cut(path, ".")
	name, each := strings.CutSuffix(name, "[]")
	object, _ := doc.(map[string]any)
	if !each {
		return walkPath(object[name], rest, yield)
	}
	items, _ := object[name].([]any)
	for _, v := range items {
		if !walkPath(v, rest, yield) {
			return false
		}
	}
	return true
}

// field returns the object that is a property of doc, nil where there is none.
func field(doc map[string]any, name string) map[string]any {
	object, _ := doc[name].(map[string]any)
	return object
}

// text returns the string that is a property of doc, "" where there is none.
func text(doc map[string]any, name string) string {
	s, _ := doc[name].(string)
	return s
}

// texts returns the strings of an array that is a property of doc.
func texts(doc map[string]any, name string) []string {
	items, _ := doc[name].([]any)
	out := make([]string, 0, len(items))
	for _, v := range items {
		s, _ := v.(string)
		out = append(out, s)
	}
	return out
}

// idText returns an id, which is a string or an integer, as text.
func idText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		if n, ok := integer(v); ok {
			return strconv.FormatInt(n, 10), true
		}
	}
	return "", false
}

// integer returns the value of a number that has no fraction, however it is written: 1, 1.0 and 1e0 are the same.
func integer(n json.Number) (int64, bool) {
	if i, err := n.Int64(); err == nil {
		return i, true
	}
	f, err := n.Float64()
	// Why not MaxInt64? As a float it is 2^63, which is one too many.
	if err != nil || f != math.Trunc(f) || f < math.MinInt64 || f >= math.MaxInt64 {
		return 0, false
	}
	return int64(f), true
}

// sortedNames returns the names of an object's properties in order.
func sortedNames(doc map[string]any) []string {
	names := make([]string, 0, len(doc))
	for name := range doc {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// truthy tells whether Lua takes v for true.
func truthy(v any) bool { return v != nil && v != false }
