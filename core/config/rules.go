package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polygate/polygate/internal/suggest"
)

// schemaRule checks the kind's schema and fills in its defaults.
func schemaRule(e *examination) error {
	return e.schema(e.kind.SchemaName, e.doc)
}

func (e *examination) schema(name string, doc any) error {
	err := compiledSchema(name).Check(doc)
	if err != nil && !e.loading {
		return fmt.Errorf("invalid configuration: %w", err)
	}
	return err
}

// oneHost has a text of its own: the schema's would name neither property.
func oneHost(e *examination) error {
	if truthy(e.doc["host"]) && truthy(e.doc["hosts"]) {
		return errors.New("only one of host or hosts is allowed")
	}
	return nil
}

func oneRemoteAddr(e *examination) error {
	if truthy(e.doc["remote_addr"]) && truthy(e.doc["remote_addrs"]) {
		return errors.New("only one of remote_addr or remote_addrs is allowed")
	}
	return nil
}

// username compares the name in the path with the one in the value.
func username(e *examination) error {
	if e.id != "" && e.id != text(e.doc, "username") {
		return errors.New("wrong username")
	}
	return nil
}

// routeVars compiles the conditions of a route.
func routeVars(e *examination) error {
	vars, ok := e.doc["vars"]
	if !ok {
		return nil
	}
	if emptyTable(vars) {
		e.doc["vars"] = []any{}
		return nil
	}
	return compileVars(vars)
}

// lowerHosts makes the names of hosts comparable: names of hosts have no case.
func lowerHosts(e *examination) error {
	for _, name := range []string{"host", "sni"} {
		if s, ok := e.doc[name].(string); ok {
			e.doc[name] = strings.ToLower(s)
		}
	}
	for _, name := range []string{"hosts", "snis"} {
		items, _ := e.doc[name].([]any)
		for i, v := range items {
			if s, ok := v.(string); ok {
				items[i] = strings.ToLower(s)
			}
		}
	}
	return nil
}

// pluginRule checks the plugins' configurations.
func pluginRule(e *examination) error { return e.plugins(SchemaConf) }

// consumerPlugins checks the plugins' configurations of a consumer.
func consumerPlugins(e *examination) error {
	err := e.plugins(SchemaConsumer)
	if err != nil && !e.loading {
		return fmt.Errorf("invalid plugins configuration: %w", err)
	}
	return err
}

func (e *examination) plugins(as SchemaType) error {
	plugins := field(e.doc, "plugins")
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		conf, err := e.catalog.check(name, plugins[name], as)
		if unknown := (*UnknownPluginError)(nil); e.loading && !e.catalog.opts.Strict && errors.As(err, &unknown) {
			e.warnings = append(e.warnings, fmt.Sprintf("%s/%s: plugin %s is unknown or not enabled and will not run", e.kind.Name, e.id, name))
			delete(plugins, name)
			continue
		}
		if err != nil {
			return e.suggest(name, err)
		}
		plugins[name] = conf
	}
	return nil
}

// suggest adds to the error about a plugin that is unknown in a file what was probably meant. The Admin API's text is APISIX's.
func (e *examination) suggest(name string, err error) error {
	if unknown := (*UnknownPluginError)(nil); !e.loading || !errors.As(err, &unknown) {
		return err
	}
	if near := suggest.Nearest(name, e.catalog.names); near != "" {
		return fmt.Errorf("%w; did you mean %q?", err, near)
	}
	return fmt.Errorf("%w; it is not part of this gateway, or not listed under plugins in config.yaml", err)
}

// metadataRule checks the metadata of a plugin, which need not be enabled.
func metadataRule(e *examination) error {
	if e.id == "" {
		return errors.New("missing plugin name")
	}
	p, ok := e.catalog.entries[e.id]
	if !ok {
		return errors.New("invalid plugin name")
	}
	if s := p.schemas[SchemaMetadata]; s.compiled != nil {
		if err := s.compiled.Check(e.doc); err != nil {
			return fmt.Errorf("invalid configuration: %w", err)
		}
	}
	return nil
}

// loadedMetadata lets the metadata of unknown plugins pass: it has no effect until its plugin is there.
func loadedMetadata(e *examination) error {
	conf, err := e.catalog.check(e.id, e.doc, SchemaMetadata)
	if unknown := (*UnknownPluginError)(nil); errors.As(err, &unknown) {
		return nil
	}
	if err != nil {
		return err
	}
	e.doc = conf
	return nil
}
