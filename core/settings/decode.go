package settings

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/internal/suggest"
)

// decoder turns a YAML tree into Settings by the struct tags of its fields:
//
//	key       name of the key, "-" for fields that are not read
//	required  an element must have it
//	min, max  range of a number, size or duration
//	oneof     the strings that are allowed, with commas between them
//	is        "ip": an address, without port
//	split     " " or ":": a string is a list with that separator; "one": a scalar is a list of one
//	skip      a string that is left out of a list
//	auto      the string "auto" is 0
type decoder struct {
	file     string
	env      Env
	problems Problems
	warnings Problems
	at       map[string]*yaml.Node // where each key's value is, by path
	fromEnv  map[*yaml.Node]bool   // scalars that came out of the environment: their type is a guess
	ignored  map[string]string     // see ignoredKeys
	moved    map[string]string     // see movedKeys
	nodes    int
	tooLarge bool
}

func newDecoder(file string, env Env) *decoder {
	return &decoder{
		file: file, env: env, ignored: ignoredKeys(), moved: movedKeys(),
		at: map[string]*yaml.Node{}, fromEnv: map[*yaml.Node]bool{},
	}
}

// place is where a value belongs: the path of its key and the tag of its field.
type place struct {
	path string
	tag  reflect.StructTag
}

func (p place) key(name string, tag reflect.StructTag) place {
	if p.path != "" {
		name = p.path + "." + name
	}
	return place{name, tag}
}

func (p place) index(i int) place {
	return place{p.path + "[" + strconv.Itoa(i) + "]", p.tag}
}

// reader is implemented by types that are written in several ways.
type reader interface {
	read(d *decoder, n *yaml.Node, p place)
}

func (d *decoder) settings(root *yaml.Node, s *Settings) {
	d.object(root, reflect.ValueOf(s).Elem(), place{})
}

func (d *decoder) fail(n *yaml.Node, key, text string) {
	d.problems = append(d.problems, Problem{d.file, n.Line, n.Column, key, text})
}

func (d *decoder) warn(n *yaml.Node, key, text string) {
	d.warnings = append(d.warnings, Problem{d.file, n.Line, n.Column, key, text})
}

// failAt reports a problem with the key at path, or with the file if the key is not in it.
func (d *decoder) failAt(path, text string) {
	n := d.at[path]
	if n == nil {
		n = &yaml.Node{}
	}
	d.fail(n, path, text)
}

func byPlace(a, b Problem) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Key, b.Key))
}

func (d *decoder) err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, byPlace)
	// An anchor that is used twice is read twice.
	return slices.Compact(d.problems)
}

func (d *decoder) sortedWarnings() []Problem {
	slices.SortStableFunc(d.warnings, byPlace)
	return d.warnings
}

// value reads n into v, whose value before is the default.
func (d *decoder) value(n *yaml.Node, v reflect.Value, p place) {
	d.at[p.path] = n
	if isNull(n) {
		if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
			v.SetZero()
		}
		return
	}
	if r, ok := v.Addr().Interface().(reader); ok {
		r.read(d, n, p)
		return
	}
	switch x := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*x = d.json(n, *x, p)
	case *map[string]json.RawMessage:
		d.jsonMap(n, x, p)
	case *time.Duration:
		d.duration(n, x, p)
	case *Size:
		d.size(n, x, p)
	case *netip.Prefix:
		d.prefix(n, x, p)
	case *string:
		d.text(n, x, p)
	case *bool:
		d.boolean(n, x, p)
	default:
		d.composite(n, v, p)
	}
}

func (d *decoder) composite(n *yaml.Node, v reflect.Value, p place) {
	switch v.Kind() {
	case reflect.Int, reflect.Int64:
		if i, ok := d.integer(n, p); ok {
			v.SetInt(i)
		}
	case reflect.Struct:
		if n.Kind != yaml.MappingNode {
			d.fail(n, p.path, "expected a mapping, got "+describe(n))
			return
		}
		d.object(n, v, p)
	case reflect.Slice:
		d.list(n, v, p)
	default:
		panic("settings: no way to read a " + v.Type().String())
	}
}

// object reads the pairs of the mapping n into the fields of the struct v.
func (d *decoder) object(n *yaml.Node, v reflect.Value, p place) {
	t := v.Type()
	fields := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("key"); key != "-" {
			fields[key] = i
		}
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		seen[key.Value] = true
		if f, ok := fields[key.Value]; ok {
			d.value(value, v.Field(f), p.key(key.Value, t.Field(f).Tag))
			continue
		}
		d.otherKey(key, value, p, fields)
	}
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if tag.Get("required") != "" && !seen[tag.Get("key")] {
			d.fail(n, p.path, "the key "+strconv.Quote(tag.Get("key"))+" is missing")
		}
	}
}

var listIndex = regexp.MustCompile(`\[\d+\]`)

// otherKey deals with a key that has no field: one of APISIX's that means nothing here, one that has moved, or an unknown one.
func (d *decoder) otherKey(key, value *yaml.Node, p place, fields map[string]int) {
	path := p.key(key.Value, "").path
	plain := listIndex.ReplaceAllString(path, "")
	if reason, ok := d.ignored[plain]; ok {
		if !isNull(value) && (value.Kind != yaml.ScalarNode || !blankSnippet(value.Value)) {
			d.warn(key, path, "ignored: "+reason)
		}
		return
	}
	if to, ok := d.moved[plain]; ok {
		if isNull(value) {
			d.warn(key, path, "ignored: this key has moved; write "+to)
			return
		}
		d.fail(key, path, "this key has moved; write "+to)
		return
	}
	candidates := make([]string, 0, len(fields))
	for name := range fields {
		candidates = append(candidates, name)
	}
	for name := range d.ignored {
		if parent := strings.TrimSuffix(name, "."+lastKey(name)); parent == listIndex.ReplaceAllString(p.path, "") {
			candidates = append(candidates, lastKey(name))
		}
	}
	text := "unknown key"
	if best := suggest.Nearest(key.Value, candidates); best != "" {
		text += "; did you mean " + strconv.Quote(best) + "?"
	}
	d.fail(key, path, text)
}

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// list reads a sequence, or what the tag "split" allows instead, into the slice v.
func (d *decoder) list(n *yaml.Node, v reflect.Value, p place) {
	items := n.Content
	if n.Kind != yaml.SequenceNode {
		items = splitScalar(n, p.tag.Get("split"))
		if items == nil {
			d.fail(n, p.path, "expected a list, got "+describe(n))
			return
		}
	}
	out := reflect.MakeSlice(v.Type(), 0, len(items))
	for i, item := range items {
		if skip := p.tag.Get("skip"); skip != "" && item.Value == skip {
			continue
		}
		before := len(d.problems)
		element := reflect.New(v.Type().Elem()).Elem()
		if isNull(item) {
			d.fail(item, p.index(i).path, "expected a value, got null")
			continue
		}
		d.value(item, element, p.index(i))
		if len(d.problems) == before {
			out = reflect.Append(out, element)
		}
	}
	v.Set(out)
}

// splitScalar returns the elements that a scalar stands for, nil if it stands for none.
func splitScalar(n *yaml.Node, how string) []*yaml.Node {
	if how == "" || n.Kind == yaml.MappingNode {
		return nil
	}
	if how == "one" {
		return []*yaml.Node{n}
	}
	items := []*yaml.Node{}
	for word := range strings.FieldsFuncSeq(n.Value, func(r rune) bool { return strings.ContainsRune(how, r) || r == ' ' }) {
		items = append(items, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: word, Line: n.Line, Column: n.Column})
	}
	return items
}
