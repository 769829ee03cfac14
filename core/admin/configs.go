package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

// versionSuffix ends the names of the numbers by which clients of a whole configuration tell which of its lists are new.
const versionSuffix = "_conf_version"

// mayUseConfigs refuses the whole configuration to those who may not see or write all that it may have.
func mayUseConfigs(q *request) error {
	switch {
	case q.who.role == RoleViewer:
		return fail(http.StatusForbidden, "role viewer may not read the whole configuration, which has secrets")
	case q.who.role == RoleEditor && q.Method == http.MethodPut:
		return fail(http.StatusForbidden, "role editor may not replace the whole configuration, which may bring code")
	}
	return nil
}

// refusedConfigs is the answer about a whole configuration that is not valid.
type refusedConfigs struct {
	Text   string          `json:"error_msg"`
	Errors []refusedConfig `json:"errors"`
}

// refusedConfig is what is wrong with one item, or with a whole list where there is no index.
type refusedConfig struct {
	Kind  string          `json:"resource_type,omitempty"`
	ID    *document.Value `json:"resource_id,omitempty"`
	Index *int            `json:"index,omitempty"`
	Text  string          `json:"error"`
}

// validateAll checks a whole configuration, in JSON or YAML, and answers with all that is wrong with it. Nothing is written. References
// to other resources are not looked up, but credentials and plugins of global rules that are stored already are
// (apisix/admin/config_validate.lua).
func (h *handler) validateAll(q *request) (reply, error) {
	doc, err := q.configuration()
	if err != nil {
		return reply{}, err
	}
	lists, refused := listsOf(doc)
	refs := &references{ctx: q.Context(), handler: h}
	problems := config.Validate(lists, h.catalog, config.ValidateOptions{Stored: refs, Standalone: h.configs != nil})
	if refs.err != nil {
		return reply{}, fmt.Errorf("check references: %w", refs.err)
	}
	problems = append(problems, h.tryAll(lists, problems)...)
	for _, p := range problems {
		refused = append(refused, refusedConfig{Kind: p.Kind, ID: idOf(doc, p), Index: &p.Index, Text: p.Err.Error()})
	}
	if len(refused) > 0 {
		body := refusedConfigs{Text: "Configuration validation failed", Errors: refused}
		return reply{status: http.StatusBadRequest, body: body}, nil
	}
	return reply{status: http.StatusOK, body: struct{}{}}, nil
}

// tryAll makes the items ready for service that have no problem yet, as for a write, and returns what is wrong with those that fail.
func (h *handler) tryAll(lists map[string][]json.RawMessage, known []config.Problem) []config.Problem {
	if h.try == nil {
		return nil
	}
	type place struct {
		kind  string
		index int
	}
	wrong := make(map[place]bool, len(known))
	for _, p := range known {
		wrong[place{p.Kind, p.Index}] = true
	}
	var problems []config.Problem
	for _, kind := range config.Kinds() {
		if kind.Identity == config.Single {
			continue
		}
		for i, item := range lists[kind.Name] {
			if wrong[place{kind.Name, i}] {
				continue
			}
			if err := h.try(tried(kind, h.withoutIndex(item))); err != nil {
				problems = append(problems, config.Problem{Kind: kind.Name, Index: i, Err: err})
			}
		}
	}
	return problems
}

// withoutIndex is an item without the property that only API-driven standalone mode has, and no resource in service.
func (h *handler) withoutIndex(item json.RawMessage) json.RawMessage {
	if h.configs == nil {
		return item
	}
	doc, err := document.Parse(item)
	if err != nil {
		return item
	}
	doc.Delete("modifiedIndex")
	return doc.Bytes()
}

// tried returns the kind, the id and the value of an item. Credentials are items of the consumers' list.
func tried(kind *config.Kind, item json.RawMessage) (string, string, []byte) {
	var head struct {
		ID       config.ID `json:"id"`
		Username string    `json:"username"`
	}
	// An item without a usable id has been refused, or gets one when it is written.
	if err := json.Unmarshal(item, &head); err != nil {
		return kind.Name, "", item
	}
	id := cmp.Or(string(head.ID), head.Username)
	if kind.Identity == config.ByName && strings.Contains(id, "/credentials/") {
		return "credentials", id, item
	}
	return kind.Name, id, item
}

// configuration reads the body of a request that is a whole configuration.
func (q *request) configuration() (*document.Value, error) {
	data, err := q.readBody()
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return nil, badRequest("invalid request body: empty request body")
	}
	var doc *document.Value
	if strings.HasPrefix(q.Header.Get("Content-Type"), "application/yaml") {
		doc, err = document.ParseYAML(data)
		if err != nil || !doc.IsObject() && !doc.IsArray() {
			return nil, badRequest("invalid request body: invalid yaml request body")
		}
	} else if doc, err = document.Parse(data); err != nil {
		return nil, badRequest("invalid request body: " + err.Error())
	}
	if !doc.IsObject() && !doc.IsEmpty() {
		return nil, badRequest("invalid request body: expected object, got " + doc.Kind())
	}
	return doc, nil
}

// listsOf returns the lists of a configuration by the plurals of their kinds, and what is wrong with what should be one. An object in
// place of a list is an empty one, as in Lua.
func listsOf(doc *document.Value) (map[string][]json.RawMessage, []refusedConfig) {
	lists := make(map[string][]json.RawMessage)
	var refused []refusedConfig
	for _, kind := range config.Kinds() {
		if kind.Parent != "" {
			continue
		}
		if version := doc.Get(kind.Name + versionSuffix); truthy(version) && version.Kind() != "number" {
			text := kind.Name + versionSuffix + " must be a number, got " + version.Kind()
			refused = append(refused, refusedConfig{Kind: kind.Name, Text: text})
		}
		list := doc.Get(kind.Name)
		if truthy(list) && list.Kind() != "table" {
			text := "wrong type: expected array, got " + list.Kind()
			refused = append(refused, refusedConfig{Kind: kind.Name, Text: text})
		}
		for _, item := range list.Items() {
			lists[kind.Name] = append(lists[kind.Name], item.Bytes())
		}
	}
	return lists, refused
}

// idOf returns the id of an item as it is written, or the name of a consumer; an empty string where there is neither.
func idOf(doc *document.Value, p config.Problem) *document.Value {
	items := doc.Get(p.Kind).Items()
	if p.Index < 0 || p.Index >= len(items) {
		return document.String(p.ID)
	}
	for _, name := range []string{"id", "username"} {
		if id := items[p.Index].Get(name); truthy(id) {
			return id
		}
	}
	return document.String("")
}
