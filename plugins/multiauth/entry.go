package multiauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// entry is a member of a JSON object.
type entry struct {
	name string
	conf json.RawMessage
}

var errNoObject = errors.New("auth_plugins: expected an object with the name and the configuration of a plugin")

// inOrder returns the members of a JSON object as they are written: the first plugin is asked first.
func inOrder(object json.RawMessage) ([]entry, error) {
	decoder := json.NewDecoder(bytes.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errNoObject
	}
	var entries []entry
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("decode the name of a plugin: %w", err)
		}
		e := entry{name: fmt.Sprint(name)}
		if err := decoder.Decode(&e.conf); err != nil {
			return nil, fmt.Errorf("decode the configuration of %s: %w", e.name, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}
