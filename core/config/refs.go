package config

import (
	"fmt"
	"maps"
	"slices"
)

// references asks whether the resources exist that the document refers to.
func references(e *examination) error {
	if e.refs == nil || e.unlinked {
		return nil
	}
	for _, ref := range e.kind.References {
		if ref.Plugin || ref.own {
			continue
		}
		for v := range walk(e.doc, ref.Path) {
			if err := e.reference(ref, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *examination) reference(ref Reference, property any) error {
	id, ok := idText(property)
	if !ok {
		return nil
	}
	what := fmt.Sprintf("failed to fetch %s info by %s id [%s]", ref.name, ref.name, id)
	exists, err := e.refs.Exists(ref.Kind, id)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if !exists {
		return fmt.Errorf("%s, response code: 404", what)
	}
	if ref.Type == "" {
		return nil
	}
	value, err := e.refs.Value(ref.Kind, id)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	doc, err := decodeJSON(value)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if stored, _ := object(doc); text(stored, "type") != ref.Type {
		return fmt.Errorf("%s, wrong %s type", what, ref.name)
	}
	return nil
}

// onlyGlobalRule refuses a plugin that another global rule has: it would run twice.
func onlyGlobalRule(e *examination) error {
	if e.refs == nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(field(e.doc, "plugins"))) {
		ids, err := e.refs.GlobalRules(name)
		if err != nil {
			return fmt.Errorf("look for other global rules with plugin %s: %w", name, err)
		}
		for _, id := range ids {
			if id != e.id {
				return fmt.Errorf("plugin '%s' already exists in global rule with id '%s'", name, id)
			}
		}
	}
	return nil
}
