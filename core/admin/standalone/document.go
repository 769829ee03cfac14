package standalone

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/polygate/polygate/core/store"
)

// document is a whole configuration. It does not change.
type document struct {
	given    bool // by a client; before that there is none
	digest   string
	modified int64           // seconds since 1970
	lists    map[string]list // by kind
}

// list is what there is of one kind.
type list struct {
	version float64
	items   []item
}

// item is one resource as the client wrote it, and what of it is in service.
type item struct {
	raw    string // compact JSON
	key    string // of the store; no other item has the same
	id     string // its own; empty where it has none and its position stands for it
	idName string // what that is called
	applied
}

// applied is what is in service of an item: the item itself, or an earlier one with the same modifiedIndex.
type applied struct {
	value []byte
	index float64 // the item's modifiedIndex, or the version of its list
}

// items returns what is in service. A list of plugins is one item of the store.
func (d *document) items() []store.Item {
	n := 0
	for _, l := range d.lists {
		n += len(l.items)
	}
	items := make([]store.Item, 0, n)
	for kind, l := range d.lists {
		if kind == pluginList {
			if len(l.items) > 0 {
				items = append(items, store.Item{Key: pluginList, Value: l.appendJSON(nil)})
			}
			continue
		}
		for _, it := range l.items {
			items = append(items, store.Item{Key: it.key, Value: it.value})
		}
	}
	return items
}

// pluginList is the kind whose list is one resource.
const pluginList = "plugins"

// appendJSON appends the items as the client wrote them.
func (l list) appendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i, it := range l.items {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, it.raw...)
	}
	return append(dst, ']')
}

// json returns the document as clients read it: all versions, and the lists that have items.
func (d *document) json() []byte {
	out := []byte{'{'}
	if d.given {
		out = append(out, `"X-Digest":`...)
		out = append(out, quote(d.digest)...)
		out = append(out, `,"X-Last-Modified":`...)
		out = strconv.AppendInt(out, d.modified, 10)
	}
	names := kindNames()
	slices.Sort(names)
	for _, name := range names {
		if len(out) > 1 {
			out = append(out, ',')
		}
		l := d.lists[name]
		if len(l.items) > 0 {
			out = append(append(out, '"'), name...)
			out = append(out, `":`...)
			out = append(l.appendJSON(out), ',')
		}
		out = append(append(out, '"'), name...)
		out = append(out, versionSuffix+`":`...)
		out = append(out, formatNumber(l.version)...)
	}
	return append(out, '}')
}

func quote(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return text
}

// formatNumber writes a whole number with all its digits and any other as Lua does.
func formatNumber(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strconv.FormatFloat(f, 'g', 14, 64)
}
