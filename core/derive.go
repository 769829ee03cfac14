package core

import (
	"fmt"
	"maps"
	"slices"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/internal/expr"
)

// updateRoutes makes the routes again that a batch changed, or that depend on what it changed.
func (b *builder) updateRoutes(s *snapshot, w *work) {
	var put []*router.Route
	var del []string
	for _, id := range slices.Sorted(maps.Keys(w.routes)) {
		r := b.byKind["routes"][id]
		if r == nil || r.value.(*config.Route).Status == 0 {
			del = append(del, id)
			continue
		}
		made, err := b.routerRoute(id, r)
		if err != nil {
			b.reject(store.Change{Item: r.item}, err, true)
			continue
		}
		put = append(put, made)
	}
	if len(put)+len(del) == 0 {
		return
	}
	next, err := s.router.Update(put, del)
	if err != nil {
		b.log.Error("routes rejected", "error", err)
	}
	s.router = next
}

func (b *builder) routerRoute(id string, r *resource) (*router.Route, error) {
	c := r.value.(*config.Route)
	out := conditionsOf(c)
	out.ID, out.Order, out.Value = id, r.item.CreateRev, newRoute(c, r.set, r.target, b.partsOf(c))
	out.Hosts = config.Merge(c, b.partsOf(c).service).Hosts
	if len(c.Vars) > 0 {
		vars, err := expr.Compile(c.Vars)
		if err != nil {
			return nil, fmt.Errorf("vars: %w", err)
		}
		out.Vars = vars
	}
	return out, nil
}

// conditionsOf are those of a route itself, less its variables.
func conditionsOf(c *config.Route) *router.Route {
	out := &router.Route{Paths: c.URIs, Methods: c.Methods, Hosts: c.Hosts, RemoteAddrs: c.RemoteAddrs, Priority: c.Priority}
	if c.URI != "" {
		out.Paths = []string{c.URI}
	}
	if c.RemoteAddr != "" {
		out.RemoteAddrs = []string{c.RemoteAddr}
	}
	return out
}

func (b *builder) partsOf(c *config.Route) parts {
	var p parts
	if s := b.byKind["services"][string(c.ServiceID)]; s != nil {
		p.service = s.value.(*config.Service)
		p.serviceSet, p.serviceUp = s.set, s.target
	}
	if s := b.byKind["plugin_configs"][string(c.PluginConfigID)]; s != nil {
		p.pluginConfig, p.pluginSet = s.value.(*config.PluginConfig), s.set
	}
	p.upstreams = func(id string) *target {
		if u := b.byKind["upstreams"][id]; u != nil {
			return u.target
		}
		return nil
	}
	return p
}

// globalPlan puts the global rules together.
//
// Why does a plugin that stands in two of them run as the second one says? APISIX runs it in neither, which would open what one of
// them was to protect.
func (b *builder) globalPlan() *plan.Plan {
	owner := map[string]string{}
	var sets []*plan.Set
	for _, id := range slices.Sorted(maps.Keys(b.byKind["global_rules"])) {
		r := b.byKind["global_rules"][id]
		for name := range b.pluginsOf(r) {
			if other, twice := owner[name]; twice {
				b.log.Error("plugin in two global rules: the one of the second is used", "plugin", name, "rules", other+", "+id)
			}
			owner[name] = id
		}
		sets = append(sets, r.set.Enabled())
	}
	return orEmpty(plan.Merge(sets...))
}

func (b *builder) certificates() *ssl.Table {
	all := b.byKind["ssls"]
	var items []*config.SSL
	for _, id := range slices.Sorted(maps.Keys(all)) {
		items = append(items, all[id].value.(*config.SSL))
	}
	table, err := ssl.New(items)
	if err != nil {
		b.log.Error("certificates rejected", "error", err)
	}
	return table.WithFallback(b.fallback)
}
