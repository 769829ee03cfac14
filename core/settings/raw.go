package settings

import (
	"encoding/json"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// json turns n into JSON, merged over base if both are objects.
func (d *decoder) json(n *yaml.Node, base json.RawMessage, p place) json.RawMessage {
	value := d.plain(n, p)
	if len(base) > 0 {
		var old any
		if err := json.Unmarshal(base, &old); err == nil {
			value = d.overlay(n, old, value, p)
		}
	}
	out, err := json.Marshal(value)
	if err != nil {
		d.fail(n, p.path, "cannot be written as JSON: "+err.Error())
		return base
	}
	return out
}

func (d *decoder) jsonMap(n *yaml.Node, x *map[string]json.RawMessage, p place) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, p.path, "expected a mapping, got "+describe(n))
		return
	}
	if *x == nil {
		*x = map[string]json.RawMessage{}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		at := p.key(name, "")
		d.at[at.path] = value
		if isNull(value) {
			delete(*x, name)
			continue
		}
		(*x)[name] = d.json(value, (*x)[name], at)
	}
}

// plain turns n into the values that encoding/json writes.
func (d *decoder) plain(n *yaml.Node, p place) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			m[key] = d.plain(n.Content[i+1], p.key(key, ""))
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = d.plain(item, p.index(i))
		}
		return list
	}
	return d.plainScalar(n, p)
}

func (d *decoder) plainScalar(n *yaml.Node, p place) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return json.Number(strconv.FormatInt(i, 10))
		}
		var u uint64
		if n.Decode(&u) == nil {
			return json.Number(strconv.FormatUint(u, 10))
		}
	case "!!float":
		var f float64
		if n.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	default:
		return n.Value
	}
	d.fail(n, p.path, "not a value that JSON has: "+n.Value)
	return nil
}

// overlay merges value over old: objects key by key, a null removes a key, anything else replaces what it must be of the same
// type as. n is the node of value.
func (d *decoder) overlay(n *yaml.Node, old, value any, p place) any {
	before, ok := old.(map[string]any)
	after, isMap := value.(map[string]any)
	if !ok || !isMap {
		if want := jsonType(old); want != "" && want != jsonType(value) {
			d.fail(n, p.path, "expected "+want+", got "+describe(n))
			return old
		}
		return value
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, node := n.Content[i].Value, n.Content[i+1]
		switch was, found := before[key]; {
		case isNull(node):
			delete(before, key)
		case found:
			before[key] = d.overlay(node, was, after[key], p.key(key, ""))
		default:
			before[key] = after[key]
		}
	}
	return before
}

func jsonType(v any) string {
	switch v.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case float64, json.Number:
		return "a number"
	}
	return ""
}
