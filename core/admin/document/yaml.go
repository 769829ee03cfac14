package document

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// errYAMLSize bounds what aliases may make of a small document.
var errYAMLSize = errors.New("aliases make the document too large")

// maxYAMLNodes is how many values a YAML document may come to.
const maxYAMLNodes = 1_000_000

// ParseYAML reads the first document of a YAML stream as a JSON value. Names that are not strings become strings, dates stay as they
// are written, aliases and merged mappings are filled in. Nesting beyond [MaxDepth] and numbers that JSON does not have are errors.
func ParseYAML(data []byte) (*Value, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("decode YAML: %w", err)
	}
	if root.Kind == 0 {
		return null(), nil
	}
	c := converter{}
	return c.value(&root, 0)
}

// converter turns YAML nodes into values.
type converter struct{ nodes int }

func (c *converter) value(n *yaml.Node, depth int) (*Value, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("line %d: nested more than %d levels deep", n.Line, MaxDepth)
	}
	if c.nodes++; c.nodes > maxYAMLNodes {
		return nil, errYAMLSize
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return c.value(n.Content[0], depth)
	case yaml.AliasNode:
		return c.value(n.Alias, depth+1)
	case yaml.MappingNode:
		obj := Object()
		return obj, c.members(obj, n, depth+1)
	case yaml.SequenceNode:
		arr := Array()
		for _, item := range n.Content {
			v, err := c.value(item, depth+1)
			if err != nil {
				return nil, err
			}
			arr.Push(v)
		}
		return arr, nil
	}
	return scalar(n)
}

// members puts the members of a mapping into an object. What a merged mapping has does not replace what is there.
func (c *converter) members(obj *Value, n *yaml.Node, depth int) error {
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, item := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, item)
			continue
		}
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a name that is not a scalar", key.Line)
		}
		v, err := c.value(item, depth)
		if err != nil {
			return err
		}
		obj.Set(key.Value, v)
	}
	for _, item := range merged {
		if err := c.merge(obj, item, depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *converter) merge(obj *Value, n *yaml.Node, depth int) error {
	v, err := c.value(n, depth)
	if err != nil {
		return err
	}
	for _, from := range append([]*Value{v}, v.Items()...) {
		from.Each(func(name string, value *Value) bool {
			if obj.Get(name) == nil {
				obj.Set(name, value)
			}
			return true
		})
	}
	return nil
}

// scalar returns a scalar as JSON writes it.
func scalar(n *yaml.Node) (*Value, error) {
	switch n.ShortTag() {
	case "!!null":
		return null(), nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return nil, fmt.Errorf("decode YAML: %w", err)
		}
		return &Value{raw: strconv.AppendBool(nil, b)}, nil
	case "!!int":
		var i int64
		if n.Decode(&i) == nil {
			return Int(i), nil
		}
		return number(n)
	case "!!float":
		return number(n)
	}
	return String(n.Value), nil
}

func number(n *yaml.Node) (*Value, error) {
	var f float64
	if err := n.Decode(&f); err != nil {
		return nil, fmt.Errorf("decode YAML: %w", err)
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, fmt.Errorf("line %d: %s is not a number that JSON has", n.Line, n.Value)
	}
	return &Value{raw: strconv.AppendFloat(nil, f, 'g', -1, 64)}, nil
}

func null() *Value { return &Value{raw: []byte("null")} }
