package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/store"
)

// resource is one item of the store that is in service.
type resource struct {
	item   store.Item
	value  any       // of package config
	set    *plan.Set // its plugins, configured
	target *target   // its upstream
}

// builder turns batches of changes into snapshots. A change costs what depends on it, not what there is. An item that is not valid
// is reported, and its last good version stays in service.
type builder struct {
	g     *Gateway
	maker plan.Maker
	log   *slog.Logger

	mu       sync.RWMutex
	byKind   map[string]map[string]*resource // guarded by mu for readers of other goroutines
	rejected map[string]control.Rejected     // by key; guarded by mu
	metadata map[string]json.RawMessage
	users    map[string]map[string]struct{} // routes by the key of what they refer to
	fallback string
}

// work is what one batch changes.
type work struct {
	routes                  map[string]struct{} // to be made again
	consumers, global, ssls bool
}

func newBuilder(g *Gateway, maker plan.Maker, fallbackSNI string) *builder {
	return &builder{
		g: g, maker: maker, log: g.log, byKind: map[string]map[string]*resource{}, rejected: map[string]control.Rejected{},
		metadata: map[string]json.RawMessage{}, users: map[string]map[string]struct{}{}, fallback: fallbackSNI,
	}
}

// apply returns the snapshot that follows after a batch.
func (b *builder) apply(batch store.Batch, before *snapshot) *snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := work{routes: map[string]struct{}{}}
	if batch.Full {
		b.removeUnlisted(batch, &w)
	}
	// Metadata comes first: the plugins of the other changes are configured with it.
	slices.SortStableFunc(batch.Changes, func(x, y store.Change) int { return rank(x.Key) - rank(y.Key) })
	for _, c := range batch.Changes {
		b.change(c, &w)
	}
	after := *before
	after.revision = max(batch.Revision, before.revision)
	b.updateRoutes(&after, &w)
	if w.global {
		after.global = b.globalPlan()
	}
	if w.consumers {
		after.consumers = b.consumers()
	}
	if w.ssls {
		after.ssl = b.certificates()
	}
	after.derived = newDerived(after.global)
	return &after
}

func rank(key string) int {
	if strings.HasPrefix(key, "plugin_metadata/") {
		return 0
	}
	return 1
}

func (b *builder) removeUnlisted(batch store.Batch, w *work) {
	listed := make(map[string]struct{}, len(batch.Changes))
	for _, c := range batch.Changes {
		listed[c.Key] = struct{}{}
	}
	for kind, resources := range b.byKind {
		for id := range resources {
			if _, ok := listed[kind+"/"+id]; !ok {
				b.remove(kind, id, w)
			}
		}
	}
	maps.DeleteFunc(b.rejected, func(key string, _ control.Rejected) bool { _, ok := listed[key]; return !ok })
}

func (b *builder) change(c store.Change, w *work) {
	kind, id, ok := config.KindOfKey(c.Key)
	if !ok {
		b.unknown(c)
		return
	}
	known := b.byKind[kind.Name][id]
	if c.Deleted {
		delete(b.rejected, c.Key)
		if known != nil {
			b.remove(kind.Name, id, w)
		}
		return
	}
	if known != nil && known.item.ModRev == c.ModRev && bytes.Equal(known.item.Value, c.Value) {
		return
	}
	made, err := b.make(kind.Name, id, c.Item, known)
	if err != nil {
		b.reject(c, err, known != nil)
		return
	}
	delete(b.rejected, c.Key)
	b.put(kind.Name, id, made, w)
}

// unknown is a key of a kind that is not served. It is shown along with what was rejected, so that it is not ignored in silence.
func (b *builder) unknown(c store.Change) {
	if c.Deleted {
		delete(b.rejected, c.Key)
		return
	}
	if !strings.Contains(c.Key, "/") {
		return
	}
	b.reject(c, errors.New("this kind of resource is not served"), false)
}

func (b *builder) reject(c store.Change, err error, kept bool) {
	before, again := b.rejected[c.Key]
	b.rejected[c.Key] = control.Rejected{Key: c.Key, Revision: c.ModRev, Reason: err.Error()}
	if again && before.Revision == c.ModRev {
		return
	}
	instead := "it is not in service"
	if kept {
		instead = "its last good version stays in service"
	}
	b.log.Error("configuration rejected", "key", c.Key, "revision", c.ModRev, "error", err, "consequence", instead)
}

func (b *builder) make(kind, id string, item store.Item, before *resource) (*resource, error) {
	value, warnings, err := config.Decode(kind, id, item.Value, b.maker.Catalog)
	if err != nil {
		return nil, err
	}
	for _, w := range warnings {
		b.log.Warn("configuration", "key", item.Key, "warning", w)
	}
	if err := unserved(value); err != nil {
		return nil, err
	}
	if u := upstreamOf(value); u != nil && len(u.Checks) > 0 {
		b.log.Warn("configuration", "key", item.Key, "warning", "checks: nodes are not checked for their health; a request that fails at one goes to another")
	}
	made := &resource{item: item, value: value}
	if before == nil {
		before = &resource{}
	}
	if made.target, err = b.g.newTarget(upstreamOf(value)); err != nil {
		return nil, err
	}
	return made, b.configure(made, before.set)
}

// configure makes the plugins of a resource, keeping the ones that have not changed.
func (b *builder) configure(r *resource, before *plan.Set) error {
	owner := plan.Owner{Key: r.item.Key, Version: strconv.FormatInt(r.item.ModRev, 10)}
	set, err := b.maker.Make(owner, b.pluginsOf(r.value), b.metadata, before)
	if err == nil {
		r.set = set
	}
	return err
}

func upstreamOf(value any) *config.Upstream {
	switch v := value.(type) {
	case *config.Route:
		return v.Upstream
	case *config.Service:
		return v.Upstream
	case *config.Upstream:
		return v
	}
	return nil
}

func (b *builder) pluginsOf(value any) config.Plugins {
	switch v := value.(type) {
	case *config.Route:
		return v.Plugins
	case *config.Service:
		return v.Plugins
	case *config.PluginConfig:
		return v.Plugins
	case *config.GlobalRule:
		return v.Plugins
	case *config.Consumer:
		return ownPlugins(v.Plugins, b.maker.Catalog)
	}
	return nil
}

func (b *builder) put(kind, id string, r *resource, w *work) {
	if b.byKind[kind] == nil {
		b.byKind[kind] = map[string]*resource{}
	}
	if before := b.byKind[kind][id]; before != nil {
		b.forgetUse(id, before.value)
	}
	b.byKind[kind][id] = r
	b.noteUse(id, r.value)
	b.touch(kind, id, r, w)
}

func (b *builder) remove(kind, id string, w *work) {
	r := b.byKind[kind][id]
	b.forgetUse(id, r.value)
	delete(b.byKind[kind], id)
	b.touch(kind, id, nil, w)
}

// touch notes what is to be made again because of a resource, which is nil when it was removed.
func (b *builder) touch(kind, id string, r *resource, w *work) {
	switch kind {
	case "routes":
		w.routes[id] = struct{}{}
	case "services", "upstreams", "plugin_configs":
		maps.Copy(w.routes, b.users[kind+"/"+id])
		if kind == "upstreams" {
			b.touchServices(id, w)
		}
	case "consumers":
		w.consumers = true
	case "global_rules":
		w.global = true
	case "ssls":
		w.ssls = true
	case "plugin_metadata":
		b.touchMetadata(id, r, w)
	}
}

func (b *builder) touchServices(upstream string, w *work) {
	for id, s := range b.byKind["services"] {
		if string(s.value.(*config.Service).UpstreamID) == upstream {
			maps.Copy(w.routes, b.users["services/"+id])
		}
	}
}

// touchMetadata configures every instance of a plugin again.
func (b *builder) touchMetadata(plugin string, r *resource, w *work) {
	delete(b.metadata, plugin)
	if r != nil {
		b.metadata[plugin] = r.value.(*config.PluginMetadata).Conf
	}
	for kind, resources := range b.byKind {
		for id, user := range resources {
			if _, uses := b.pluginsOf(user.value)[plugin]; !uses {
				continue
			}
			if err := b.configure(user, user.set); err != nil {
				b.reject(store.Change{Item: user.item}, err, true)
				continue
			}
			if b.rejected[user.item.Key].Revision == user.item.ModRev {
				delete(b.rejected, user.item.Key)
			}
			b.touch(kind, id, user, w)
		}
	}
}

// references are the keys of what a route is made of.
func references(value any) []string {
	r, ok := value.(*config.Route)
	if !ok {
		return nil
	}
	return []string{"services/" + string(r.ServiceID), "upstreams/" + string(r.UpstreamID), "plugin_configs/" + string(r.PluginConfigID)}
}

func (b *builder) noteUse(id string, value any) {
	for _, key := range references(value) {
		if strings.HasSuffix(key, "/") {
			continue
		}
		if b.users[key] == nil {
			b.users[key] = map[string]struct{}{}
		}
		b.users[key][id] = struct{}{}
	}
}

func (b *builder) forgetUse(id string, value any) {
	for _, key := range references(value) {
		delete(b.users[key], id)
		if len(b.users[key]) == 0 {
			delete(b.users, key)
		}
	}
}

// Items returns the resources of a kind that are in service, in order of key.
func (b *builder) Items(kind string) []store.Item {
	b.mu.RLock()
	defer b.mu.RUnlock()
	items := make([]store.Item, 0, len(b.byKind[kind]))
	for _, id := range slices.Sorted(maps.Keys(b.byKind[kind])) {
		items = append(items, b.byKind[kind][id].item)
	}
	return items
}

// rejections returns what is in the store but not in service, in order of key.
func (b *builder) rejections() []control.Rejected {
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := make([]control.Rejected, 0, len(b.rejected))
	for _, key := range slices.Sorted(maps.Keys(b.rejected)) {
		out = append(out, b.rejected[key])
	}
	return out
}
