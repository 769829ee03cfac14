package plugintest

import (
	"encoding/json"
	"fmt"
)

// node is the part of a JSON schema that defaults come from.
type node struct {
	Default    json.RawMessage `json:"default"`
	Properties map[string]node `json:"properties"`
	Items      *node           `json:"items"`
}

// fillDefaults puts the defaults of a schema's properties into conf, at every depth that conf has.
func fillDefaults(schema json.RawMessage, conf string) (json.RawMessage, error) {
	if schema == nil {
		return json.RawMessage(conf), nil
	}
	var root node
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	filled, err := root.fill(json.RawMessage(conf))
	if err != nil {
		return nil, fmt.Errorf("fill defaults: %w", err)
	}
	return filled, nil
}

func (n *node) fill(raw json.RawMessage) (json.RawMessage, error) {
	switch {
	case len(n.Properties) > 0 && len(raw) > 0 && raw[0] == '{':
		return n.fillObject(raw)
	case n.Items != nil && len(raw) > 0 && raw[0] == '[':
		var list []json.RawMessage
		if err := json.Unmarshal(raw, &list); err != nil {
			return nil, err
		}
		for i := range list {
			filled, err := n.Items.fill(list[i])
			if err != nil {
				return nil, err
			}
			list[i] = filled
		}
		return json.Marshal(list)
	}
	return raw, nil
}

func (n *node) fillObject(raw json.RawMessage) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	for name, property := range n.Properties {
		value, ok := object[name]
		if !ok {
			value = property.Default
		}
		if value == nil {
			continue
		}
		filled, err := property.fill(value)
		if err != nil {
			return nil, err
		}
		object[name] = filled
	}
	return json.Marshal(object)
}
