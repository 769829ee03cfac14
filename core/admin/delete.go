package admin

import (
	"bytes"
	"errors"
	"net/http"
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
	// Why is the index not told to wait for it? A deletion does not tell its revision, and that of a store which others share may be one
	// that the index never reaches. What the index has too much is looked up in the store anyway.
	late, revision, err := h.store.List(q.Context(), key+"/")
	if err == nil && len(late) > 0 && owns(q.kind) {
		err = h.removeLate(q.Context(), key, late)
	}
	if err != nil {
		h.log.Warn("what is left behind a deletion", "key", key, "err", err)
	}
	h.audit(q, key, http.StatusOK, revision)
	return reply{status: http.StatusOK, body: deleted{Count: "1", Key: h.prefix + "/" + key}}, nil
}

// remove deletes a key together with those of its sub resources: in one step, unless they are too many for the store. Sub resources
// without an owner are deleted as well, before it is told that there is none.
func (h *handler) remove(q *request, key string) error {
	owned, err := h.owned(q.Context(), q.kind, key)
	if err != nil {
		return err
	}
	var missing error
	if len(owned) > 0 {
		// The count of a deletion does not tell whether the owner was among what was deleted.
		if _, missing = h.store.Get(q.Context(), key); missing != nil && !isNotFound(missing) {
			return missing
		}
	}
	n, err := h.store.Delete(q.Context(), append(owned, key)...)
	if err == nil && n == 0 {
		return store.ErrNotFound
	}
	return errors.Join(err, missing)
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
