package core

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/secret"
	"github.com/polygate/polygate/core/store"
)

// builder turns batches of changes into snapshots. A change costs what depends on it, not what there is. An item that is not valid
// is reported, and its last good version stays in service.
type builder struct {
	g       *Gateway
	maker   plan.Maker
	secrets *secret.Resolver
	log     *slog.Logger

	mu       sync.RWMutex
	byKind   map[string]map[string]*resource // guarded by mu for readers of other goroutines
	rejected map[string]rejection            // by key; guarded by mu
	behind   map[string]struct{}             // keys of resources in service that could not be made again; guarded by mu
	warnings map[string][]config.Warning     // by key; guarded by mu
	users    map[string]map[string]struct{}  // keys of resources by the key of what they refer to; guarded by mu
	roll     *roll                           // guarded by mu
	metadata map[string]json.RawMessage
	plugins  []string // that are enabled where the store has no list of its own; nil: all
	fallback string
}

// rejection is an item that is not in service as it is written.
type rejection struct {
	item store.Item
	control.Rejected
}

// work is what one batch changes.
type work struct {
	routes, consumers map[string]struct{} // ids of what is to be made again
	global, ssls      bool
	managers          bool                // of secrets
	references        bool                // to secrets
	plugins           bool                // which ones are enabled
	retry             bool                // what was rejected may be valid now
	remake            map[string]struct{} // keys of resources whose values are to be made again from their items
}

func newWork() *work {
	return &work{routes: map[string]struct{}{}, consumers: map[string]struct{}{}, remake: map[string]struct{}{}}
}

func newBuilder(g *Gateway, maker plan.Maker, secrets *secret.Resolver) *builder {
	return &builder{
		g: g, maker: maker, secrets: secrets, log: g.log, roll: newRoll(),
		plugins: g.opts.Settings.Plugins, fallback: g.opts.Settings.APISIX.SSL.FallbackSNI,
		byKind: map[string]map[string]*resource{}, rejected: map[string]rejection{}, behind: map[string]struct{}{}, warnings: map[string][]config.Warning{},
		users: map[string]map[string]struct{}{}, metadata: map[string]json.RawMessage{},
	}
}

// apply returns the snapshot that follows after a batch.
func (b *builder) apply(batch store.Batch, before *snapshot) *snapshot {
	// What others are made with comes first: managers of secrets, metadata of plugins, certificates.
	slices.SortStableFunc(batch.Changes, func(x, y store.Change) int { return rank(x.Key) - rank(y.Key) })
	w := newWork()
	first := slices.IndexFunc(batch.Changes, func(c store.Change) bool { return rank(c.Key) > 0 })
	if first < 0 {
		first = len(batch.Changes)
	}
	b.applyFirst(batch, batch.Changes[:first], w)
	b.prefetch(batch.Changes[first:], w)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.changeAll(batch.Changes[first:], w)
	b.remakeAll(w)
	// A full batch may come from another store, whose revisions are lower.
	revision := batch.Revision
	if !batch.Full {
		revision = max(revision, before.revision)
	}
	return b.next(before, w, revision)
}

// refresh returns the snapshot that follows when secrets have other values than before.
func (b *builder) refresh(references []string, before *snapshot) *snapshot {
	w := newWork()
	w.retry = true
	b.mu.RLock()
	for _, ref := range references {
		maps.Copy(w.remake, b.users[secretUse(ref)])
	}
	b.mu.RUnlock()
	b.prefetch(nil, w)

	b.mu.Lock()
	defer b.mu.Unlock()
	b.remakeAll(w)
	return b.next(before, w, before.revision)
}

// next returns the snapshot after the work.
func (b *builder) next(before *snapshot, w *work, revision int64) *snapshot {
	after := *before
	after.revision = revision
	b.updateRoutes(&after, w)
	if w.global {
		after.global = b.globalPlan()
	}
	if len(w.consumers) > 0 {
		after.consumers = b.updateConsumers(before.consumers, slices.Sorted(maps.Keys(w.consumers)))
	}
	if w.ssls {
		after.ssl = b.certificates()
	}
	if w.references {
		b.retainSecrets()
	}
	after.derived = newDerived(after.global)
	return &after
}

// rank orders the changes of a batch.
func rank(key string) int {
	kind, _, ok := config.KindOfKey(key)
	switch {
	case !ok:
		return 3
	case kind.Name == "secrets", kind.Name == "plugins":
		return 0
	case kind.Name == "plugin_metadata", kind.Name == "ssls":
		return 1
	}
	return 2
}

// applyFirst takes over the managers of secrets, and removes what a full batch does not list.
func (b *builder) applyFirst(batch store.Batch, managers []store.Change, w *work) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if batch.Full {
		b.removeUnlisted(batch, w)
	}
	b.changeAll(managers, w)
	if w.plugins {
		w.plugins = false
		b.enablePlugins(w)
	}
	if w.managers {
		b.secrets.SetManagers(b.managers())
	}
}

// managers are the configured managers of secrets by their ids, for example "vault/1".
func (b *builder) managers() map[string]json.RawMessage {
	all := make(map[string]json.RawMessage, len(b.byKind["secrets"]))
	for id, r := range b.byKind["secrets"] {
		all[id] = r.item.Value
	}
	return all
}

// prefetch fetches the secrets that changes and what is to be made again refer to, at the same time and before a lock is held: a
// manager may be slow.
func (b *builder) prefetch(changes []store.Change, w *work) {
	var references []string
	for _, c := range changes {
		references = append(references, b.references(c.Item)...)
	}
	references = append(references, b.waitingFor(w)...)
	if len(references) > 0 {
		slices.Sort(references)
		b.secrets.Prefetch(b.g.base, slices.Compact(references))
	}
}

// waitingFor returns the references of what is to be made again.
func (b *builder) waitingFor(w *work) []string {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var references []string
	add := func(key string) {
		if kind, id, ok := config.KindOfKey(key); ok && b.byKind[kind.Name][id] != nil {
			references = append(references, b.references(b.byKind[kind.Name][id].item)...)
		}
	}
	for key := range w.remake {
		add(key)
	}
	if w.retry {
		for key := range b.behind {
			add(key)
		}
		for _, r := range b.rejected {
			references = append(references, b.references(r.item)...)
		}
	}
	return references
}

// references are the references to secrets in an item.
func (b *builder) references(item store.Item) []string {
	kind, id, ok := config.KindOfKey(item.Key)
	if !ok {
		return nil
	}
	return b.maker.Catalog.References(kind.Name, id, item.Value)
}

func (b *builder) removeUnlisted(batch store.Batch, w *work) {
	listed := make(map[string]struct{}, len(batch.Changes))
	for _, c := range batch.Changes {
		listed[c.Key] = struct{}{}
	}
	unlisted := func(key string) bool { _, ok := listed[key]; return !ok }
	for kind, resources := range b.byKind {
		for id, r := range resources {
			if unlisted(r.item.Key) {
				b.remove(kind, id, w)
			}
		}
	}
	maps.DeleteFunc(b.rejected, func(key string, _ rejection) bool {
		gone := unlisted(key)
		w.references = w.references || gone
		return gone
	})
}
