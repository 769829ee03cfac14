package declare

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/polygate/polygate/core/config"
)

// listed tells whether an item can stand in the lists that gateways validate as a whole.
func listed(it Item) bool { return it.Kind.Parent == "" || it.Kind.Parent == "consumers" }

// Lists returns the items as the lists of a whole configuration, by the names of their folders, and which item is where. What things in a
// GraphQL schema cost is left out: such a configuration has no place for it.
func Lists(items []Item) (doc map[string][]json.RawMessage, at map[string][]Item) {
	doc, at = map[string][]json.RawMessage{}, map[string][]Item{}
	for _, it := range items {
		if !listed(it) {
			continue
		}
		folder, id, _ := strings.Cut(it.Key, "/")
		value := maps.Clone(it.Value)
		if it.Kind.Identity != config.ByName {
			value["id"] = id
		}
		doc[folder] = append(doc[folder], encodeJSON(value))
		at[folder] = append(at[folder], it)
	}
	return doc, at
}
