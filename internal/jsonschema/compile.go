package jsonschema

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/polygate/polygate/internal/regex"
)

// maxRefs is how many references may point to each other in a row.
const maxRefs = 100

// compiler compiles the parts of one schema. A part is known by its JSON pointer, so that references share and may recur.
type compiler struct {
	root  any
	nodes map[string]*node
}

// schema compiles the schema v that stands at the pointer at.
func (c *compiler) schema(at string, v any) (*node, error) {
	at, v, err := c.resolve(at, v)
	if err != nil {
		return nil, err
	}
	if n, ok := c.nodes[at]; ok {
		return n, nil
	}
	n := &node{}
	c.nodes[at] = n
	if b, ok := v.(bool); ok {
		n.verdict = &b
		return n, nil
	}
	k, err := c.keywords(at, v)
	if err != nil {
		return nil, err
	}
	k.fill(n)
	return n, k.err
}

// resolve follows references. What stands beside a reference does not count.
func (c *compiler) resolve(at string, v any) (string, any, error) {
	start := at
	for range maxRefs {
		m, _ := v.(map[string]any)
		ref, ok := m["$ref"].(string)
		if !ok {
			return at, v, nil
		}
		target, err := c.lookup(ref)
		if err != nil {
			return "", nil, fmt.Errorf("schema at %s: %w", at, err)
		}
		at, v = c.local(ref), target
	}
	return "", nil, fmt.Errorf("schema at %s: references go round in a circle", start)
}

// local returns ref without the identifier of this schema itself.
func (c *compiler) local(ref string) string {
	m, _ := c.root.(map[string]any)
	for _, key := range []string{"$id", "id"} {
		if id, _ := m[key].(string); id != "" {
			if rest, ok := strings.CutPrefix(ref, strings.TrimSuffix(id, "#")); ok {
				ref = rest
			}
		}
	}
	if ref == "" {
		return "#"
	}
	if fragment, ok := strings.CutPrefix(ref, "#"); ok {
		if plain, err := url.PathUnescape(fragment); err == nil {
			fragment = plain
		}
		return "#" + strings.TrimSuffix(fragment, "/")
	}
	return ref
}

// lookup returns the part of the schema that ref points to.
func (c *compiler) lookup(ref string) (any, error) {
	pointer, ok := strings.CutPrefix(c.local(ref), "#")
	if !ok {
		return nil, fmt.Errorf("an external resolver is required to fetch %s", ref)
	}
	v := c.root
	if pointer == "" {
		return v, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("reference not found: %s", ref)
	}
	for _, token := range strings.Split(pointer[1:], "/") {
		token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
		var found bool
		switch in := v.(type) {
		case map[string]any:
			v, found = in[token]
		case []any:
			if i, err := strconv.Atoi(token); err == nil && i >= 0 && i < len(in) {
				v, found = in[i], true
			}
		}
		if !found {
			return nil, fmt.Errorf("reference not found: %s", ref)
		}
	}
	return v, nil
}

// keywords are the keywords of one schema. The methods return what a keyword says, and nothing if it is absent; the first keyword of a
// wrong type sets err.
type keywords struct {
	c   *compiler
	at  string
	m   map[string]any
	err error
}

// keywords returns the keywords of v. An empty array is a schema without any, because Lua cannot tell it from an object.
func (c *compiler) keywords(at string, v any) (*keywords, error) {
	m, ok := v.(map[string]any)
	if list, isList := v.([]any); isList && len(list) == 0 {
		ok = true
	}
	if !ok {
		return nil, fmt.Errorf("schema at %s: a schema is an object or a boolean", at)
	}
	return &keywords{c: c, at: at, m: m}, nil
}

func (k *keywords) fail(format string, args ...any) {
	if k.err == nil {
		k.err = fmt.Errorf("schema at %s: %w", k.at, fmt.Errorf(format, args...))
	}
}

// has tells whether the keyword is there and says anything: in Lua, false says nothing for most of them.
func (k *keywords) has(name string) bool {
	v, ok := k.m[name]
	return ok && v != false && v != nil
}

func (k *keywords) float(name string) *float64 {
	if !k.has(name) {
		return nil
	}
	v := inspect(k.m[name])
	if v.kind != numberKind {
		k.fail("%s is not a number", name)
		return nil
	}
	return &v.number
}

func (k *keywords) strings(name string) []string {
	var out []string
	for _, v := range k.list(name) {
		s, ok := v.(string)
		if !ok {
			k.fail("%s has an element that is not a string", name)
		}
		out = append(out, s)
	}
	return out
}

func (k *keywords) list(name string) []any {
	if !k.has(name) {
		return nil
	}
	switch v := k.m[name].(type) {
	case []any:
		return v
	case map[string]any:
		if len(v) == 0 {
			return nil
		}
	}
	k.fail("%s is not an array", name)
	return nil
}

func (k *keywords) object(name string) map[string]any {
	if !k.has(name) {
		return nil
	}
	switch v := k.m[name].(type) {
	case map[string]any:
		return v
	case []any:
		if len(v) == 0 {
			return nil
		}
	}
	k.fail("%s is not an object", name)
	return nil
}

func (k *keywords) bool(name string) *bool {
	if b, ok := k.m[name].(bool); ok {
		return &b
	}
	return nil
}

// schema returns the schema that the keyword holds.
func (k *keywords) schema(name string) *node {
	v, ok := k.m[name]
	if !ok {
		return nil
	}
	return k.sub(v, name)
}

// sub compiles a schema that stands at the tokens below this one.
func (k *keywords) sub(v any, tokens ...string) *node {
	at := k.at
	for _, token := range tokens {
		at += "/" + strings.ReplaceAll(strings.ReplaceAll(token, "~", "~0"), "/", "~1")
	}
	n, err := k.c.schema(at, v)
	if err != nil && k.err == nil {
		k.err = err
	}
	return n
}

// schemas returns the schemas in the list that the keyword holds.
func (k *keywords) schemas(name string) []*node {
	var out []*node
	for i, v := range k.list(name) {
		out = append(out, k.sub(v, name, strconv.Itoa(i)))
	}
	return out
}

func (k *keywords) regex(pattern string) *regex.Regexp {
	re, err := regex.Compile(pattern, "jo")
	if err != nil {
		k.fail("%w", err)
	}
	return re
}

// sortedKeys returns the names in m in lexical order.
func sortedKeys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// encodeList returns a list of strings in JSON as cjson writes it.
func encodeList(list []string) string {
	if len(list) == 0 {
		return "{}"
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(list); err != nil {
		return "{}"
	}
	return strings.TrimSuffix(b.String(), "\n")
}
