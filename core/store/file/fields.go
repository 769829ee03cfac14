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

// members are the members of an object, found by name.
type members struct {
	list []field
	at   map[string]int // nil while there are few of them
}

// few is how many members are looked through one by one.
const few = 12

func (m *members) find(name string) int {
	if m.at != nil {
		if i, ok := m.at[name]; ok {
			return i
		}
		return -1
	}
	for i := range m.list {
		if m.list[i].name == name {
			return i
		}
	}
	return -1
}

func (m *members) add(f field) {
	m.list = append(m.list, f)
	switch {
	case m.at != nil:
		m.at[f.name] = len(m.list) - 1
	case len(m.list) > few:
		m.at = make(map[string]int, 2*len(m.list))
		for i := range m.list {
			m.at[m.list[i].name] = i
		}
	}
}

// fields returns the members of an object, with those that it merges. Of members with the same name the last one counts.
func (p *parser) fields(n *yaml.Node, depth int) ([]field, error) {
	if depth > depthLimit {
		return nil, errAt(n, errTooDeep)
	}
	m := members{list: make([]field, 0, len(n.Content)/2)}
	merges := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		if key.Kind != yaml.ScalarNode {
			return nil, errAt(key, errKey)
		}
		if isMerge(key) {
			merges = true
			continue
		}
		f := field{name: key.Value, key: n.Content[i], value: value}
		if j := m.find(f.name); j >= 0 {
			p.problem(f.key.Line, fmt.Errorf("%q stands here again; the first one is in line %d", f.name, p.line(m.list[j].key.Line)))
			m.list[j] = f
			continue
		}
		m.add(f)
	}
	if !merges {
		return m.list, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			if err := p.merge(&m, n.Content[i+1], depth+1); err != nil {
				return nil, err
			}
		}
	}
	return m.list, nil
}

// isMerge tells whether a key stands for the members of other objects. It does not in JSON.
func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && (key.Value == "<<" || key.Tag == "!!merge") && !isLiteral(key)
}

// merge adds the members of the objects that "<<" names, unless they are there.
func (p *parser) merge(m *members, from *yaml.Node, depth int) error {
	if depth > depthLimit {
		return errAt(from, errTooDeep)
	}
	if p.spent += nodeCost * (1 + len(from.Content)); p.spent > aliasBudget {
		return errAt(from, errAliases)
	}
	if from.Kind == yaml.AliasNode {
		from = from.Alias
	}
	switch from.Kind {
	case yaml.SequenceNode:
		for _, c := range from.Content {
			if err := p.merge(m, c, depth+1); err != nil {
				return err
			}
		}
		return nil
	case yaml.MappingNode:
		merged, err := p.fields(from, depth)
		if err != nil {
			return err
		}
		for _, f := range merged {
			if m.find(f.name) < 0 {
				f.merged = true
				m.add(f)
			}
		}
		return nil
	default:
		return errAt(from, errMerge)
	}
}
