package declare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
)

var errLabel = errors.New("a label is written name=value")

// ParseLabels reads labels that are written name=value.
func ParseLabels(list []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, text := range list {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" || value == "" {
			return nil, fmt.Errorf("%q: %w", text, errLabel)
		}
		labels[name] = value
	}
	return labels, nil
}

// selection is what labels choose. What belongs to a resource is chosen with it, whatever its own labels are.
type selection struct {
	labels map[string]string
	kinds  map[string]bool // that have labels
	owners map[string]Item // by key
}

func newSelection(labels map[string]string, items ...[]Item) *selection {
	s := &selection{labels: labels, kinds: labelKinds(), owners: map[string]Item{}}
	for _, list := range items {
		for _, it := range list {
			if it.Kind.Parent == "" && len(labels) > 0 {
				s.owners[it.Key] = it
			}
		}
	}
	return s
}

// has tells whether a resource belongs to the selection. Those of kinds without labels do.
func (s *selection) has(it Item) bool {
	it = s.owner(it)
	if !s.kinds[it.Kind.Name] {
		return true
	}
	for name, value := range s.labels {
		if got, _ := member(it.Value, "labels", name); got != value {
			return false
		}
	}
	return true
}

// owns tells whether a resource may be deleted: only what can say by its labels that it belongs to the selection.
func (s *selection) owns(it Item) bool {
	return len(s.labels) == 0 || s.kinds[s.owner(it).Kind.Name] && s.has(it)
}

// owner returns the resource that an item belongs to, or the item itself.
func (s *selection) owner(it Item) Item {
	if it.Kind.Parent == "" {
		return it
	}
	id, _ := it.Kind.SplitID(it.ID)
	if owner, ok := s.owners[it.Kind.Parent+"/"+id]; ok {
		return owner
	}
	return it
}

// Select returns the items that have the labels, with what belongs to them, and those of kinds without labels.
func Select(items []Item, labels map[string]string) []Item {
	s := newSelection(labels, items)
	return slices.DeleteFunc(slices.Clone(items), func(it Item) bool { return !s.has(it) })
}

// labelKinds returns the kinds whose resources have labels.
func labelKinds() map[string]bool {
	out := map[string]bool{}
	for _, kind := range config.Kinds() {
		if schema, err := decodeJSON(kind.Schema()); err == nil {
			_, out[kind.Name] = member(schema, "properties", "labels")
		}
	}
	return out
}

func spellLabels(labels map[string]string) string {
	out := ""
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if out != "" {
			out += ","
		}
		out += name + "=" + labels[name]
	}
	return out
}

// Remaining tells which of the resources that a gateway has are still there after the changes.
func Remaining(have []Item, changes []Change) func(kind, id string) bool {
	keys := make(map[string]bool, len(have))
	for _, it := range have {
		keys[it.Key] = true
	}
	for _, c := range changes {
		if c.Op == Delete {
			delete(keys, c.Item.Key)
		}
	}
	return func(kind, id string) bool { return keys[kind+"/"+id] }
}
