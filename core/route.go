package core

import (
	"fmt"
	"net/http"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/upstream"
)

// route is a route as requests use it: merged with its service and plugin_config, its plugins flat. It never changes.
type route struct {
	id, name               string
	serviceID, serviceName string
	plan                   *plan.Plan // never nil
	upstream               *target    // nil where there is none
	upstreamID             string
	timeouts               *transport.Timeouts // nil: the upstream's
	websocket              bool
	fault                  error // why it cannot be served; nil as a rule
}

func orEmpty(p *plan.Plan) *plan.Plan {
	if p == nil {
		return emptyPlan
	}
	return p
}

// parts are what a route is made of besides itself.
type parts struct {
	service      *config.Service
	serviceSet   *plan.Set
	serviceUp    *target
	pluginConfig *config.PluginConfig
	pluginSet    *plan.Set
	upstreams    func(id string) *target
}

// newRoute merges a route with its parts.
func newRoute(c *config.Route, own *plan.Set, ownUp *target, p parts) *route {
	m := config.Merge(c, p.service)
	r := &route{
		id: string(c.ID), name: c.Name, serviceID: string(c.ServiceID), websocket: m.EnableWebsocket,
		plan: orEmpty(plan.Merge(p.serviceSet, p.pluginSet, own)),
	}
	if p.service != nil {
		r.serviceName = p.service.Name
	}
	if m.Timeout != nil {
		t := transportTimeouts(upstream.NewTimeouts(m.Timeout))
		r.timeouts = &t
	}
	switch {
	case m.UpstreamID != "":
		r.upstreamID = string(m.UpstreamID)
		r.upstream = p.upstreams(r.upstreamID)
	case c.Upstream != nil:
		r.upstream = ownUp
	default:
		r.upstream = p.serviceUp
	}
	r.fault = missingPart(c, p)
	return r
}

// missingPart fails a route whose service or plugin_config is not there: without them it would be served without their plugins.
func missingPart(c *config.Route, p parts) error {
	switch {
	case c.ServiceID != "" && p.service == nil:
		return &Fault{Source: FaultGateway, Status: http.StatusNotFound, Op: "merge the route",
			Public: "the service of the route does not exist", Err: fmt.Errorf("there is no service %q", c.ServiceID)}
	case c.PluginConfigID != "" && p.pluginConfig == nil:
		return &Fault{Source: FaultGateway, Status: http.StatusServiceUnavailable, Op: "merge the route",
			Public: "the plugin_config of the route does not exist", Err: fmt.Errorf("there is no plugin_config %q", c.PluginConfigID)}
	}
	return nil
}

func transportTimeouts(t upstream.Timeouts) transport.Timeouts {
	return transport.Timeouts{Connect: t.Connect, Send: t.Send, Read: t.Read}
}
