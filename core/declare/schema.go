package declare

import (
	"maps"
	"slices"

	"github.com/polygate/polygate/core/config"
)

// schemaType returns what the plugins' configurations of a kind are for.
func schemaType(kind *config.Kind) config.SchemaType {
	if kind.Name == "consumers" || kind.Name == "credentials" {
		return config.SchemaConsumer
	}
	return config.SchemaConf
}

// schema returns the schema of what a path of an item leads to, nil where it is not known.
func (c *checker) schema(it Item, path []string) map[string]any {
	raw := it.Kind.Schema()
	switch {
	case len(path) >= 2 && path[0] == "plugins":
		as := schemaType(it.Kind)
		schema, ok := c.rules.Catalog.Schema(path[1], as)
		if !ok && as == config.SchemaConsumer {
			schema, _ = c.rules.Catalog.Schema(path[1], config.SchemaConf)
		}
		raw, path = schema, path[2:]
	case it.Kind.Identity == config.ByPlugin:
		raw, _ = c.rules.Catalog.Schema(it.ID, config.SchemaMetadata)
	}
	doc, err := decodeJSON(raw)
	if err != nil {
		return nil
	}
	for _, name := range path {
		doc = below(doc, name)
	}
	schema, _ := doc.(map[string]any)
	return schema
}

// below returns the part of a schema that is for a member, also where it stands in one of several alternatives.
func below(schema any, name string) any {
	s, _ := schema.(map[string]any)
	if found, ok := member(s, "properties", name); ok {
		return found
	}
	if items, ok := s["items"].(map[string]any); ok && digits(name) == len(name) {
		return items
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := s[word].([]any)
		for _, alternative := range list {
			if found := below(alternative, name); found != nil {
				return found
			}
		}
	}
	if rest, ok := s["additionalProperties"].(map[string]any); ok {
		return rest
	}
	return nil
}

// properties returns the names that a schema knows, nil where it names none.
func properties(schema map[string]any) []string {
	names := map[string]bool{}
	collect(schema, names)
	if len(names) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(names))
}

func collect(schema any, names map[string]bool) {
	s, _ := schema.(map[string]any)
	known, _ := s["properties"].(map[string]any)
	for name := range known {
		names[name] = true
	}
	for _, word := range []string{"allOf", "anyOf", "oneOf", "then", "else", "if", "dependencies"} {
		switch parts := s[word].(type) {
		case []any:
			for _, p := range parts {
				collect(p, names)
			}
		case map[string]any:
			if word == "dependencies" {
				for _, p := range parts {
					collect(p, names)
				}
				continue
			}
			collect(parts, names)
		}
	}
}

// open tells whether a schema lets unknown names pass without looking at them.
func open(schema map[string]any) bool {
	_, patterns := schema["patternProperties"]
	_, rest := schema["additionalProperties"]
	return !patterns && !rest
}
