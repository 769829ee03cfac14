package proxyrewrite

import (
	"encoding/json"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// headers are changes of header fields, in the order in which they are made.
type headers struct {
	add    []template.Field
	set    []template.Field
	remove []string
}

// newHeaders reads the attribute headers: either {"add": …, "set": …, "remove": …}, or fields to be set.
func newHeaders(raw json.RawMessage) (*headers, error) {
	if raw == nil {
		return nil, nil
	}
	groups, err := template.SplitGroups(raw)
	if err != nil {
		return nil, err
	}
	h := &headers{}
	if groups == nil {
		h.set, err = template.Fields(raw, template.CompileCaptures)
		return h, err
	}
	h.remove = groups.Remove
	if groups.Add != nil {
		if h.add, err = template.Lists(groups.Add, template.CompileCaptures); err != nil {
			return nil, err
		}
	}
	if groups.Set != nil {
		if h.set, err = template.Lists(groups.Set, template.CompileCaptures); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (h *headers) useCaptures() bool {
	if h == nil {
		return false
	}
	for _, fields := range [][]template.Field{h.add, h.set} {
		for _, field := range fields {
			for _, value := range field.Values {
				if value.HasCaptures() {
					return true
				}
			}
		}
	}
	return false
}

// apply makes the changes. As in nginx, a field that is set to nothing is removed, and nothing is not added.
func (h *headers) apply(header sdk.Header, src template.Source) {
	for i := range h.add {
		for _, value := range h.add[i].Values {
			addText(header, h.add[i].Name, value.Text(src))
		}
	}
	for i := range h.set {
		name, values := h.set[i].Name, h.set[i].Values
		if text := values[0].Text(src); text != "" {
			header.Set(name, text)
		} else {
			header.Del(name)
		}
		for _, value := range values[1:] {
			addText(header, name, value.Text(src))
		}
	}
	for _, name := range h.remove {
		header.Del(name)
	}
}

func addText(header sdk.Header, name, text string) {
	if text != "" {
		header.Add(name, text)
	}
}
