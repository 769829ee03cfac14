package core

import (
	"slices"
	"sync"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/sdk"
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

// consumers finds consumers by their credentials and names.
type consumers struct {
	byCredential map[string]map[string]*sdk.Consumer // by plugin and credential
	byUsername   map[string]*sdk.Consumer
	sets         map[string]*plan.Set // the plugins of their own, by username
}

func newConsumers(size int) *consumers {
	return &consumers{
		byCredential: map[string]map[string]*sdk.Consumer{}, byUsername: make(map[string]*sdk.Consumer, size), sets: map[string]*plan.Set{},
	}
}

func (c *consumers) find(plugin, credential string) (*sdk.Consumer, bool) {
	found, ok := c.byCredential[plugin][credential]
	return found, ok
}

func (c *consumers) byName(username string) (*sdk.Consumer, bool) {
	found, ok := c.byUsername[username]
	return found, ok
}

func (c *consumers) plugins(consumer *sdk.Consumer) *plan.Set { return c.sets[consumer.Username] }

// add makes a consumer known by its name and by every credential that it has.
func (c *consumers) add(cfg *config.Consumer, own *plan.Set, catalog *config.Catalog) {
	base := sdk.Consumer{
		Username: cfg.Username, GroupID: string(cfg.GroupID), CustomID: cfg.Labels["custom_id"], Labels: cfg.Labels,
	}
	named := base
	c.byUsername[cfg.Username] = &named
	if own != nil {
		c.sets[cfg.Username] = own
	}
	for plugin, credential := range catalog.Credentials(cfg.Plugins) {
		found := base
		found.Conf = cfg.Plugins[plugin]
		if c.byCredential[plugin] == nil {
			c.byCredential[plugin] = map[string]*sdk.Consumer{}
		}
		c.byCredential[plugin][credential] = &found
	}
}

// ownPlugins are the plugins of a consumer less its credentials.
func ownPlugins(all config.Plugins, catalog *config.Catalog) config.Plugins {
	own := make(config.Plugins, len(all))
	for name, conf := range all {
		if info, ok := catalog.Info(name); !ok || !info.Auth {
			own[name] = conf
		}
	}
	return own
}
