package admin

import "net/http"

// dispatch finds the handler by the first segments of the path.
func (h *handler) dispatch(q *request) (reply, error) {
	switch {
	case q.Method == http.MethodPost && q.is("configs", "validate"):
		return h.validateAll(q)
	case q.is("plugins", "reload"):
		return h.reloadPlugins(q)
	case q.Method == http.MethodGet && q.is("plugins", "list"):
		return h.listPlugins(q)
	case q.Method == http.MethodPost && len(q.segs) >= 2 && q.segs[0] == "schema" && q.segs[1] == "validate":
		return h.validate(q)
	case q.segs[0] == "schema", q.segs[0] == "plugins":
		return h.schema(q)
	case h.configs != nil && q.Method != http.MethodGet:
		return reply{}, notFound()
	}
	return h.resource(q)
}

// resource serves one resource or the list of a kind.
func (h *handler) resource(q *request) (reply, error) {
	if q.segs[0] == "stream_routes" && !h.stream {
		return reply{}, badRequest("stream mode is disabled, can not add stream routes")
	}
	if err := q.resolve(); err != nil {
		return reply{}, err
	}
	// Why not ignore them, as APISIX does? What does not exist must not be taken for what it would be a part of.
	if len(q.sub) > 0 && q.Method != http.MethodPatch {
		return reply{}, notFound()
	}
	if err := q.read(); err != nil {
		return reply{}, err
	}
	if !q.kind.Allows(q.Method) {
		return reply{}, fail(http.StatusMethodNotAllowed, "not supported `"+q.Method+"` method for "+q.kind.Singular)
	}
	rep, err := h.perform(q)
	if err == nil && h.version == versionTwo {
		rep.body = asVersionTwo(q.Method, rep.body)
	}
	return rep, err
}

func (h *handler) perform(q *request) (reply, error) {
	switch q.Method {
	case http.MethodPut:
		return h.put(q)
	case http.MethodPost:
		return h.post(q)
	case http.MethodPatch:
		return h.patch(q)
	case http.MethodDelete:
		return h.delete(q)
	}
	return h.get(q)
}
