package admin

import (
	"bytes"
	"net/http"
	"strconv"

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
	children, _, err := h.store.List(q.Context(), key+"/")
	if err != nil {
		return reply{}, err
	}
	if len(children) > 0 {
		keys := make([]string, 0, len(children))
		for _, child := range children {
			keys = append(keys, child.Key)
		}
		if _, err := h.store.Delete(q.Context(), keys...); err != nil {
			return reply{}, err
		}
	}
	n, err := h.store.Delete(q.Context(), key)
	if err != nil {
		return reply{}, err
	}
	if n == 0 {
		return reply{}, store.ErrNotFound
	}
	// A deletion does not tell its revision; the store's is at least that one.
	_, revision, err := h.store.List(q.Context(), key+"/")
	if err != nil {
		h.log.Warn("revision of a deletion", "key", key, "err", err)
	}
	h.audit(q, key, http.StatusOK, revision)
	return reply{status: http.StatusOK, body: deleted{Count: strconv.FormatInt(n, 10), Key: h.prefix + "/" + key}}, nil
}

// checkUnused refuses to delete what another resource refers to.
func (h *handler) checkUnused(q *request) error {
	for _, kind := range referrers(q.kind.Name) {
		items, err := h.items(q, kind.Name)
		if err != nil {
			return err
		}
		for _, item := range items {
			if !mayContain(item.Value, q.id) {
				continue
			}
			ref, ok := kind.Refers(item.Value, q.kind.Name, q.id)
			if !ok {
				continue
			}
			who := shownName(kind) + " [" + item.Key[len(kind.Name)+1:] + "] is still using it now"
			if ref.Plugin {
				who = "plugin in " + who
			}
			return badRequest(q.kind.DeleteRefusal + ", " + who)
		}
	}
	return nil
}

// referrers returns the kinds that may refer to a kind. Routes come first: so does APISIX look for them.
func referrers(target string) []*config.Kind {
	var out []*config.Kind
	for _, kind := range config.Kinds() {
		for _, ref := range kind.References {
			if ref.Kind != target {
				continue
			}
			if kind.Name == "routes" {
				out = append([]*config.Kind{kind}, out...)
			} else {
				out = append(out, kind)
			}
			break
		}
	}
	return out
}

// shownName is a kind's name in the messages about references.
func shownName(kind *config.Kind) string {
	if kind.Name == "global_rules" {
		return kind.Name
	}
	return kind.SchemaName
}

// mayContain tells cheaply that a value does not name something. An escape could hide it.
func mayContain(value []byte, name string) bool {
	return bytes.Contains(value, []byte(name)) || bytes.IndexByte(value, '\\') >= 0
}
