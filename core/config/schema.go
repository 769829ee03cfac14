package config

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/polygate/polygate/internal/jsonschema"
)

//go:embed schema/*.json
var schemaFiles embed.FS

// schemas are the embedded schemas with all references to other files replaced by what they refer to.
var schemas = sync.OnceValue(loadSchemas)

// namedSchema is a schema as text and ready for use.
type namedSchema struct {
	raw      json.RawMessage
	compiled *jsonschema.Schema
}

// SchemaOf returns the JSON schema of that name, for example "route" or "upstream_hash_vars_schema", complete and without
// references, and whether there is one. The names are those of APISIX's schema_def.lua.
func SchemaOf(name string) (json.RawMessage, bool) {
	s, ok := schemas()[name]
	return s.raw, ok
}

// compiledSchema returns a schema that is known to exist.
func compiledSchema(name string) *jsonschema.Schema {
	return schemas()[name].compiled
}

// schemaNames returns where the schemas are by the names under which the Admin API shows them. A part below defs.json is one of its
// definitions.
func schemaNames() map[string]string {
	return map[string]string{
		"route":                                  "route.json",
		"service":                                "service.json",
		"upstream":                               "upstream.json",
		"consumer":                               "consumer.json",
		"plugin_config":                          "plugin_config.json",
		"global_rule":                            "global_rule.json",
		"consumer_group":                         "consumer_group.json",
		"credential":                             "credential.json",
		"graphql_cost_decoration":                "graphql_cost_decoration.json",
		"proto":                                  "proto.json",
		"stream_route":                           "stream_route.json",
		"secret/vault":                           "secret_vault.json",
		"secret/aws":                             "secret_aws.json",
		"secret/gcp":                             "secret_gcp.json",
		"ssl":                                    "ssl.json",
		"plugins":                                "plugins.json",
		"plugin_meta":                            "meta.json",
		"id_schema":                              "defs.json#/id",
		"host_def":                               "defs.json#/host",
		"label_value_def":                        "defs.json#/label_value",
		"method_schema":                          "defs.json#/method",
		"health_checker":                         "defs.json#/health_checker",
		"health_checker_active":                  "defs.json#/health_checker_active",
		"health_checker_passive":                 "defs.json#/health_checker_passive",
		"upstream_hash_vars_schema":              "defs.json#/upstream_hash_vars",
		"upstream_hash_header_schema":            "defs.json#/upstream_hash_header",
		"upstream_hash_vars_combinations_schema": "defs.json#/upstream_hash_vars_combinations",
	}
}

// loadSchemas panics where the embedded files are wrong: that is a mistake in this package.
func loadSchemas() map[string]namedSchema {
	l := schemaLoader{files: map[string]any{}}
	names := schemaNames()
	out := make(map[string]namedSchema, len(names))
	for name, ref := range names {
		raw := encodeJSON(l.resolve(ref))
		compiled, err := jsonschema.Compile(raw)
		if err != nil {
			panic(fmt.Sprintf("schema %s: %v", name, err))
		}
		out[name] = namedSchema{raw: raw, compiled: compiled}
	}
	return out
}

// schemaLoader puts schemas together from the embedded files.
type schemaLoader struct {
	files map[string]any
}

// resolve returns what "file.json" or "file.json#/name" refers to, with the references in it resolved.
func (l *schemaLoader) resolve(ref string) any {
	file, name, _ := strings.Cut(ref, "#/")
	doc, ok := l.files[file]
	if !ok {
		data, err := schemaFiles.ReadFile("schema/" + file)
		if err != nil {
			panic(err)
		}
		if doc, err = decodeJSON(data); err != nil {
			panic(fmt.Sprintf("schema/%s: %v", file, err))
		}
		l.files[file] = doc
	}
	if name == "" {
		return l.expand(doc)
	}
	part, ok := doc.(map[string]any)[name]
	if !ok {
		panic(fmt.Sprintf("schema/%s has no %s", file, name))
	}
	return l.expand(part)
}

func (l *schemaLoader) expand(doc any) any {
	switch doc := doc.(type) {
	case map[string]any:
		if ref, ok := doc["$ref"].(string); ok {
			return l.resolve(ref)
		}
		out := make(map[string]any, len(doc))
		for k, v := range doc {
			out[k] = l.expand(v)
		}
		return out
	case []any:
		out := make([]any, len(doc))
		for i, v := range doc {
			out[i] = l.expand(v)
		}
		return out
	}
	return doc
}
