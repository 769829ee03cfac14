// Package plan turns plugin configurations into flat lists of hooks, one list for each phase.
//
// A [Set] has the configured plugins of one resource. A [Plan] is what a request runs: the sets of a route, its plugin_config and
// its service put together, in order of priority. Both are made when configuration changes and never change after that.
package plan

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/internal/expr"
	"github.com/polygate/polygate/sdk"
)

// Instance is one configured plugin.
type Instance struct {
	Name     string
	Owner    string // the resource that it belongs to, for example "routes/1"
	Priority int
	Auth     bool
	Conf     json.RawMessage
	Hooks    sdk.Hooks

	Disabled      bool // runs nowhere, and keeps those that it replaces from running
	PreferRoute   bool
	Filter        *expr.Expr      // nil: runs for every request
	ErrorResponse json.RawMessage // body of its answers from status 400 on, nil: its own

	metadata json.RawMessage // that it was made with
}

// Set is the configured plugins of one resource. It never changes. The nil Set is empty.
//
// Why no map? There is a set for each of very many routes, and few plugins are in each.
type Set struct {
	instances []*Instance // in order of name
}

// Maker configures plugins.
type Maker struct {
	Catalog *config.Catalog
	Attrs   map[string]json.RawMessage // plugin_attr by plugin
}

// Owner is the resource that a set is made for.
type Owner struct {
	Key     string // for example "routes/1"
	Version string
}

// Make configures the plugins of a resource. Instances of before whose configuration has not changed are kept, with their state. An
// error names every plugin that could not be configured; the set is nil then.
func (m *Maker) Make(o Owner, plugins config.Plugins, metadata map[string]json.RawMessage, before *Set) (*Set, error) {
	if len(plugins) == 0 {
		return nil, nil
	}
	set := &Set{instances: make([]*Instance, 0, len(plugins))}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		instance, err := before.unchanged(name, plugins[name], metadata[name]), error(nil)
		if instance == nil {
			instance, err = m.configure(o, name, plugins[name], metadata[name])
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("failed to check the configuration of plugin %s err: %w", name, err))
			continue
		}
		if instance != nil {
			set.instances = append(set.instances, instance)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return set, nil
}

var errPreFunction = errors.New("_meta.pre_function needs the Lua host, which this gateway does not have")

func (s *Set) unchanged(name string, conf, metadata json.RawMessage) *Instance {
	for _, i := range s.all() {
		if i.Name == name && bytes.Equal(i.Conf, conf) && bytes.Equal(i.metadata, metadata) {
			return i
		}
	}
	return nil
}

func (s *Set) all() []*Instance {
	if s == nil {
		return nil
	}
	return s.instances
}

// Confs returns the configurations of all plugins of the set, also of those that are switched off.
func (s *Set) Confs() config.Plugins {
	confs := make(config.Plugins, len(s.all()))
	for _, i := range s.all() {
		confs[i.Name] = i.Conf
	}
	return confs
}

// Enabled returns the set less the plugins that are switched off.
func (s *Set) Enabled() *Set {
	if !slices.ContainsFunc(s.all(), func(i *Instance) bool { return i.Disabled }) {
		return s
	}
	return &Set{slices.DeleteFunc(slices.Clone(s.instances), func(i *Instance) bool { return i.Disabled })}
}

// Join puts sets together. Of the same plugin in several sets the one of the last set is taken, also if it is switched off.
func Join(sets ...*Set) *Set {
	sets = slices.DeleteFunc(sets, func(s *Set) bool { return s == nil })
	switch len(sets) {
	case 0:
		return nil
	case 1:
		return sets[0]
	}
	return &Set{lastOfEach(sets)}
}

// lastOfEach returns one instance of each plugin, that of the last set that has it, in order of name.
func lastOfEach(sets []*Set) []*Instance {
	var chosen []*Instance
	for _, s := range sets {
		for _, i := range s.all() {
			at, found := slices.BinarySearchFunc(chosen, i.Name, func(c *Instance, name string) int { return strings.Compare(c.Name, name) })
			if found {
				chosen[at] = i
			} else {
				chosen = slices.Insert(chosen, at, i)
			}
		}
	}
	return chosen
}

// configure returns nil for a plugin that the catalog leaves out. One that is switched off is not configured.
func (m *Maker) configure(o Owner, name string, conf, metadata json.RawMessage) (*Instance, error) {
	plugin, ok := m.Catalog.Plugin(name)
	if !ok {
		return nil, nil
	}
	meta, err := config.SplitMeta(conf)
	if err != nil {
		return nil, err
	}
	if meta.Disable {
		return &Instance{Name: name, Owner: o.Key, Conf: conf, Disabled: true, metadata: metadata}, nil
	}
	if meta.PreFunction != "" {
		return nil, errPreFunction
	}
	ctx := sdk.WithScope(context.Background(), sdk.Scope{
		Resource: o.Key, Version: o.Version, Metadata: metadata, Attr: m.Attrs[name],
	})
	hooks, err := configureSafely(ctx, plugin, conf)
	if err != nil {
		return nil, err
	}
	info := plugin.Info()
	i := &Instance{
		Name: name, Owner: o.Key, Priority: info.Priority, Auth: info.Auth, Conf: conf, Hooks: hooks,
		PreferRoute: info.PreferRoute, ErrorResponse: meta.ErrorResponse, metadata: metadata,
	}
	if meta.Priority != nil {
		i.Priority = *meta.Priority
	}
	if len(meta.Filter) > 0 {
		// A filter that does not compile lets the plugin run: leaving out a plugin that may protect the route would be worse.
		i.Filter, _ = expr.Compile(meta.Filter)
	}
	if hooks.Close != nil {
		runtime.AddCleanup(i, func(closeHooks func() error) { _ = closeHooks() }, hooks.Close)
	}
	return i, nil
}

func configureSafely(ctx context.Context, p sdk.Plugin, conf json.RawMessage) (h sdk.Hooks, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic while it was configured: %v", r)
		}
	}()
	return p.Configure(ctx, conf)
}
