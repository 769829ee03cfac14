package admin

import (
	"fmt"
	"net/http"

	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/internal/jsonschema"
)

// listPlugins answers with the names of the plugins, from the highest priority to the lowest.
func (h *handler) listPlugins(q *request) (reply, error) {
	switch q.query.Get("subsystem") {
	case "", "http":
		return reply{status: http.StatusOK, body: append([]string{}, h.catalog.Names()...)}, nil
	case "stream":
		return reply{status: http.StatusOK, body: []string{}}, nil
	}
	const text = "invalid subsystem passed"
	return reply{}, &failure{text: text, reply: reply{status: http.StatusBadRequest, body: text}}
}

// reloadPlugins reads the settings of the plugins again.
func (h *handler) reloadPlugins(q *request) (reply, error) {
	if q.Method != http.MethodPut {
		return reply{}, fail(http.StatusMethodNotAllowed,
			"please use PUT method to reload the plugins, "+q.Method+" method is not allowed.")
	}
	if h.reload != nil {
		if err := h.reload(); err != nil {
			return reply{}, fmt.Errorf("reload plugins: %w", err)
		}
	}
	h.audit(q, "plugins", http.StatusOK, 0)
	return reply{status: http.StatusOK, body: "done"}, nil
}

// schema answers with the schema of a kind of resource or of a plugin.
func (h *handler) schema(q *request) (reply, error) {
	if q.Method != http.MethodGet {
		return reply{}, notFound()
	}
	name := ""
	if len(q.segs) > 1 {
		name = q.segs[1]
	}
	if q.segs[0] == "plugins" {
		return h.pluginSchema(q, name)
	}
	if name == "plugins" && len(q.segs) > 2 {
		return h.pluginSchema(q, q.segs[2])
	}
	schema, ok := config.SchemaOf(name)
	if !ok {
		return reply{}, badRequest("not found schema: " + name)
	}
	return reply{status: http.StatusOK, body: schema}, nil
}

func (h *handler) pluginSchema(q *request, name string) (reply, error) {
	subsystem := orDefault(q.query.Get("subsystem"), "http")
	if subsystem != "http" && subsystem != "stream" {
		return reply{}, badRequest("unsupported subsystem: " + subsystem)
	}
	if q.query.Get("all") == "true" {
		if subsystem == "stream" {
			return reply{status: http.StatusOK, body: struct{}{}}, nil
		}
		return reply{status: http.StatusOK, body: describe.Plugins(h.catalog)}, nil
	}
	if _, ok := h.catalog.Info(name); !ok || subsystem == "stream" {
		return reply{}, fail(http.StatusNotFound, "plugin not found in subsystem "+subsystem)
	}
	as := config.SchemaConf
	if q.query.Get("schema_type") == "consumer" {
		as = config.SchemaConsumer
	}
	schema, ok := h.catalog.Schema(name, as)
	if !ok {
		return reply{}, badRequest("not found schema")
	}
	return reply{status: http.StatusOK, body: schema}, nil
}

// validate checks a document against the schema of a kind, and against nothing else.
func (h *handler) validate(q *request) (reply, error) {
	name := ""
	if len(q.segs) > 2 {
		name = q.segs[2]
	}
	kind, ok := config.KindOf(name)
	if !ok {
		return reply{}, fail(http.StatusNotFound, "Unsupported resource type: "+name)
	}
	if err := q.read(); err != nil {
		return reply{}, err
	}
	if q.body == nil {
		return reply{}, badRequest("wrong type: expected object, got nil")
	}
	raw := kind.Schema()
	if raw == nil {
		return reply{status: http.StatusOK}, nil
	}
	schema, err := jsonschema.Compile(raw)
	if err != nil {
		return reply{}, err
	}
	if err := schema.Validate(q.body.Bytes()); err != nil {
		return reply{}, badRequest(err.Error())
	}
	return reply{status: http.StatusOK}, nil
}
