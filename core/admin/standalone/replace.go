package standalone

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	adminjson "github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

// replace returns the document that follows, or the first thing that is wrong with the input.
func (h *handler) replace(before *document, in []input) (*document, error) {
	next := &document{lists: make(map[string]list, len(in))}
	fresh := map[string][]json.RawMessage{}
	for _, kind := range in {
		l, unknown, err := newList(before.lists[kind.kind], kind)
		if err != nil {
			return nil, err
		}
		next.lists[kind.kind] = l
		if len(unknown) > 0 {
			fresh[kind.kind] = unknown
		}
	}
	if err := h.validate(fresh); err != nil {
		return nil, err
	}
	for _, kind := range in {
		l, err := settle(before.lists[kind.kind], next.lists[kind.kind], kind)
		if err != nil {
			return nil, err
		}
		next.lists[kind.kind] = l
	}
	return next, h.try(before, next)
}

// newList makes items of the input, and returns those that were not there before, which are still to be validated. An item that is
// there twice is refused.
func newList(before list, in input) (list, []json.RawMessage, error) {
	known := make(map[string]*item, len(before.items))
	for i := range before.items {
		known[before.items[i].raw] = &before.items[i]
	}
	l := list{version: before.version + 1, items: make([]item, 0, len(in.items))}
	if in.given {
		l.version = in.version
	}
	var fresh []json.RawMessage
	keys := make(map[string]struct{}, len(in.items))
	for i, raw := range in.items {
		it := item{raw: raw}
		if old := known[raw]; old != nil {
			it.id, it.idName = old.id, old.idName
		} else {
			fresh = append(fresh, json.RawMessage(raw))
		}
		if err := it.identify(in.kind, i); err != nil {
			return list{}, nil, err
		}
		if _, again := keys[it.key]; again {
			return list{}, nil, badRequest(fmt.Sprintf("found duplicate %s %s in %s", it.idName, strings.TrimPrefix(it.key, in.kind+"/"), in.kind))
		}
		keys[it.key] = struct{}{}
		l.items = append(l.items, it)
	}
	return l, fresh, nil
}

// properties are the members of an item.
type properties map[string]json.RawMessage

// identify gives an item the key that its id, its username or its position lead to.
func (it *item) identify(kind string, index int) error {
	if it.id == "" && it.raw[0] == '{' && kind != pluginList {
		var p properties
		if err := json.Unmarshal([]byte(it.raw), &p); err != nil {
			return badBody(err.Error())
		}
		it.id, it.idName = p.text("id"), "id"
		if kind == "consumers" {
			it.idName = "credential id"
		}
		if it.id == "" {
			it.id, it.idName = p.text("username"), "username"
		}
	}
	it.key = kind + "/" + it.id
	if it.id == "" {
		it.key += "arr_" + strconv.Itoa(index+1)
		it.idName = "id"
	}
	return nil
}

// text returns a string or a number as text, "" for anything else.
func (p properties) text(name string) string {
	raw := p[name]
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if f, err := strconv.ParseFloat(string(raw), 64); err == nil {
		return formatNumber(f)
	}
	return ""
}

// validate returns the first thing that is wrong with items, and logs everything.
func (h *handler) validate(items map[string][]json.RawMessage) error {
	problems := config.Validate(items, h.opts.Catalog, config.ValidateOptions{Standalone: true})
	if len(problems) == 0 {
		return nil
	}
	const shown = 20
	for _, p := range problems[:min(shown, len(problems))] {
		h.opts.Logger.Warn("the configuration is not valid", "kind", p.Kind, "id", p.ID, "error", p.Err)
	}
	if more := len(problems) - shown; more > 0 {
		h.opts.Logger.Warn("the configuration is not valid", "more_errors", more)
	}
	return badRequest(problems[0].Err.Error())
}

// settle decides what of a list goes into service.
func settle(before, next list, in input) (list, error) {
	switch {
	case next.version < before.version:
		limit := strconv.FormatFloat(before.version, 'g', 14, 64)
		return list{}, badRequest(fmt.Sprintf("%s%s must be greater than or equal to (%s)", in.kind, versionSuffix, limit))
	case next.version == before.version:
		return before, nil
	}
	earlier := make(map[string]applied, len(before.items))
	for _, it := range before.items {
		earlier[it.key] = it.applied
	}
	for i := range next.items {
		it := &next.items[i]
		if err := it.settle(earlier[it.key], next.version); err != nil {
			return list{}, err
		}
	}
	return next, nil
}

// modifiedIndex is the property of an item by which clients tell whether it changed.
const modifiedIndex = "modifiedIndex"

// settle decides what of the item goes into service, given what is.
func (it *item) settle(before applied, version float64) error {
	it.applied = applied{value: []byte(it.raw), index: version}
	if !strings.Contains(it.raw, `"`+modifiedIndex+`"`) {
		return nil
	}
	doc, err := adminjson.Parse(it.value)
	if err != nil {
		return badBody(err.Error())
	}
	text, ok := doc.Get(modifiedIndex).Text()
	if !ok {
		return nil
	}
	if it.index, err = strconv.ParseFloat(text, 64); err != nil {
		return badRequest(fmt.Sprintf("%s: %s should be a number", it.key, modifiedIndex))
	}
	doc.Delete(modifiedIndex)
	it.value = doc.Bytes()
	if before.value != nil && before.index == it.index {
		it.applied = before
	}
	return nil
}

// try makes the resources ready that are to change.
func (h *handler) try(before, next *document) error {
	if h.opts.Try == nil {
		return nil
	}
	for _, kind := range kindNames() {
		if kind == pluginList {
			continue
		}
		l := next.lists[kind]
		served := make(map[string][]byte, len(before.lists[kind].items))
		for _, it := range before.lists[kind].items {
			served[it.key] = it.value
		}
		for _, it := range l.items {
			if value, ok := served[it.key]; ok && string(value) == string(it.value) {
				continue
			}
			k, id, ok := config.KindOfKey(it.key)
			if !ok {
				return badRequest(fmt.Sprintf("%s: it belongs to no kind of resource", it.key))
			}
			if err := h.opts.Try(k.Name, id, it.value); err != nil {
				return badRequest(err.Error())
			}
		}
	}
	return nil
}
