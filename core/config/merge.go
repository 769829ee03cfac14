package config

import (
	"maps"
	"slices"
)

// Merged is what a route comes to with its plugin_config and its service. It shares maps and slices with them: do not change it.
type Merged struct {
	RouteID         ID
	ServiceID       ID
	Name            string // the route's
	Plugins         Plugins
	Upstream        *Upstream // nil where UpstreamID is set
	UpstreamID      ID
	Hosts           []string
	Labels          map[string]string
	Timeout         *Timeout
	Script          string
	EnableWebsocket bool
}

// Merge puts a route, its plugin_config and its service together; svc and pc may be nil. A plugin's configuration is taken as a
// whole, from the route, else from the plugin_config, else from the service. An upstream of the route replaces the service's, and
// an upstream_id beats an upstream. It is apisix/plugin.lua, merge_service_route, with apisix/plugin_config.lua, merge.
func Merge(route *Route, svc *Service, pc *PluginConfig) Merged {
	if svc == nil {
		svc = &Service{}
	}
	if pc == nil {
		pc = &PluginConfig{}
	}
	m := Merged{
		RouteID:         route.ID,
		ServiceID:       route.ServiceID,
		Name:            route.Name,
		Plugins:         overlay(svc.Plugins, pc.Plugins, route.Plugins),
		Hosts:           route.hosts(),
		Labels:          route.Labels,
		Timeout:         route.Timeout,
		Script:          route.Script,
		EnableWebsocket: isSet(route.EnableWebsocket, svc.EnableWebsocket),
	}
	m.Upstream, m.UpstreamID = mergeUpstream(route, svc)
	if len(m.Hosts) == 0 {
		m.Hosts = svc.Hosts
	}
	if m.Labels == nil {
		m.Labels = svc.Labels
	}
	if m.Script == "" {
		m.Script = svc.Script
	}
	return m
}

// mergeUpstream returns an upstream or the id of one, never both.
func mergeUpstream(route *Route, svc *Service) (*Upstream, ID) {
	switch {
	case route.UpstreamID != "":
		return nil, route.UpstreamID
	case route.Upstream != nil:
		return route.Upstream, ""
	case svc.UpstreamID != "":
		return nil, svc.UpstreamID
	}
	return svc.Upstream, ""
}

// MergedConsumer is what a request's plugins come to when its consumer is known.
type MergedConsumer struct {
	// Plugins are the plugins, with the consumer's first, then the group's, then the route's.
	Plugins Plugins
	// Added are the names of the plugins that the route did not have, sorted: their rewrite hooks have not run yet.
	Added []string
}

// MergeConsumer adds the plugins of a consumer and of its group, to those of a merged route; each may be nil. Where only one of them
// has plugins, the result shares its map.
func MergeConsumer(route, group, consumer Plugins) MergedConsumer {
	m := MergedConsumer{Plugins: overlay(route, group, consumer)}
	for name := range m.Plugins {
		if _, ok := route[name]; !ok {
			m.Added = append(m.Added, name)
		}
	}
	slices.Sort(m.Added)
	return m
}

// overlay returns all plugins; of the same plugin the configuration of the later layer. It is a new map only where two layers have
// plugins.
func overlay(layers ...Plugins) Plugins {
	var out Plugins
	shared := false
	for _, layer := range layers {
		switch {
		case len(layer) == 0:
			continue
		case out == nil:
			out, shared = layer, true
			continue
		case shared:
			out, shared = maps.Clone(out), false
		}
		maps.Copy(out, layer)
	}
	return out
}

// hosts returns the hosts that the route itself is for.
func (r *Route) hosts() []string {
	if len(r.Hosts) == 0 && r.Host != "" {
		return []string{r.Host}
	}
	return r.Hosts
}

// isSet returns the first of the switches that has a value.
func isSet(switches ...*bool) bool {
	for _, s := range switches {
		if s != nil {
			return *s
		}
	}
	return false
}
