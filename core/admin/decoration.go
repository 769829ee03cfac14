package admin

import (
	"net/http"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

// decorations are the kind that belongs to services (apisix/admin/graphql_cost_decorations.lua).
const decorations = "graphql_cost_decorations"

// decorate checks a decoration against its service and writes the service into it. It has no effect on other kinds.
func (h *handler) decorate(q *request) error {
	if q.kind.Name != decorations {
		return nil
	}
	if !q.body.IsObject() && !q.body.IsArray() {
		return badRequest("invalid configuration")
	}
	if q.Method == http.MethodPatch {
		// Also null, which would remove it: for Lua it is true.
		if given := q.body.Get("service_id"); given.IsNull() || truthy(given) {
			return badRequest("service_id can not be patched")
		}
		return h.onlyDecoration(q)
	}
	if given := q.body.Get("service_id"); truthy(given) {
		if text, _ := given.Text(); text != q.parent {
			return badRequest("wrong service_id, it is taken from the path")
		}
	}
	if err := h.ownerExists(q); err != nil {
		return err
	}
	if err := h.onlyDecoration(q); err != nil {
		return err
	}
	if q.body.IsArray() && q.body.IsEmpty() {
		q.body = document.Object()
	}
	if q.body.IsObject() {
		q.body.Set("service_id", document.String(q.parent))
	}
	return nil
}

// onlyDecoration refuses a second decoration of the same field.
func (h *handler) onlyDecoration(q *request) error {
	field := q.body.Get("field_path")
	if !truthy(field) {
		return nil
	}
	items, err := h.items(q.Context(), q.kind, q.folder())
	if err != nil {
		return err
	}
	path, _ := field.Text()
	for _, item := range items {
		doc, err := document.Parse(item.Value)
		if err != nil {
			continue
		}
		_, id, _ := config.KindOfKey(item.Key)
		_, own := q.kind.SplitID(id)
		if other, _ := doc.Get("field_path").Text(); other == path && own != q.id {
			return badRequest("field_path " + path + " is already decorated on this service by [" + own + "]")
		}
	}
	return nil
}

// truthy reports whether Lua takes a value for true.
func truthy(v *document.Value) bool {
	return v != nil && !v.IsNull() && string(v.Bytes()) != "false"
}
