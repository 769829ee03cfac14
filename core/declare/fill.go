package declare

import (
	"encoding/json"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/internal/jsonschema"
)

// filler adds the defaults to values, so that a value that spells one out is equal to one that does not. It belongs to one goroutine.
type filler struct {
	catalog *config.Catalog
	schemas map[string]*jsonschema.Schema
}

// fill returns a copy of an item's value with its defaults.
func (f *filler) fill(it Item, value map[string]any) map[string]any {
	if it.Kind.Identity == config.ByPlugin {
		doc, err := decodeJSON(f.plugin(it.ID, encodeJSON(value), config.SchemaMetadata))
		if out, ok := doc.(map[string]any); ok && err == nil {
			return out
		}
		return value
	}
	out, _ := clone(value).(map[string]any)
	if s := f.schema(it.Kind); s != nil {
		_ = s.Check(out) // it fills in what it can, also where the value is not valid
	}
	plugins, _ := out["plugins"].(map[string]any)
	for name, conf := range plugins {
		if doc, err := decodeJSON(f.plugin(name, encodeJSON(conf), schemaType(it.Kind))); err == nil {
			plugins[name] = doc
		}
	}
	return out
}

func (f *filler) plugin(name string, conf json.RawMessage, as config.SchemaType) json.RawMessage {
	filled, err := f.catalog.Check(name, conf, as)
	if err != nil {
		return conf
	}
	return filled
}

func (f *filler) schema(kind *config.Kind) *jsonschema.Schema {
	if s, ok := f.schemas[kind.Name]; ok {
		return s
	}
	s, err := jsonschema.Compile(kind.Schema())
	if err != nil {
		s = nil // a kind whose resources have schemas of their own
	}
	f.schemas[kind.Name] = s
	return s
}
