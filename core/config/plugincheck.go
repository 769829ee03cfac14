package config

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/polygate/polygate/internal/expr"
)

// UnknownPluginError says that a configuration is for a plugin that is not there or not enabled.
type UnknownPluginError struct {
	Name string
}

// Error has APISIX's text.
func (e *UnknownPluginError) Error() string { return "unknown plugin [" + e.Name + "]" }

// Check checks the configuration of a plugin and returns it with the defaults of its schema. A configuration that fails its schema
// is accepted as it is when its "_meta" disables it. The errors have APISIX's texts; one of type [*UnknownPluginError] means that
// there is no such plugin.
func (c *Catalog) Check(name string, conf json.RawMessage, as SchemaType) (json.RawMessage, error) {
	doc, err := decodeJSON(conf)
	if err != nil {
		return nil, fmt.Errorf("plugin %s: %w", name, err)
	}
	filled, err := c.check(name, doc, as)
	if err != nil {
		return nil, err
	}
	return encodeJSON(filled), nil
}

// check is Check for a document; it fills in the defaults in place.
func (c *Catalog) check(name string, doc any, as SchemaType) (map[string]any, error) {
	conf, ok := object(doc)
	if !ok {
		return nil, fmt.Errorf("invalid plugin conf %s for plugin [%s]", encodeJSON(doc), name)
	}
	e, ok := c.enabled(name)
	if !ok {
		return nil, &UnknownPluginError{Name: name}
	}
	if s := e.schemaFor(as); s.compiled != nil {
		if err := s.compiled.Check(conf); err != nil && !disabled(conf) {
			return nil, fmt.Errorf("failed to check the configuration of plugin %s err: %w", name, err)
		}
	}
	if err := checkFilter(conf); err != nil {
		return nil, err
	}
	return conf, nil
}

// schemaFor returns the schema of a configuration. The plugins of a consumer that have no schema of their own for that are
// configured as they are on a route.
func (e *entry) schemaFor(as SchemaType) namedSchema {
	if as == SchemaConsumer && e.schemas[as].compiled == nil {
		return e.schemas[SchemaConf]
	}
	return e.schemas[as]
}

// checkFilter compiles the expression by which a configuration chooses its requests.
func checkFilter(conf map[string]any) error {
	filter := field(conf, "_meta")["filter"]
	if !truthy(filter) {
		return nil
	}
	return compileVars(filter)
}

// compileVars has the text of apisix/admin/routes.lua.
func compileVars(vars any) error {
	if _, err := expr.Compile(encodeJSON(vars)); err != nil {
		return fmt.Errorf("failed to validate the 'vars' expression: %w", err)
	}
	return nil
}

// Credentials returns, by the names of the plugins, the credentials by which plugins find a consumer that has this configuration.
// References to secrets are left out: their values are not known here.
func (c *Catalog) Credentials(plugins Plugins) map[string]string {
	out := map[string]string{}
	for name, raw := range plugins {
		doc, err := decodeJSON(raw)
		if err != nil {
			continue
		}
		if value, ok := c.credential(name, doc); ok {
			out[name] = strings.Clone(value)
		}
	}
	return out
}

func (c *Catalog) credential(name string, doc any) (string, bool) {
	e, ok := c.enabled(name)
	if !ok || e.info.CredentialField == "" {
		return "", false
	}
	conf, _ := object(doc)
	value, ok := conf[e.info.CredentialField].(string)
	return value, ok && !isSecretRef(value)
}
