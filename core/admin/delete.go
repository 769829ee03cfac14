package admin

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// deleted is the answer to a deletion.
type deleted struct {
	Count string `json:"deleted"`
	Key   string `json:"key"`
}

// delete removes a resource and its sub resources, unless another one refers to it.
func (h *handler) delete(q *request) (reply, error) {
	if q.id == "" {
		return reply{}, badRequest("missing " + q.kind.Singular + " id")
	}
	if q.kind.DeleteRefusal != "" && q.query.Get("force") != "true" {
		if err := h.checkUnused(q); err != nil {
			return reply{}, err
		}
	}
	key := q.key(q.id)
	if err := h.remove(q, key); err != nil {
		return reply{}, err
	}
	// A deletion does not tell its revision; the store's is at least that one.
	_, revision, err := h.store.List(q.Context(), key+"/")
	if err != nil {
		h.log.Warn("revision of a deletion", "key", key, "err", err)
	}
	h.wrote(revision)
	h.audit(q, key, http.StatusOK, revision)
	return reply{status: http.StatusOK, body: deleted{Count: "1", Key: h.prefix + "/" + key}}, nil
}

// remove deletes a key together with those of its sub resources: in one step, unless they are too many for the store.
func (h *handler) remove(q *request, key string) error {
	owned, err := h.owned(q.Context(), q.kind, key)
	if err != nil {
		return err
	}
	if len(owned) > 0 {
		// The count of a deletion does not tell whether the owner was among what was deleted.
		if _, err := h.store.Get(q.Context(), key); err != nil {
			return err
		}
	}
	n, err := h.store.Delete(q.Context(), append(owned, key)...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return err
}

// owned returns the keys of the sub resources of a resource.
func (h *handler) owned(ctx context.Context, kind *config.Kind, key string) ([]string, error) {
	owner := slices.ContainsFunc(config.Kinds(), func(k *config.Kind) bool { return k.Parent == kind.Name })
	if !owner {
		return nil, nil
	}
	items, _, err := h.store.List(ctx, key+"/")
	if err != nil {
		return nil, err
	}
	keys := make([]string, 0, len(items)+1)
	for _, item := range items {
		keys = append(keys, item.Key)
	}
	return keys, nil
}

// checkUnused refuses to delete what another resource refers to.
func (h *handler) checkUnused(q *request) error {
	var refusal error
	err := h.users(q, func(kind *config.Kind, item store.Item) bool {
		ref, ok := kind.Refers(item.Value, q.kind.Name, q.id)
		if ok {
			_, id, _ := strings.Cut(item.Key, "/")
			refusal = badRequest(q.kind.Refusal(kind, ref, id))
		}
		return !ok
	})
	return errors.Join(err, refusal)
}

// mayContain tells cheaply that a value does not name something. An escape could hide it.
func mayContain(value []byte, name string) bool {
	return bytes.Contains(value, []byte(name)) || bytes.IndexByte(value, '\\') >= 0
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }
