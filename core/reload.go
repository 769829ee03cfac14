package core

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/polygate/polygate/core/config"
)

// reload returns the snapshot that follows when other plugins are enabled, or have other attributes.
func (b *builder) reload(plugins []string, attrs map[string]json.RawMessage, before *snapshot) *snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := newWork()
	b.plugins = plugins
	b.enablePlugins(w)
	if !maps.EqualFunc(b.maker.Attrs, attrs, func(x, y json.RawMessage) bool { return string(x) == string(y) }) {
		b.maker.Attrs = attrs
		b.forgetSets()
		w.plugins = true
	}
	b.remakeAll(w)
	return b.next(before, w, before.revision)
}

// forgetSets has every plugin configured again when its resource is made next, whether its configuration changed or not.
func (b *builder) forgetSets() {
	for _, resources := range b.byKind {
		for _, r := range resources {
			r.stale = true
		}
	}
}

// enablePlugins enables those of the store's list, or of the settings where it has none. An Admin API is the one who decides, and
// its gateway does not follow the list (apisix/admin/init.lua, sync_local_conf_to_etcd).
func (b *builder) enablePlugins(w *work) {
	names := b.plugins
	if r := b.byKind["plugins"][""]; r != nil && b.g.opts.Writer == nil {
		names = []string{}
		for _, p := range r.value.(*config.PluginList).Plugins {
			if !p.Stream {
				names = append(names, p.Name)
			}
		}
	}
	before := b.maker.Catalog.Names()
	b.maker.Catalog.Enable(names)
	w.plugins = w.plugins || !slices.Equal(before, b.maker.Catalog.Names())
}
