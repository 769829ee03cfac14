package core

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/core/store"
)

// resource is one item of the store that is in service.
type resource struct {
	item   store.Item
	value  any       // of package config
	set    *plan.Set // its plugins, configured
	target *target   // its upstream
	uses   []string  // keys of what it is made of besides its item
	stale  bool      // its plugins are to be configured again
}

// is tells whether the resource was made from an item.
func (r *resource) is(item store.Item) bool {
	return r != nil && r.item.ModRev == item.ModRev && bytes.Equal(r.item.Value, item.Value)
}

// make makes a resource of a decoded item. Of the version before it keeps what has not changed.
func (b *builder) make(item store.Item, d *decoded, before *resource) (*resource, error) {
	if d.err != nil {
		return nil, d.err
	}
	if err := unserved(d.value); err != nil {
		return nil, err
	}
	if err := fits(d.value); err != nil {
		return nil, err
	}
	made := &resource{item: item, value: d.value}
	if before == nil {
		before = &resource{}
	}
	var err error
	if made.target, err = b.g.newTarget(item.Key, upstreamOf(d.value), b.clientCert, before.target); err != nil {
		return nil, err
	}
	kept := before.set
	if before.stale {
		kept = nil
	}
	if err := b.configure(made, kept); err != nil {
		return nil, err
	}
	made.uses = b.usesOf(made)
	made.slim()
	return made, nil
}

// fits tells of a value what only shows when it is put into use.
func fits(value any) error {
	switch v := value.(type) {
	case *config.Route:
		return router.Check(conditionsOf(v))
	case *config.SSL:
		_, err := ssl.New([]*config.SSL{v})
		return err
	}
	return nil
}

// slim lets go of what the set has too, or nobody asks for: there may be very many routes.
func (r *resource) slim() {
	if c, ok := r.value.(*config.Route); ok {
		c.Plugins, c.Labels = nil, nil
	}
}

// configure makes the plugins of a resource, keeping the ones that have not changed.
func (b *builder) configure(r *resource, before *plan.Set) error {
	owner := plan.Owner{Key: r.item.Key, Version: strconv.FormatInt(r.item.ModRev, 10)}
	set, err := b.maker.Make(owner, b.pluginsOf(r), b.metadata, before)
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

// pluginsOf returns the plugin configurations of a resource, those of a consumer less its credentials.
func (b *builder) pluginsOf(r *resource) config.Plugins {
	switch v := r.value.(type) {
	case *config.Route:
		if v.Plugins == nil {
			return r.set.Confs()
		}
		return v.Plugins
	case *config.Service:
		return v.Plugins
	case *config.PluginConfig:
		return v.Plugins
	case *config.GlobalRule:
		return v.Plugins
	case *config.ConsumerGroup:
		return v.Plugins
	case *config.Consumer:
		return ownPlugins(v.Plugins, b.maker.Catalog)
	}
	return nil
}

// secretPrefix is what the keys begin with under which the users of secrets are noted.
const secretPrefix = "reference to "

func secretUse(reference string) string { return secretPrefix + reference }

// retainSecrets tells which secrets the configuration in service has.
func (b *builder) retainSecrets() {
	var references []string
	for key := range b.users {
		if reference, ok := strings.CutPrefix(key, secretPrefix); ok {
			references = append(references, reference)
		}
	}
	for _, r := range b.rejected {
		references = append(references, b.references(r.item)...)
	}
	b.secrets.Retain(references)
}

// usesOf returns the keys of what a resource is made of besides its item. It is asked once: which references to secrets are seen
// depends on the plugins that are enabled.
func (b *builder) usesOf(r *resource) []string {
	kind, _, _ := config.KindOfKey(r.item.Key)
	keys := kind.PluginUses(r.item.Value)
	add := func(kind string, id config.ID) {
		if id != "" {
			keys = append(keys, kind+"/"+string(id))
		}
	}
	switch v := r.value.(type) {
	case *config.Route:
		add("services", v.ServiceID)
		add("upstreams", v.UpstreamID)
		add("plugin_configs", v.PluginConfigID)
	case *config.Service:
		add("upstreams", v.UpstreamID)
	case *config.StreamRoute:
		if v.Protocol != nil {
			add("stream_routes", v.Protocol.SuperiorID)
		}
		add("services", v.ServiceID)
		add("upstreams", v.UpstreamID)
	case *config.Consumer:
		add("consumer_groups", v.GroupID)
	case *config.Credential:
		name, _, _ := strings.Cut(r.item.Key, "/credentials/")
		keys = append(keys, name)
	}
	if u := upstreamOf(r.value); u != nil && u.TLS != nil {
		add("ssls", u.TLS.ClientCertID)
	}
	for _, reference := range b.references(r.item) {
		keys = append(keys, secretUse(reference))
	}
	return keys
}

func (b *builder) noteUses(r *resource, w *work) {
	for _, key := range r.uses {
		if b.users[key] == nil {
			b.users[key] = map[string]struct{}{}
		}
		b.users[key][r.item.Key] = struct{}{}
		w.references = w.references || strings.HasPrefix(key, secretPrefix)
	}
}

func (b *builder) forgetUses(r *resource, w *work) {
	for _, key := range r.uses {
		delete(b.users[key], r.item.Key)
		if len(b.users[key]) == 0 {
			delete(b.users, key)
		}
		w.references = w.references || strings.HasPrefix(key, secretPrefix)
	}
}

// touch notes what is to be made again because a resource changed or is gone.
func (b *builder) touch(key string, w *work) {
	kind, id, _ := config.KindOfKey(key)
	switch kind.Name {
	case "routes":
		w.routes[id] = struct{}{}
	case "services", "upstreams", "plugin_configs", "consumer_groups":
		for user := range b.users[key] {
			b.touch(user, w)
		}
	case "consumers":
		w.consumers[id] = struct{}{}
	case "credentials":
		name, _, _ := strings.Cut(id, "/credentials/")
		w.consumers[name] = struct{}{}
	case "global_rules":
		w.global = true
	case "ssls":
		w.ssls, w.retry = true, true
		maps.Copy(w.remake, b.users[key])
	case "secrets":
		w.managers, w.retry = true, true
		b.touchSecrets(id, w)
	case "plugins":
		w.plugins = true
	case "plugin_metadata":
		w.retry = true
		b.touchMetadata(id, w)
	}
}

// touchSecrets has everything made again that a manager gives secrets to.
func (b *builder) touchSecrets(manager string, w *work) {
	for key, users := range b.users {
		if strings.HasPrefix(key, secretUse("$secret://"+manager+"/")) {
			maps.Copy(w.remake, users)
		}
	}
}

// touchMetadata configures every instance of a plugin again. Resources that are behind are made again as a whole, later.
func (b *builder) touchMetadata(plugin string, w *work) {
	delete(b.metadata, plugin)
	if r := b.byKind["plugin_metadata"][plugin]; r != nil {
		b.metadata[plugin] = r.value.(*config.PluginMetadata).Conf
	}
	for _, resources := range b.byKind {
		for _, user := range resources {
			_, behind := b.behind[user.item.Key]
			if _, uses := b.pluginsOf(user)[plugin]; uses && !behind {
				b.reconfigure(user, w)
			}
		}
	}
}

func (b *builder) reconfigure(r *resource, w *work) {
	if b.judge(r, b.configure(r, r.set)) == nil {
		b.touch(r.item.Key, w)
	}
}

// try makes a resource as if it came from the store, and lets go of it: what fails here would be rejected there.
func (b *builder) try(kind, id string, value []byte) error {
	item := store.Item{Key: keyOf(kind, id), Value: value}
	references := b.references(item)
	if len(references) > 0 {
		b.secrets.Prefetch(b.g.base, references)
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	d := b.read(kind, id, value)
	_, err := b.make(item, &d, b.byKind[kind][id])
	if err != nil && b.unresolved(references) {
		// It cannot be judged before the secrets are there. Then it is rejected, if it is wrong, and that is shown.
		return nil
	}
	return err
}

// unresolved tells whether a secret is not known. The references were fetched before.
func (b *builder) unresolved(references []string) bool {
	return slices.ContainsFunc(references, func(reference string) bool {
		_, err := b.secrets.Resolve(b.g.base, reference)
		return err != nil
	})
}

// keyOf is the key of a resource whose id may still be to be made.
func keyOf(kind, id string) string {
	k, ok := config.KindOf(kind)
	if !ok {
		return kind
	}
	if id == "" || strings.HasSuffix(id, "/") {
		id += "new"
	}
	return k.Key("", id)
}

// item returns the item that the resource of a key was made from.
func (b *builder) item(key string) (store.Item, bool) {
	kind, id, ok := config.KindOfKey(key)
	if !ok {
		return store.Item{}, false
	}
	b.mu.RLock()
	defer b.mu.RUnlock()
	r := b.byKind[kind.Name][id]
	if r == nil {
		return store.Item{}, false
	}
	return r.item, true
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

// report tells what is in service, and what of the store is not.
func (b *builder) report(s *control.Status) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, key := range slices.Sorted(maps.Keys(b.rejected)) {
		s.Rejected = append(s.Rejected, b.rejected[key].Rejected)
	}
	for _, key := range slices.Sorted(maps.Keys(b.warnings)) {
		for _, w := range b.warnings[key] {
			s.Warnings = append(s.Warnings, control.Warning{Key: key, Plugin: w.Plugin, Text: w.Text})
		}
	}
	s.Counts = make(map[string]int, len(b.byKind))
	for kind, resources := range b.byKind {
		s.Counts[kind] = len(resources)
	}
}
