package core

import (
	"slices"
	"sync"

	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/ssl"
)

// snapshot is the whole configuration as requests use it. It never changes; a request keeps the one that it began with.
type snapshot struct {
	revision  int64
	router    *router.Router
	global    *plan.Plan // of all global rules; never nil
	consumers *consumers
	ssl       *ssl.Table
	derived   *derived
}

// derived is what requests worked out of a snapshot. It lives no longer than the snapshot, so that it keeps no plugin in service that
// the configuration has no more.
type derived struct {
	preferring bool     // a plugin of a global rule gives way to the same plugin of a route
	globals    sync.Map // *route -> *plan.Plan: what runs of the global rules
	consumers  sync.Map // *route -> *sync.Map of *plan.Set of a consumer -> *consumerPlan
	paths      sync.Map // string -> *jsonpath.Path; nil where it does not compile
}

// consumerPlan is a route's plan for a consumer, and the rewrite hooks that are still to run.
type consumerPlan struct {
	plan    *plan.Plan
	rewrite []plan.Step
}

func newDerived(global *plan.Plan) *derived {
	return &derived{preferring: slices.ContainsFunc(global.Instances(), func(i *plan.Instance) bool { return i.PreferRoute })}
}

// planFor returns a route's plan for a consumer with plugins of its own, and the rewrite hooks that are still to run.
func (s *snapshot) planFor(r *route, set *plan.Set) (*plan.Plan, []plan.Step) {
	if set == nil {
		return r.plan, nil
	}
	bySet, ok := s.derived.consumers.Load(r)
	if !ok {
		bySet, _ = s.derived.consumers.LoadOrStore(r, &sync.Map{})
	}
	known, ok := bySet.(*sync.Map).Load(set)
	if !ok {
		merged, rewrite := r.plan.With(set)
		known, _ = bySet.(*sync.Map).LoadOrStore(set, &consumerPlan{orEmpty(merged), rewrite})
	}
	c := known.(*consumerPlan)
	return c.plan, c.rewrite
}

// globalFor leaves out of the global rules what the route itself has and runs in their place.
func (s *snapshot) globalFor(r *route) *plan.Plan {
	if !s.derived.preferring {
		return s.global
	}
	known, ok := s.derived.globals.Load(r)
	if !ok {
		known, _ = s.derived.globals.LoadOrStore(r, orEmpty(s.global.Without(r.plan)))
	}
	return known.(*plan.Plan)
}
