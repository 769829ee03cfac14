package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// binder is a type that takes its value from a document in its own way.
type binder interface {
	bind(doc any) error
}

// bind stores a document that its schema has accepted in dst, a pointer to a struct. It does what json.Unmarshal does, from the
// very document that was checked, with two differences: names match exactly, so that "Uri" is not "uri", and an empty array
// stands for an empty object and the other way round, as in APISIX.
func bind(dst, doc any) error {
	return bindValue(reflect.ValueOf(dst).Elem(), doc)
}

func bindValue(dst reflect.Value, doc any) error {
	if doc == nil {
		return nil
	}
	if b, ok := dst.Addr().Interface().(binder); ok {
		return b.bind(doc)
	}
	if dst.Type() == reflect.TypeFor[json.RawMessage]() {
		dst.SetBytes(encodeJSON(doc))
		return nil
	}
	switch dst.Kind() {
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		return bindValue(dst.Elem(), doc)
	case reflect.Struct:
		return bindStruct(dst, doc)
	case reflect.Slice:
		return bindSlice(dst, doc)
	case reflect.Map:
		return bindMap(dst, doc)
	}
	return bindScalar(dst, doc)
}

func bindStruct(dst reflect.Value, doc any) error {
	object, ok := doc.(map[string]any)
	if !ok && !emptyTable(doc) {
		return mismatch("an object", doc)
	}
	t := dst.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			if err := bindStruct(dst.Field(i), doc); err != nil {
				return err
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if err := bindValue(dst.Field(i), object[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func bindSlice(dst reflect.Value, doc any) error {
	items, ok := doc.([]any)
	if !ok && !emptyTable(doc) {
		return mismatch("an array", doc)
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(items), len(items)))
	for i, v := range items {
		if err := bindValue(dst.Index(i), v); err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	return nil
}

func bindMap(dst reflect.Value, doc any) error {
	object, ok := doc.(map[string]any)
	if !ok && !emptyTable(doc) {
		return mismatch("an object", doc)
	}
	dst.Set(reflect.MakeMapWithSize(dst.Type(), len(object)))
	for k, v := range object {
		elem := reflect.New(dst.Type().Elem()).Elem()
		if err := bindValue(elem, v); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		dst.SetMapIndex(reflect.ValueOf(k), elem)
	}
	return nil
}

func bindScalar(dst reflect.Value, doc any) error {
	switch v := doc.(type) {
	case string:
		if dst.Kind() == reflect.String {
			dst.SetString(v)
			return nil
		}
	case bool:
		if dst.Kind() == reflect.Bool {
			dst.SetBool(v)
			return nil
		}
	case json.Number:
		return bindNumber(dst, v)
	}
	return mismatch(scalarName(dst.Kind()), doc)
}

func bindNumber(dst reflect.Value, n json.Number) error {
	switch dst.Kind() {
	case reflect.Int, reflect.Int64:
		i, ok := integer(n)
		if !ok {
			return fmt.Errorf("%s is out of the range of integers", n)
		}
		dst.SetInt(i)
		return nil
	case reflect.Float64:
		f, err := n.Float64()
		if err != nil {
			return fmt.Errorf("%s is out of the range of numbers", n)
		}
		dst.SetFloat(f)
		return nil
	}
	return mismatch(scalarName(dst.Kind()), n)
}

// bind accepts a string or an integer.
func (id *ID) bind(doc any) error {
	s, ok := idText(doc)
	if !ok {
		return mismatch("a string or an integer", doc)
	}
	*id = ID(s)
	return nil
}

func (n *Nodes) bind(doc any) error {
	nodes, err := nodesOf(doc)
	*n = nodes
	return err
}

// emptyTable tells whether doc is an empty object or array: Lua does not tell them apart.
func emptyTable(doc any) bool {
	switch doc := doc.(type) {
	case map[string]any:
		return len(doc) == 0
	case []any:
		return len(doc) == 0
	}
	return false
}

func mismatch(want string, doc any) error {
	return fmt.Errorf("got %s, want %s", luaType(doc), want)
}

// luaType returns the name that Lua has for the type of doc.
func luaType(doc any) string {
	switch doc.(type) {
	case nil:
		return "userdata"
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	}
	return "table"
}

// scalarName returns what a kind of Go value is called in messages.
func scalarName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "a boolean"
	case reflect.Float64:
		return "a number"
	}
	return "an integer"
}
