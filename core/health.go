package core

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/core/upstream/health"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/sdk"
)

// newChecks makes what runs the health checks of all upstreams.
func (g *Gateway) newChecks() *health.Scheduler {
	return health.New(health.Options{
		Lookup: func(ctx context.Context, host string) (netip.Addr, error) { return g.resolver.Lookup(ctx, host) },
		Logger: g.log, Settle: g.settleChecks,
	})
}

// watchHealth gives a target its checker: that of the version before, if there is one. Nothing is checked before the first request, as in
// APISIX: a configuration may have any number of upstreams that nobody uses.
func (g *Gateway) watchHealth(key string, t, before *target) error {
	checks, err := health.Parse(t.Config.Checks)
	if err != nil || checks == nil || g.opts.Settings.APISIX.DisableUpstreamHealthcheck {
		return err
	}
	t.checks = &health.Spec{Checks: checks, Nodes: t.Nodes, Picker: t.Picker, Version: g.versions.Add(1)}
	if t.PassHost == upstream.PassRewrite {
		t.checks.Host = t.UpstreamHost
	}
	if t.cert != nil {
		t.checks.Certificate = &t.cert.pair
	}
	t.checker = before.checker
	if t.checker == nil {
		t.checker = g.checks.NewChecker(key)
	}
	return nil
}

// health returns what the checks found of the target's nodes. The first call begins to check them.
func (t *target) health() *health.View {
	if v := t.view.Load(); v != nil {
		return v
	}
	t.view.CompareAndSwap(nil, t.checker.Bind(t.checks))
	return t.view.Load()
}

// settleChecks makes the checks that run those of the configuration in service, also where there are no requests.
func (g *Gateway) settleChecks() {
	for _, c := range g.checks.Live() {
		current, ok := g.builder.targetOf(c.Key())
		switch {
		case !ok:
			return
		case current == nil || current.checker != c:
			c.Stop()
		default:
			current.health()
		}
	}
}

// targetOf returns the target of a resource, nil where there is none. While a batch is applied it does not wait, and ok is false.
func (b *builder) targetOf(key string) (t *target, ok bool) {
	if !b.mu.TryRLock() {
		return nil, false
	}
	defer b.mu.RUnlock()
	for _, kind := range checkedKinds() {
		if id, found := cutKind(key, kind); found && b.byKind[kind][id] != nil {
			return b.byKind[kind][id].target, true
		}
	}
	return nil, true
}

// checkedKinds are the kinds of resources that have upstreams, in the order of reports.
func checkedKinds() []string { return []string{"routes", "services", "upstreams"} }

func cutKind(key, kind string) (id string, ok bool) {
	if len(key) > len(kind) && key[:len(kind)] == kind && key[len(kind)] == '/' {
		return key[len(kind)+1:], true
	}
	return "", false
}

// Health returns the state of the health checks of all resources that have some, in order of kind and id.
func (g *Gateway) Health() []control.Checker {
	b := g.builder
	b.mu.RLock()
	var checked []*target
	for _, kind := range checkedKinds() {
		resources := b.byKind[kind]
		with := map[string]*target{}
		for id, r := range resources {
			if r.target != nil && r.target.checker != nil {
				with[id] = r.target
			}
		}
		for _, id := range slices.Sorted(maps.Keys(with)) {
			checked = append(checked, with[id])
		}
	}
	b.mu.RUnlock()
	out := make([]control.Checker, 0, len(checked))
	for _, t := range checked {
		out = append(out, t.healthReport())
	}
	return out
}

func (t *target) healthReport() control.Checker {
	r := t.checker.Report()
	c := control.Checker{Key: r.Key, Type: t.checks.Checks.Kind(), Nodes: make([]control.CheckedNode, 0, len(r.Nodes))}
	for _, n := range r.Nodes {
		c.Nodes = append(c.Nodes, control.CheckedNode{
			Host: n.Hostname, IP: n.IP, Port: n.Port, Status: n.Status.String(),
			Counter: control.Counter{
				Success: n.Success, HTTPFailure: n.HTTPFailure, TCPFailure: n.TCPFailure, TimeoutFailure: n.TimeoutFailure,
			},
		})
	}
	return c
}

// upstreamStatus tells the metrics which nodes serve.
func (g *Gateway) upstreamStatus(yield func(metrics.NodeStatus)) {
	prefix := strings.TrimSuffix(g.keyPrefix(), "/")
	for _, c := range g.Health() {
		for _, n := range c.Nodes {
			yield(metrics.NodeStatus{
				Name: prefix + "/" + c.Key, IP: n.IP, Port: strconv.Itoa(n.Port),
				Healthy: n.Status == health.Healthy.String() || n.Status == health.MostlyHealthy.String(),
			})
		}
	}
}

// answerTime is how long the node that answered took; below 0 where none did.
func (x *exchange) answerTime() time.Duration {
	if n := len(x.tries); n > 0 && x.origin == sdk.OriginUpstream {
		return x.tries[n-1].took
	}
	return -1
}
