// Package declare holds the wanted configuration of a gateway as people write it: files in the format of APISIX's standalone mode. It reads
// them into one document, says what is wrong with it and where, compares it with what a gateway has, makes the gateway have it, and
// writes what a gateway has as such a file.
//
// A credential is an item of consumers whose id is "<username>/credentials/<id>", as in APISIX, or an item of a list named credentials
// within its consumer. Other resources that belong to another one are written the same way.
package declare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
)

// Item is one resource.
type Item struct {
	Key   string         // in the store, for example "routes/1" or "consumers/jack/credentials/c1"
	Kind  *config.Kind   // what it is
	ID    string         // behind the kind's folder, for example "1" or "jack/credentials/c1"
	Value map[string]any // without its id and without what the server sets; numbers are [json.Number]
	// Revision is that of the last change, where the item comes from a gateway; else 0.
	Revision int64

	nameless bool // the file gives it no id
	at       origin
}

// origin is where an item was written; the zero value is nowhere.
type origin struct {
	source *source
	key    string   // of the item of the file's list
	path   []string // within it
}

// Document is the configuration that one or several files want.
type Document struct {
	Items []Item // what is referred to comes first; by key within a kind
	// Plugins is the list of plugins that the files enable; nil where there is none.
	Plugins []any

	sources []*source
}

// NewItem makes an item of the value that is stored under a key, which it takes over. It reports false for a key of no kind.
func NewItem(key string, value map[string]any) (Item, bool) {
	kind, id, ok := config.KindOfKey(key)
	if !ok {
		return Item{}, false
	}
	for _, name := range []string{"id", "create_time", "update_time"} {
		delete(value, name)
	}
	if kind.Name == "graphql_cost_decorations" {
		delete(value, "service_id") // which is in the key
	}
	return Item{Key: key, Kind: kind, ID: id, Value: value}, true
}

// Text returns the value as JSON.
func (it Item) Text() json.RawMessage { return encodeJSON(it.Value) }

// Sort puts items into the order of [Document.Items].
func Sort(items []Item) {
	rank := ranks()
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(rank[a.Kind.Name], rank[b.Kind.Name]), natural(a.Key, b.Key))
	})
}

// ranks returns the places of the kinds in the order of dependency.
func ranks() map[string]int {
	out := map[string]int{}
	for i, k := range config.Kinds() {
		out[k.Name] = i
	}
	return out
}

// natural compares keys so that routes/9 comes before routes/10.
func natural(a, b string) int {
	for a != "" && b != "" {
		na, nb := digits(a), digits(b)
		if na > 0 && nb > 0 {
			x, y := strings.TrimLeft(a[:na], "0"), strings.TrimLeft(b[:nb], "0")
			if c := cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y), cmp.Compare(na, nb)); c != 0 {
				return c
			}
			a, b = a[na:], b[nb:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// Find returns the item with a key.
func (d *Document) Find(key string) (Item, bool) {
	for _, it := range d.Items {
		if it.Key == key {
			return it, true
		}
	}
	return Item{}, false
}

// unnamed returns a problem for each item without an id, which would be another resource whenever the file changes.
func (d *Document) unnamed() []Problem {
	var list []Problem
	for _, it := range d.Items {
		if it.nameless {
			list = append(list, d.problem(it, nil, fmt.Sprintf("the %s has no id; write one, so that it stays the same resource when the file changes", it.Kind.Singular)))
		}
	}
	return list
}
