package config

// Merged is what a route and its service come to, but for their plugins. It shares pointers and slices with them: do not change it.
type Merged struct {
	Upstream        *Upstream // nil where UpstreamID is set
	UpstreamID      ID
	Hosts           []string
	Timeout         *Timeout
	EnableWebsocket bool
}

// Merge puts a route and its service, which may be nil, together. What the route says beats what the service says: an upstream of the
// route replaces the service's, and an upstream_id beats an upstream (apisix/plugin.lua, merge_service_route).
func Merge(route *Route, svc *Service) Merged {
	if svc == nil {
		svc = &Service{}
	}
	m := Merged{Hosts: route.hosts(), Timeout: route.Timeout, EnableWebsocket: isSet(route.EnableWebsocket, svc.EnableWebsocket)}
	m.Upstream, m.UpstreamID = mergeUpstream(route, svc)
	if len(m.Hosts) == 0 {
		m.Hosts = svc.Hosts
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
