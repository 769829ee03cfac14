package core

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/sdk"
)

// layer is a resource that gives a request plugins. Of several with the same plugin the last one counts.
type layer struct {
	key     string // of the resource, for example "services/1"
	plugins config.Plugins
	left    map[string]string // why plugins were left out when the resource was read
}

// name is the layer's name for people: the route is the route, others are a kind and an id.
func (l layer) name() string { return layerName(l.key) }

func layerName(key string) string {
	kind, id, _ := strings.Cut(key, "/")
	if kind == "routes" {
		return "route"
	}
	return strings.TrimSuffix(kind, "s") + "/" + id
}

func (b *builder) layerOf(kind, id string) []layer {
	r := b.byKind[kind][id]
	if id == "" || r == nil {
		return nil
	}
	l := layer{key: kind + "/" + id, plugins: b.pluginsOf(r), left: map[string]string{}}
	for _, w := range b.warnings[l.key] {
		if _, has := l.plugins[w.Plugin]; !has && w.Plugin != "" {
			l.left[w.Plugin] = w.Text
		}
	}
	return []layer{l}
}

// layersOf are those of a route and a consumer, the weakest first. The route may be nil, and the username empty.
func (b *builder) layersOf(r *route, username string) []layer {
	if r == nil {
		return nil
	}
	known := b.byKind["routes"][r.id]
	if known == nil {
		return nil
	}
	c := known.value.(*config.Route)
	return slices.Concat(
		b.layerOf("services", string(c.ServiceID)), b.layerOf("plugin_configs", string(c.PluginConfigID)), b.layerOf("routes", r.id),
		b.layerOf("consumer_groups", b.groupOf(username)), b.layerOf("consumers", username),
	)
}

func (b *builder) groupOf(username string) string {
	if r := b.byKind["consumers"][username]; r != nil {
		return string(r.value.(*config.Consumer).GroupID)
	}
	return ""
}

// explainConsumer makes the consumer the exchange's, with the plan that follows from it.
func (b *builder) explainConsumer(x *exchange, username string) (*control.ExplainedConsumer, error) {
	c, ok := x.snap.consumers.byName(username)
	if !ok {
		return nil, fmt.Errorf("consumer: there is no consumer %q in service", username)
	}
	x.consumer = c
	set, err := x.snap.consumers.plugins(c)
	if err != nil {
		return nil, fmt.Errorf("consumer %s: %w", username, err)
	}
	if x.route != nil {
		x.plan, _ = x.snap.planFor(x.route, set)
	}
	out := &control.ExplainedConsumer{Username: c.Username, Group: c.GroupID, Plugins: []string{}}
	for _, l := range b.layerOf("consumers", username) {
		out.Plugins = append(out.Plugins, slices.Sorted(maps.Keys(l.plugins))...)
	}
	for _, l := range b.layerOf("consumer_groups", c.GroupID) {
		out.Shared = slices.Sorted(maps.Keys(l.plugins))
	}
	return out, nil
}

// explainPlugins lists what runs, the global rules first as in every phase, and what is configured but does not run.
func (b *builder) explainPlugins(x *exchange, username string) []control.ExplainedPlugin {
	out := []control.ExplainedPlugin{}
	for _, i := range x.global.Instances() {
		out = append(out, explainInstance(i))
	}
	var idle []control.ExplainedPlugin
	for _, id := range slices.Sorted(maps.Keys(b.byKind["global_rules"])) {
		for _, l := range b.layerOf("global_rules", id) {
			idle = append(idle, b.idleGlobals(l, x)...)
		}
	}
	layers := b.layersOf(x.route, username)
	for _, i := range x.plan.Instances() {
		p := explainInstance(i)
		p.Overridden = without(holders(layers, i.Name), p.From)
		if strings.HasPrefix(p.From, "consumer") && i.Hooks.Rewrite != nil {
			p.Phases[0] = "rewrite_in_consumer"
		}
		out = append(out, p)
	}
	return slices.Concat(out, idle, b.idle(layers, x.plan))
}

func explainInstance(i *plan.Instance) control.ExplainedPlugin {
	p := control.ExplainedPlugin{Name: i.Name, Priority: i.Priority, From: layerName(i.Owner), Phases: phasesOf(i.Hooks)}
	if i.Filter != nil {
		p.Note = "it runs only for requests that its _meta.filter matches"
	}
	return p
}

func phasesOf(h sdk.Hooks) []string {
	phases := []string{}
	for _, hook := range []struct {
		name string
		set  bool
	}{
		{"rewrite", h.Rewrite != nil}, {"access", h.Access != nil}, {"before_proxy", h.BeforeProxy != nil},
		{"header_filter", h.HeaderFilter != nil}, {"body_filter", h.BodyFilter != nil}, {"log", h.Log != nil},
	} {
		if hook.set {
			phases = append(phases, hook.name)
		}
	}
	return phases
}

// idleGlobals are the plugins of a global rule that do not run for the request.
func (b *builder) idleGlobals(l layer, x *exchange) []control.ExplainedPlugin {
	var out []control.ExplainedPlugin
	for _, name := range slices.Sorted(maps.Keys(l.plugins)) {
		if runs(x.global, name, l.key) {
			continue
		}
		p := b.explainIdle(name, l)
		switch {
		case p.Disabled || p.Note != "":
		case runs(x.snap.global, name, l.key):
			p.Note = "it gives way to the same plugin of the route"
		default:
			p.Note = "another global rule has it too"
		}
		out = append(out, p)
	}
	return append(out, leftOut(l)...)
}

// leftOut are the plugins that a resource names and that were left out when it was read.
func leftOut(l layer) []control.ExplainedPlugin {
	var out []control.ExplainedPlugin
	for _, name := range slices.Sorted(maps.Keys(l.left)) {
		out = append(out, control.ExplainedPlugin{Name: name, From: l.name(), Phases: []string{}, Note: l.left[name]})
	}
	return out
}

// runs tells whether a plan has a plugin of that owner.
func runs(p *plan.Plan, name, owner string) bool {
	return slices.ContainsFunc(p.Instances(), func(i *plan.Instance) bool { return i.Name == name && i.Owner == owner })
}

// idle are the plugins of a route's layers that do not run for any of them.
func (b *builder) idle(layers []layer, p *plan.Plan) []control.ExplainedPlugin {
	running := map[string]bool{}
	for _, i := range p.Instances() {
		running[i.Name] = true
	}
	decisive := map[string]layer{}
	for _, l := range layers {
		for name := range l.plugins {
			if !running[name] {
				decisive[name] = l
			}
		}
	}
	var out []control.ExplainedPlugin
	for _, name := range slices.Sorted(maps.Keys(decisive)) {
		e := b.explainIdle(name, decisive[name])
		e.Overridden = without(holders(layers, name), e.From)
		out = append(out, e)
	}
	for _, l := range layers {
		out = append(out, leftOut(l)...)
	}
	return out
}

func (b *builder) explainIdle(name string, l layer) control.ExplainedPlugin {
	p := control.ExplainedPlugin{Name: name, From: l.name(), Phases: []string{}}
	if info, ok := b.maker.Catalog.Info(name); ok {
		p.Priority = info.Priority
	}
	if meta, err := config.SplitMeta(l.plugins[name]); err == nil {
		p.Disabled = meta.Disable
		if meta.Priority != nil {
			p.Priority = *meta.Priority
		}
	}
	return p
}

// holders are the names of the layers that have a plugin, the weakest first.
func holders(layers []layer, plugin string) []string {
	var names []string
	for _, l := range layers {
		if _, ok := l.plugins[plugin]; ok {
			names = append(names, l.name())
		}
	}
	return names
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(names, func(s string) bool { return s == name })
}

// explainUpstream tells which layer names the upstream, and its nodes.
func (b *builder) explainUpstream(r *route) *control.ExplainedUpstream {
	if r.upstream == nil {
		return nil
	}
	cfg := r.upstream.Config
	out := &control.ExplainedUpstream{ID: r.upstreamID, From: "route", Scheme: r.upstream.Scheme, Type: cfg.Type, Nodes: []control.ExplainedNode{}}
	if known := b.byKind["routes"][r.id]; known != nil {
		if c := known.value.(*config.Route); c.UpstreamID == "" && c.Upstream == nil {
			out.From = layerName("services/" + r.serviceID)
		}
	}
	for _, n := range cfg.Nodes {
		out.Nodes = append(out.Nodes, control.ExplainedNode{Host: n.Host, Port: n.Port, Weight: n.Weight, Priority: n.Priority})
	}
	return out
}
