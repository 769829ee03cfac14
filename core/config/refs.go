package config

import (
	"fmt"
	"maps"
	"slices"
)

// references asks whether the resources exist that the document refers to.
func references(e *examination) error {
	if e.refs == nil {
		return nil
	}
	for _, ref := range e.kind.References {
		if ref.Plugin {
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

// uniqueCredentials refuses a credential that another consumer has (apisix/consumer.lua, check_duplicate_key).
func uniqueCredentials(e *examination) error {
	if e.refs == nil {
		return nil
	}
	plugins := field(e.doc, "plugins")
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		value, ok := e.catalog.credential(name, plugins[name])
		if !ok {
			continue
		}
		owner, err := e.refs.CredentialOwner(name, value)
		if err != nil {
			return fmt.Errorf("look for other consumers with the credential of plugin %s: %w", name, err)
		}
		if owner.Username == "" || owner.Username == text(e.doc, "username") {
			continue
		}
		info, _ := e.catalog.Info(name)
		return fmt.Errorf("duplicate %s of plugin %s found with %s", info.CredentialField, name, owner)
	}
	return nil
}

// String describes the owner as APISIX's messages do.
func (o Owner) String() string {
	if o.CredentialID != "" {
		return "credential: " + o.CredentialID + " of consumer: " + o.Username
	}
	return "consumer: " + o.Username
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
