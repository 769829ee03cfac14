package control

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// entry is how one resource is shown.
type entry struct {
	Key       string          `json:"key"`
	Value     json.RawMessage `json:"value,omitempty"`
	HasDomain bool            `json:"has_domain"` // a node is a name, not an address
	Created   int64           `json:"createdIndex,omitempty"`
	Modified  int64           `json:"modifiedIndex"`
	Original  int64           `json:"orig_modifiedIndex,omitempty"` // of a route without its plugin_config
}

// show turns an item into what may be seen of it: with the defaults that it is served with, and without secrets, because
// the Control API asks nobody for a key.
func (a *api) show(kind string, item store.Item) entry {
	out := entry{Key: a.prefix + item.Key, Created: item.CreateRev, Modified: item.ModRev}
	if kind == "routes" {
		out.Original = item.ModRev
	}
	k, ok := config.KindOf(kind)
	if !ok {
		return out
	}
	doc, err := document.Parse(a.fill(k, item.Value))
	if err != nil {
		a.log.Warn("control answer", "key", item.Key, "err", err)
		return out
	}
	if doc.IsObject() {
		// A file or another client may have written a number, or none.
		doc.Set("id", document.String(strings.TrimPrefix(item.Key, kind+"/")))
	}
	out.HasDomain = listNodes(doc) || listNodes(doc.Get("upstream"))
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

// fillPlugins adds the defaults of the plugins' schemas, and _meta, which plugins have in APISIX whether or not it was configured.
func (a *api) fillPlugins(plugins *document.Value) {
	plugins.Each(func(name string, conf *document.Value) bool {
		if filled, err := a.catalog.Check(name, conf.Bytes(), config.SchemaConf); err == nil {
			if doc, err := document.Parse(filled); err == nil {
				conf = doc
			}
		}
		if conf.IsObject() && conf.Get("_meta") == nil {
			conf.Set("_meta", document.Object())
		}
		plugins.Set(name, conf)
		return true
	})
}

// listNodes turns the nodes of an upstream that are given as weights by address into a list, and tells whether one of them is a
// name.
func listNodes(upstream *document.Value) (hasDomain bool) {
	nodes := upstream.Get("nodes")
	if nodes == nil {
		return false
	}
	var list config.Nodes
	if err := json.Unmarshal(nodes.Bytes(), &list); err != nil {
		return false
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
		_, err := netip.ParseAddr(strings.Trim(n.Host, "[]"))
		hasDomain = hasDomain || err != nil
	}
	if nodes.IsObject() && !nodes.IsEmpty() {
		upstream.Set("nodes", array)
	}
	return hasDomain
}
