package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// binder is a type that takes its value from a document in its own way.
type binder interface {
	bind(doc any) error
}

// bind stores a document that its schema has accepted in dst, a pointer to a struct. It does what json.Unmarshal does, from the
// very document that was checked, with two differences: names match exactly, so that "Uri" is not "uri", and an empty array
// stands for an empty object and the other way round, as in APISIX. Nothing of the document's memory is kept.
func bind(dst, doc any) error {
	return bindStruct(reflect.ValueOf(dst).Elem(), doc)
}

// bindValue stores doc, which is not nil.
func bindValue(dst reflect.Value, doc any) error {
	switch dst := dst.Addr().Interface().(type) {
	case binder:
		return dst.bind(doc)
	case *json.RawMessage:
		*dst = encodeJSON(doc)
		return nil
	case *Plugins:
		return bindMap(dst, doc, func(v any) (json.RawMessage, error) { return encodeJSON(v), nil })
	case *map[string]string:
		return bindMap(dst, doc, bindText)
	case *[]string:
		return bindTexts(dst, doc)
	}
	switch dst.Kind() {
	case reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		if dst.Elem().Kind() == reflect.Struct {
			return bindStruct(dst.Elem(), doc)
		}
		return bindScalar(dst.Elem(), doc)
	case reflect.Struct:
		return bindStruct(dst, doc)
	case reflect.Slice:
		return bindSlice(dst, doc)
	}
	return bindScalar(dst, doc)
}

// structField is a field of a struct as JSON names it.
type structField struct {
	name     string
	embedded bool
}

// structFields returns the fields of the types of all resources. They are known from the start, so that no lock is needed.
var structFields = sync.OnceValue(func() map[reflect.Type][]structField {
	out := map[reflect.Type][]structField{}
	for _, k := range Kinds() {
		addFields(out, reflect.TypeOf(k.make()).Elem())
	}
	addFields(out, reflect.TypeFor[plainNode]())
	return out
})

func addFields(out map[reflect.Type][]structField, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, ok := out[t]; ok || t.Kind() != reflect.Struct {
		return
	}
	out[t] = fieldsOf(t)
	for i := range t.NumField() {
		addFields(out, t.Field(i).Type)
	}
}

func fieldsOf(t reflect.Type) []structField {
	fields := make([]structField, t.NumField())
	for i := range fields {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[i] = structField{name: name, embedded: f.Anonymous}
	}
	return fields
}

func bindStruct(dst reflect.Value, doc any) error {
	if b, ok := dst.Addr().Interface().(binder); ok {
		return b.bind(doc)
	}
	object, ok := doc.(map[string]any)
	if !ok && !emptyTable(doc) {
		return mismatch("an object", doc)
	}
	fields, ok := structFields()[dst.Type()]
	if !ok {
		fields = fieldsOf(dst.Type())
	}
	for i, f := range fields {
		if f.embedded {
			if err := bindStruct(dst.Field(i), doc); err != nil {
				return err
			}
			continue
		}
		v := object[f.name]
		if v == nil {
			continue
		}
		if err := bindValue(dst.Field(i), v); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
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
		if v == nil {
			continue
		}
		if err := bindValue(dst.Index(i), v); err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
	}
	return nil
}

func bindTexts(dst *[]string, doc any) error {
	items, ok := doc.([]any)
	if !ok && !emptyTable(doc) {
		return mismatch("an array", doc)
	}
	*dst = make([]string, len(items))
	for i, v := range items {
		s, err := bindText(v)
		if err != nil {
			return fmt.Errorf("item %d: %w", i+1, err)
		}
		(*dst)[i] = s
	}
	return nil
}

func bindText(doc any) (string, error) {
	s, ok := doc.(string)
	if !ok && doc != nil {
		return "", mismatch("a string", doc)
	}
	return keep(s), nil
}

func bindMap[M ~map[string]V, V any](dst *M, doc any, bind func(any) (V, error)) error {
	object, ok := doc.(map[string]any)
	if !ok && !emptyTable(doc) {
		return mismatch("an object", doc)
	}
	*dst = make(M, len(object))
	for name, v := range object {
		value, err := bind(v)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		(*dst)[keep(name)] = value
	}
	return nil
}

func bindScalar(dst reflect.Value, doc any) error {
	switch v := doc.(type) {
	case string:
		if dst.Kind() == reflect.String {
			dst.SetString(keep(v))
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
	*id = ID(strings.Clone(s))
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

// commonWords are what very many resources have in common.
var commonWords = sync.OnceValue(func() map[string]string {
	words := map[string]string{}
	for _, w := range strings.Fields("GET POST PUT DELETE PATCH HEAD OPTIONS CONNECT TRACE PURGE roundrobin chash ewma least_conn http https grpc " +
		"grpcs tcp tls udp kafka pass node rewrite vars header cookie consumer vars_combinations") {
		words[w] = w
	}
	return words
})

// keep returns a string that outlives the text that it is a part of. There is one of each common word.
func keep(s string) string {
	if w, ok := commonWords()[s]; ok {
		return w
	}
	return strings.Clone(s)
}
