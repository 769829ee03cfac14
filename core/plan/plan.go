package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/polygate/polygate/sdk"
)

// Plan is a list of hooks for each phase, in the order in which they run. A plan never changes. The nil Plan is empty.
type Plan struct {
	Rewrite, Access, BeforeProxy, HeaderFilter []Step
	BodyFilter                                 []BodyStep
	Log                                        []LogStep
	instances                                  []*Instance // in order
}

// Step is a hook of one plugin.
type Step struct {
	*Instance
	Run func(sdk.Exchange) error
}

// BodyStep is a body filter of one plugin.
type BodyStep struct {
	*Instance
	Run func(sdk.Exchange, *sdk.Chunk) error
}

// LogStep is a log hook of one plugin.
type LogStep struct {
	*Instance
	Run func(sdk.Exchange)
}

// Merge makes the plan of several sets. Of the same plugin in several sets the one of the last set is taken; if that is switched off,
// none runs.
func Merge(sets ...*Set) *Plan { return flatten(lastOfEach(sets)) }

// With adds the plugins of a consumer to a route's plan. rewrite has the rewrite hooks that have still to run: those of plugins that
// came with the consumer and do not authenticate.
func (p *Plan) With(consumer *Set) (merged *Plan, rewrite []Step) {
	if consumer == nil {
		return p, nil
	}
	added := make(map[*Instance]bool, len(consumer.instances))
	own := &Set{}
	for _, i := range consumer.instances {
		if !i.Auth {
			own.instances, added[i] = append(own.instances, i), true
		}
	}
	merged = flatten(lastOfEach([]*Set{p.set(), own}))
	if merged == nil {
		return nil, nil
	}
	for _, s := range merged.Rewrite {
		if added[s.Instance] {
			rewrite = append(rewrite, s)
		}
	}
	return merged, rewrite
}

// set returns the plan's plugins in order of name.
func (p *Plan) set() *Set {
	byName := slices.Clone(p.Instances())
	slices.SortFunc(byName, func(a, b *Instance) int { return strings.Compare(a.Name, b.Name) })
	return &Set{byName}
}

// Without returns the plan less the plugins that prefer the route's own configuration and that other has too.
func (p *Plan) Without(other *Plan) *Plan {
	kept := make([]*Instance, 0, len(p.Instances()))
	for _, i := range p.Instances() {
		if !i.PreferRoute || !other.has(i.Name) {
			kept = append(kept, i)
		}
	}
	if len(kept) == len(p.Instances()) {
		return p
	}
	return flatten(kept)
}

// Instances returns the configured plugins of the plan in the order in which they run.
func (p *Plan) Instances() []*Instance {
	if p == nil {
		return nil
	}
	return p.instances
}

func (p *Plan) has(name string) bool {
	return slices.ContainsFunc(p.Instances(), func(i *Instance) bool { return i.Name == name })
}

func flatten(instances []*Instance) *Plan {
	instances = slices.DeleteFunc(instances, func(i *Instance) bool { return i.Disabled })
	if len(instances) == 0 {
		return nil
	}
	slices.SortFunc(instances, func(a, b *Instance) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Name, b.Name))
	})
	p := &Plan{instances: instances}
	for _, i := range instances {
		h := &i.Hooks
		p.Rewrite = appendStep(p.Rewrite, i, h.Rewrite)
		p.Access = appendStep(p.Access, i, h.Access)
		p.BeforeProxy = appendStep(p.BeforeProxy, i, h.BeforeProxy)
		p.HeaderFilter = appendStep(p.HeaderFilter, i, h.HeaderFilter)
		if h.BodyFilter != nil {
			p.BodyFilter = append(p.BodyFilter, BodyStep{i, h.BodyFilter})
		}
		if h.Log != nil {
			p.Log = append(p.Log, LogStep{i, h.Log})
		}
	}
	return p
}

func appendStep(steps []Step, i *Instance, run func(sdk.Exchange) error) []Step {
	if run == nil {
		return steps
	}
	return append(steps, Step{i, run})
}
