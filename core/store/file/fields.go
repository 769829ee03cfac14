package file

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// field is one member of an object.
type field struct {
	name   string
	key    *yaml.Node
	value  *yaml.Node
	merged bool // it came from another object by "<<"
}

// fields returns the members of an object, with those that it merges. Of members with the same name the last one counts.
func (p *parser) fields(n *yaml.Node, depth int) ([]field, error) {
	if depth > depthLimit {
		return nil, errAt(n, errTooDeep)
	}
	list := make([]field, 0, len(n.Content)/2)
	at := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, errAt(key, errKey)
		}
		if key.ShortTag() == "!!merge" {
			continue
		}
		f := field{name: key.Value, key: n.Content[i], value: value}
		if j, ok := at[f.name]; ok {
			p.problem(f.key.Line, fmt.Errorf("%q stands here again; the first one is in line %d", f.name, p.lines.original(list[j].key.Line)))
			list[j] = f
			continue
		}
		at[f.name] = len(list)
		list = append(list, f)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge" {
			var err error
			if list, err = p.merge(list, at, n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// merge appends the members of the objects that "<<" names, unless the list has them.
func (p *parser) merge(list []field, at map[string]int, from *yaml.Node, depth int) ([]field, error) {
	if depth > depthLimit {
		return nil, errAt(from, errTooDeep)
	}
	if p.spent += nodeCost * (1 + len(from.Content)); p.spent > aliasBudget {
		return nil, errAt(from, errAliases)
	}
	if from.Kind == yaml.AliasNode {
		from = from.Alias
	}
	switch from.Kind {
	case yaml.SequenceNode:
		for _, c := range from.Content {
			var err error
			if list, err = p.merge(list, at, c, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case yaml.MappingNode:
		merged, err := p.fields(from, depth)
		if err != nil {
			return nil, err
		}
		for _, f := range merged {
			if _, ok := at[f.name]; !ok {
				at[f.name] = len(list)
				f.merged = true
				list = append(list, f)
			}
		}
		return list, nil
	default:
		return nil, errAt(from, errMerge)
	}
}
