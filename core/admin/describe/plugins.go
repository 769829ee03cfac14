// Package describe shows plugins, schemas and resources to people: as APISIX's Admin and Control APIs show them, and without
// secrets where they must not be seen.
package describe

import (
	"encoding/json"

	"github.com/polygate/polygate/core/config"
)

// Plugin is what is shown of a plugin.
type Plugin struct {
	Version        string          `json:"version,omitempty"`
	Priority       int             `json:"priority"`
	Schema         json.RawMessage `json:"schema,omitempty"`
	MetadataSchema json.RawMessage `json:"metadata_schema,omitempty"`
	ConsumerSchema json.RawMessage `json:"consumer_schema,omitempty"`
	Type           string          `json:"type,omitempty"` // "auth" for plugins that find the consumer
}

// Plugins returns what is shown of the enabled plugins, by name. It is never nil.
func Plugins(c *config.Catalog) map[string]Plugin {
	out := make(map[string]Plugin)
	for _, name := range c.Names() {
		info, ok := c.Info(name)
		if !ok {
			continue
		}
		p := Plugin{Version: info.Version, Priority: info.Priority}
		p.Schema, _ = c.Schema(name, config.SchemaConf)
		p.MetadataSchema, _ = c.Schema(name, config.SchemaMetadata)
		p.ConsumerSchema, _ = c.Schema(name, config.SchemaConsumer)
		if info.Auth {
			p.Type = "auth"
		}
		out[name] = p
	}
	return out
}

// Schemas returns the schemas of the kinds of resources that APISIX's Control API shows, by the names of its schema_def.lua.
func Schemas() map[string]json.RawMessage {
	out := make(map[string]json.RawMessage)
	for _, kind := range config.Kinds() {
		if schema := kind.Schema(); schema != nil && kind.Name != "credentials" {
			out[kind.SchemaName] = schema
		}
	}
	for _, name := range []string{"upstream_hash_header_schema", "upstream_hash_vars_schema"} {
		if schema, ok := config.SchemaOf(name); ok {
			out[name] = schema
		}
	}
	return out
}
