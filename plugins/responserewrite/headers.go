package responserewrite

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// headers are changes of header fields, in the order in which they are made.
type headers struct {
	add    []addition
	set    []template.Field
	remove []string
}

type addition struct {
	name  string
	value *template.Template
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
		h.set, err = template.Fields(raw, template.Compile)
		return h, err
	}
	h.remove = groups.Remove
	if groups.Add != nil {
		if h.add, err = newAdditions(groups.Add); err != nil {
			return nil, err
		}
	}
	if groups.Set != nil {
		if h.set, err = template.Fields(groups.Set, template.Compile); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// newAdditions reads fields that are written as "Name: value".
func newAdditions(raw json.RawMessage) ([]addition, error) {
	var lines []string
	if err := json.Unmarshal(raw, &lines); err != nil {
		return nil, fmt.Errorf("decode headers to add: %w", err)
	}
	var additions []addition
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !ok {
			return nil, fmt.Errorf("header to add %q: want \"Name: value\"", line)
		}
		if err := template.CheckField(name, value); err != nil {
			return nil, err
		}
		additions = append(additions, addition{name, template.Compile(value)})
	}
	return additions, nil
}

// apply makes the changes. As in nginx, a field that is set to nothing is removed, and nothing is not added.
func (h *headers) apply(header sdk.Header, x sdk.Exchange) {
	if h == nil {
		return
	}
	src := template.Source{Vars: x, Escape: template.EscapeControl}
	for i := range h.add {
		if text := h.add[i].value.Text(src); text != "" {
			header.Add(h.add[i].name, text)
		}
	}
	for i := range h.set {
		if text := h.set[i].Values[0].Text(src); text != "" {
			header.Set(h.set[i].Name, text)
		} else {
			header.Del(h.set[i].Name)
		}
	}
	for _, name := range h.remove {
		header.Del(name)
	}
}
