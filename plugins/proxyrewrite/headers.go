package proxyrewrite

import (
	"bytes"
	"encoding/json"
	"fmt"

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
	var groups struct{ Add, Set, Remove json.RawMessage }
	if err := json.Unmarshal(raw, &groups); err != nil {
		return nil, fmt.Errorf("decode headers: %w", err)
	}
	h := &headers{}
	var err error
	if !isGroup(groups.Add) && !isGroup(groups.Set) && !isGroup(groups.Remove) {
		h.set, err = template.Fields(raw, template.CompileCaptures)
		return h, err
	}
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
	if groups.Remove != nil {
		if err := json.Unmarshal(groups.Remove, &h.remove); err != nil {
			return nil, fmt.Errorf("decode headers to remove: %w", err)
		}
	}
	return h, nil
}

// isGroup tells a group of changes from a header field that happens to be named "add", "set" or "remove".
func isGroup(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) > 0 && (raw[0] == '{' || raw[0] == '[')
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
