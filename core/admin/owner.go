package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// ownerExists refuses a sub resource of what is not there.
func (h *handler) ownerExists(q *request) error {
	_, err := h.store.Get(q.Context(), q.owner())
	if isNotFound(err) {
		owner, _ := config.KindOf(q.kind.Parent)
		return fail(http.StatusNotFound, owner.Singular+" not found")
	}
	return err
}

// reclaim removes the sub resources that an earlier service of the same id has left before that revision. The service is written either
// way.
func (h *handler) reclaim(q *request, key string, revision int64) {
	items, _, err := h.store.List(q.Context(), key+"/")
	items = slices.DeleteFunc(slices.Clone(items), func(item store.Item) bool { return item.CreateRev > revision })
	if err == nil && len(items) > 0 {
		_, err = h.store.Delete(q.Context(), storeKeys(items)...)
	}
	if err != nil {
		h.log.Error("sub resources of an earlier service", "key", key, "err", err)
	}
}

// disown removes a sub resource that was just written if its owner was deleted meanwhile: the next owner of that id must not get it.
func (h *handler) disown(q *request, key string) error {
	if q.kind.Parent == "" {
		return nil
	}
	gone := h.ownerExists(q)
	if gone == nil {
		return nil
	}
	if f := (*failure)(nil); !errors.As(gone, &f) {
		// It is written. Whether it has an owner cannot be told.
		h.log.Warn("owner of a sub resource", "key", key, "err", gone)
		return nil
	}
	if _, err := h.store.Delete(q.Context(), key); err != nil {
		return err
	}
	return gone
}

// owns tells whether resources of a kind may have sub resources.
func owns(kind *config.Kind) bool {
	return slices.ContainsFunc(config.Kinds(), func(k *config.Kind) bool { return k.Parent == kind.Name })
}

// owned returns the keys of the sub resources of a resource.
func (h *handler) owned(ctx context.Context, kind *config.Kind, key string) ([]string, error) {
	if !owns(kind) {
		return nil, nil
	}
	items, _, err := h.store.List(ctx, key+"/")
	if err != nil {
		return nil, err
	}
	return storeKeys(items), nil
}

// removeLate deletes the sub resources that were written while their owner was deleted, unless it is there again.
func (h *handler) removeLate(ctx context.Context, key string, late []store.Item) error {
	if _, err := h.store.Get(ctx, key); !isNotFound(err) {
		return err
	}
	_, err := h.store.Delete(ctx, storeKeys(late)...)
	return err
}

func storeKeys(items []store.Item) []string {
	keys := make([]string, 0, len(items)+1)
	for _, item := range items {
		keys = append(keys, item.Key)
	}
	return keys
}
