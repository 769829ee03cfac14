package control

import (
	"encoding/json"

	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// entry is how one resource is shown.
type entry struct {
	Key      string          `json:"key"`
	Value    json.RawMessage `json:"value,omitempty"`
	Created  int64           `json:"createdIndex"`
	Modified int64           `json:"modifiedIndex"`
}

// show turns an item into what may be seen of it: with the defaults that it is served with, and without secrets, because
// the Control API asks nobody for a key.
func (a *api) show(kind string, item store.Item) entry {
	out := entry{Key: prefix + item.Key, Created: item.CreateRev, Modified: item.ModRev}
	k, ok := config.KindOf(kind)
	if !ok {
		return out
	}
	doc, err := document.Parse(a.fill(k, item.Value))
	if err != nil {
		a.log.Warn("control answer", "key", item.Key, "err", err)
		return out
	}
	listNodes(doc)
	listNodes(doc.Get("upstream"))
	a.fillPlugins(doc.Get("plugins"))
	describe.Redact(a.catalog, k, doc)
	out.Value = doc.Bytes()
	return out
}

// fill adds the defaults of the kind's schema. A value that does not fit its schema is shown as it is.
func (a *api) fill(k *config.Kind, value json.RawMessage) json.RawMessage {
	schema, ok := a.schemas[k.Name]
	if !ok {
		return value
	}
	filled, err := schema.Fill(value)
	if err != nil {
		return value
	}
	return filled
}

func (a *api) fillPlugins(plugins *document.Value) {
	plugins.Each(func(name string, conf *document.Value) bool {
		filled, err := a.catalog.Check(name, conf.Bytes(), config.SchemaConf)
		if err != nil {
			return true
		}
		if doc, err := document.Parse(filled); err == nil {
			plugins.Set(name, doc)
		}
		return true
	})
}

// listNodes turns the nodes of an upstream that are given as weights by address into a list.
func listNodes(upstream *document.Value) {
	nodes := upstream.Get("nodes")
	if !nodes.IsObject() {
		return
	}
	var list config.Nodes
	if err := json.Unmarshal(nodes.Bytes(), &list); err != nil {
		return
	}
	array := document.Array()
	for _, n := range list {
		node := document.Object()
		node.Set("host", document.String(n.Host))
		if n.Port != 0 {
			node.Set("port", document.Int(int64(n.Port)))
		}
		node.Set("weight", document.Int(int64(n.Weight)))
		array.Push(node)
	}
	upstream.Set("nodes", array)
}
