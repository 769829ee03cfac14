package config

import (
	"cmp"
	"maps"
)

// Merged is what a route and its service come to, but for their plugins. It shares pointers and slices with them: do not change it.
type Merged struct {
	Upstream        *Upstream // nil where UpstreamID is set
	UpstreamID      ID
	Hosts           []string
	Timeout         *Timeout
	EnableWebsocket bool
	Script          string
	Labels          map[string]string
}

// Merge puts a route and its service, which may be nil, together. What the route says beats what the service says: an upstream of the
// route replaces the service's, and an upstream_id beats an upstream (apisix/plugin.lua, merge_service_route).
func Merge(route *Route, svc *Service) Merged {
	if svc == nil {
		svc = &Service{}
	}
	m := Merged{
		Hosts: route.hosts(), Timeout: route.Timeout, EnableWebsocket: isSet(route.EnableWebsocket, svc.EnableWebsocket),
		Script: cmp.Or(route.Script, svc.Script), Labels: route.Labels,
	}
	if m.Labels == nil {
		m.Labels = svc.Labels
	}
	m.Upstream, m.UpstreamID = mergeUpstream(route, svc)
	if len(m.Hosts) == 0 {
		m.Hosts = svc.Hosts
	}
	return m
}

// MergeStream puts a stream route and its service, which may be nil, together: the service gives what the route does not have, plugin by
// plugin (apisix/plugin.lua, merge_service_stream_route). As in APISIX, an id of an upstream beats an upstream. The result shares
// pointers with both.
func MergeStream(route *StreamRoute, svc *Service) StreamRoute {
	m := *route
	if svc == nil {
		return m
	}
	m.ServiceID = ""
	m.Plugins = maps.Clone(svc.Plugins)
	if m.Plugins == nil {
		m.Plugins = Plugins{}
	}
	maps.Copy(m.Plugins, route.Plugins)
	if m.Upstream == nil {
		m.Upstream = svc.Upstream
	}
	m.UpstreamID = cmp.Or(m.UpstreamID, svc.UpstreamID)
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
