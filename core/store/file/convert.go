package file

import (
	"bytes"
	"encoding/json"

	"go.yaml.in/yaml/v3"
)

// FromYAML returns the first document of a YAML text as JSON, read as files are but without variables: scalars mean what they mean
// for APISIX, of members with the same name the last one counts, and what aliases expand to is bounded. An empty text is null.
func FromYAML(text []byte) (json.RawMessage, error) {
	root, _, err := decode(string(text))
	if err != nil {
		return nil, err
	}
	if root == nil {
		return json.RawMessage("null"), nil
	}
	e := encoder{p: newParser("", nil)}
	if err := e.node(root, 0); err != nil {
		return nil, err
	}
	return e.buf.Bytes(), nil
}

// ToYAML returns a JSON value as YAML. [FromYAML] and APISIX read it as the same value, but for nulls, and members named "<<", which
// they do not tell from a merge. Members keep their order.
func ToYAML(value json.RawMessage) ([]byte, error) {
	root, err := plainTree(value, 1)
	if err != nil {
		return nil, err
	}
	unquote(root)
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(root); err != nil {
		return nil, err
	}
	if err := enc.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// unquote takes away the quotes of strings that do not need any, and the tags that the encoder would write.
func unquote(n *yaml.Node) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			c.Tag, c.Style = "!!str", yaml.DoubleQuotedStyle
		}
		unquote(c)
	}
	switch {
	case n.Kind != yaml.ScalarNode:
	case isLiteral(n):
		n.Tag = ""
	case !mayLookOtherwise(n.Value):
		n.Style = 0
	}
}

// mayLookOtherwise tells whether a string without quotes would be something else, for APISIX or for another reader of YAML.
func mayLookOtherwise(text string) bool {
	_, ok, err := plain(text)
	return ok || err != nil || text == "<<" || text == "y" || text == "Y" || text == "n" || text == "N"
}
