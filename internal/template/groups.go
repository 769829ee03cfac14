package template

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Groups are the changes of header fields that a configuration lists by what is done: add, set and remove.
type Groups struct {
	Add, Set json.RawMessage // nil where there is none
	Remove   []string        // names
}

// SplitGroups reads the property "headers" of a configuration. It returns nil where the property is the older form, a plain object of fields to
// set; a field of that form may well be named "add", "set" or "remove".
func SplitGroups(raw json.RawMessage) (*Groups, error) {
	var groups struct{ Add, Set, Remove json.RawMessage }
	if err := json.Unmarshal(raw, &groups); err != nil {
		return nil, fmt.Errorf("decode headers: %w", err)
	}
	if !isGroup(groups.Add) && !isGroup(groups.Set) && !isGroup(groups.Remove) {
		return nil, nil
	}
	g := &Groups{Add: groups.Add, Set: groups.Set}
	if groups.Remove != nil {
		if err := json.Unmarshal(groups.Remove, &g.Remove); err != nil {
			return nil, fmt.Errorf("decode headers to remove: %w", err)
		}
	}
	return g, nil
}

// isGroup tells a group of changes from the value of a field.
func isGroup(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && (raw[0] == '{' || raw[0] == '[')
}
