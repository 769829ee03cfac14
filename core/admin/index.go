package admin

import (
	"context"
	"slices"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// Index answers questions about what is in service, in a time that does not grow with how much that is. It is safe for concurrent use.
// What it finds is looked up in the store before it counts.
type Index interface {
	// CredentialOwner returns who has that credential for that plugin, and whether somebody has.
	CredentialOwner(plugin, credential string) (config.Owner, bool)
	// Users returns the store's keys of the resources that refer to a resource, for example "routes/1".
	Users(kind, id string) []string
	// Reached waits until the answers take everything up to a revision of the store into account. It reports false when ctx ends
	// before that.
	Reached(ctx context.Context, revision int64) bool
}

// reachWait bounds how long a write waits for the index to know of the writes before it. After that the store is walked.
const reachWait = 500 * time.Millisecond

// current returns the index if it knows of everything that this handler has put into the store, else nil.
func (h *handler) current(ctx context.Context) Index {
	if h.index == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reachWait)
	defer cancel()
	if !h.index.Reached(ctx, h.written.Load()) {
		return nil
	}
	return h.index
}

// wrote notes the revision of a change.
func (h *handler) wrote(revision int64) {
	for {
		before := h.written.Load()
		if before >= revision || h.written.CompareAndSwap(before, revision) {
			return
		}
	}
}

// users calls f with the resources that may refer to the one of a request until it returns false. Routes come first: so does APISIX
// look for them.
func (h *handler) users(q *request, f func(kind *config.Kind, item store.Item) bool) error {
	kinds := referrers(q.kind.Name)
	if index := h.current(q.Context()); index != nil {
		return h.indexedUsers(q, index, kinds, f)
	}
	for _, kind := range kinds {
		items, err := h.items(q.Context(), kind, kind.Name+"/")
		if err != nil {
			return err
		}
		for _, item := range items {
			if mayContain(item.Value, q.id) && !f(kind, item) {
				return nil
			}
		}
	}
	return nil
}

func (h *handler) indexedUsers(q *request, index Index, kinds []*config.Kind, f func(*config.Kind, store.Item) bool) error {
	keys := index.Users(q.kind.Name, q.below(q.id))
	slices.Sort(keys)
	for _, kind := range kinds {
		for _, key := range keys {
			if found, _, ok := config.KindOfKey(key); !ok || found != kind {
				continue
			}
			item, err := h.store.Get(q.Context(), key)
			if isNotFound(err) {
				continue
			}
			if err != nil {
				return err
			}
			if !f(kind, item) {
				return nil
			}
		}
	}
	return nil
}

// referrers returns the kinds that may refer to a kind. Routes come first.
func referrers(target string) []*config.Kind {
	var out []*config.Kind
	for _, kind := range config.Kinds() {
		refers := slices.ContainsFunc(kind.References, func(ref config.Reference) bool { return ref.Kind == target })
		switch {
		case !refers:
		case kind.Name == "routes":
			out = slices.Insert(out, 0, kind)
		default:
			out = append(out, kind)
		}
	}
	return out
}
