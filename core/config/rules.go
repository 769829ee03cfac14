package config

import (
	"errors"
	"fmt"
	"strings"

	"github.com/polygate/polygate/internal/jsonpath"
	"github.com/polygate/polygate/internal/suggest"
)

// schemaRule checks the kind's schema and fills in its defaults.
func schemaRule(e *examination) error {
	return e.schema(e.kind.SchemaName, e.doc)
}

func (e *examination) schema(name string, doc any) error {
	err := compiledSchema(name).Check(doc)
	if err != nil && !e.loading {
		return &schemaError{err}
	}
	return err
}

// schemaError is what the Admin API says of a value that does not fit its schema.
type schemaError struct {
	err error
}

func (e *schemaError) Error() string { return "invalid configuration: " + e.err.Error() }

func (e *schemaError) Unwrap() error { return e.err }

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
	if err := compileVars(vars); err != nil || e.loading {
		return err
	}
	return bodyPaths(vars)
}

// bodyPaths compiles the paths into the body that an expression names (apisix/admin/routes.lua, validate_post_arg).
func bodyPaths(vars any) error {
	list, _ := vars.([]any)
	if len(list) >= 3 {
		name, _ := list[0].(string)
		if path, ok := strings.CutPrefix(name, "post_arg."); ok {
			if _, err := jsonpath.Compile("$." + path); err != nil {
				return fmt.Errorf("failed to validate the 'vars' expression: invalid expression: %w", err)
			}
			return nil
		}
	}
	for _, v := range list {
		if err := bodyPaths(v); err != nil {
			return err
		}
	}
	return nil
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

// plugins checks the plugins' configurations. On loading it decrypts them before and puts in their secrets after it.
func (e *examination) plugins(as SchemaType) error {
	return e.eachPlugin(func(name string, conf any) (any, error) {
		if e.loading {
			e.catalog.decryptConf(name, conf)
		}
		checked, err := e.catalog.check(name, conf, as)
		if err != nil {
			return nil, err
		}
		if e.loading && !e.resolvePlugin(name, checked, as) {
			return nil, nil
		}
		return checked, nil
	})
}

// eachPlugin replaces each plugin's configuration by what f makes of it; nil leaves it out. Unknown plugins are left out on loading,
// unless the catalog is strict.
func (e *examination) eachPlugin(f func(name string, conf any) (any, error)) error {
	plugins := field(e.doc, "plugins")
	var errs []error
	for _, name := range sortedNames(plugins) {
		conf, err := f(name, plugins[name])
		if unknown := (*UnknownPluginError)(nil); e.loading && !e.catalog.opts.Strict && errors.As(err, &unknown) {
			e.warn(name, fmt.Sprintf("plugin %s of %s is unknown or not enabled and does not run", name, e.key()))
			err = nil
		}
		switch {
		case err != nil && !e.every:
			return e.suggest(name, err)
		case err != nil:
			errs = append(errs, e.suggest(name, err))
		case conf == nil:
			delete(plugins, name)
		default:
			plugins[name] = conf
		}
	}
	return errors.Join(errs...)
}

// suggest adds to the error about a plugin that is unknown in a file what was probably meant. The Admin API's text is APISIX's.
func (e *examination) suggest(name string, err error) error {
	if unknown := (*UnknownPluginError)(nil); !e.loading || !errors.As(err, &unknown) {
		return err
	}
	if near := suggest.Nearest(name, e.catalog.in.Load().names); near != "" {
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
	e.catalog.decryptConf(e.id, e.doc)
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
