package core

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/internal/expr"
)

// verdictDisabled is the verdict on a route that would be looked at, were it not for its status.
const verdictDisabled = "disabled"

// Explain tells what the gateway would do with a request: an exchange is begun and matched as for any other one, but no hook runs.
func (g *Gateway) Explain(q control.Question) (*control.Explanation, error) {
	s, err := g.imagine(q)
	if err != nil {
		return nil, err
	}
	x := g.begin(s)
	defer g.end(x)
	matched, fault := x.match()
	found := x.snap.router.Explain(&x.query, control.MaxCandidates)
	b := g.builder
	b.mu.RLock()
	defer b.mu.RUnlock()
	out := &control.Explanation{Request: x.explained(q), Candidates: []control.Candidate{}}
	x.explainCandidates(out, found)
	if matched {
		out.Matched = x.explainMatch(fault)
	}
	if q.Consumer != "" {
		if out.Consumer, err = b.explainConsumer(x, q.Consumer); err != nil {
			return nil, err
		}
	}
	out.Plugins = b.explainPlugins(x, q.Consumer)
	if matched {
		out.Upstream = b.explainUpstream(x.route)
	}
	out.Notes = b.explainNotes(x, q, out)
	return out, nil
}

func (x *exchange) explained(q control.Question) control.ExplainedRequest {
	return control.ExplainedRequest{
		Method: x.req.Method, Scheme: x.scheme(), Host: x.query.Host, Port: x.peer.LocalPort, Path: x.req.Path, Query: x.req.Query,
		RemoteAddr: x.remoteText, Header: q.Header,
	}
}

// explainCandidates tells of the routes that were looked at, and of those that would be if they were enabled. The match stays first.
func (x *exchange) explainCandidates(out *control.Explanation, found *router.Explanation) {
	list := out.Candidates
	for _, c := range found.Candidates {
		list = append(list, x.candidate(c))
	}
	at := 0
	if found.Match.Route != nil {
		at = 1
	}
	list = slices.Insert(list, at, x.disabledRoutes()...)
	over := max(len(list)-control.MaxCandidates, 0)
	out.Candidates, out.More = list[:len(list)-over], found.More+over
}

func (x *exchange) explainMatch(fault error) *control.MatchedRoute {
	m := &control.MatchedRoute{
		ID: x.route.id, Name: x.route.name, URI: x.matched.Path, Host: x.matched.Host, Priority: x.matched.Route.Priority,
		Service: x.route.serviceID,
	}
	for _, p := range x.matched.Params {
		if m.Params == nil {
			m.Params = map[string]string{}
		}
		m.Params[p.Name] = p.Value
	}
	if fault != nil {
		m.Fault = fault.Error()
	}
	return m
}

func (x *exchange) candidate(c router.Candidate) control.Candidate {
	out := control.Candidate{
		ID: c.Route.ID, URI: c.Path, Priority: c.Route.Priority, Verdict: string(c.Verdict), Detail: c.Detail,
	}
	if r, ok := c.Route.Value.(*route); ok {
		out.Name = r.name
	}
	if c.Verdict == router.VerdictVars {
		if rule := x.failingRule(c.Route.ID); rule != "" {
			out.Detail = rule
		}
	}
	return out
}

// failingRule says which of a route's conditions does not hold, and what the variable is; empty where the conditions are not simply
// a list.
func (x *exchange) failingRule(id string) string {
	r := x.g.builder.byKind["routes"][id]
	if r == nil {
		return ""
	}
	var rules []json.RawMessage
	if json.Unmarshal(r.value.(*config.Route).Vars, &rules) != nil {
		return ""
	}
	for _, rule := range rules {
		e, err := expr.Compile(slices.Concat([]byte("["), rule, []byte("]")))
		if err != nil {
			return ""
		}
		if !e.Eval(x) {
			return fmt.Sprintf("%s does not hold%s", rule, x.valueIn(rule))
		}
	}
	return ""
}

// valueIn says what the variable of a condition is.
func (x *exchange) valueIn(rule json.RawMessage) string {
	var parts []json.RawMessage
	var name string
	if json.Unmarshal(rule, &parts) != nil || len(parts) < 2 || json.Unmarshal(parts[0], &name) != nil {
		return ""
	}
	value, ok := x.Var(name)
	switch {
	case !ok:
		return fmt.Sprintf(": the request has no %s", name)
	case len(value) > maxShown:
		value = value[:maxShown] + "…"
	}
	return fmt.Sprintf(": %s is %q", name, value)
}

// maxShown is how much of a variable an explanation shows.
const maxShown = 200

// disabledRoutes are the routes whose status is 0 and whose path and host lead to them: a router of their own finds them.
func (x *exchange) disabledRoutes() []control.Candidate {
	b := x.g.builder
	var off []*router.Route
	for id, r := range b.byKind["routes"] {
		if c := r.value.(*config.Route); c.Status != 0 || !mayLead(c, x.req.Path) {
			continue
		}
		if made, err := b.routerRoute(id, r); err == nil {
			off = append(off, made)
		}
	}
	// What cannot be used is left out, and was reported when it came.
	shadow, _ := router.New(x.snap.router.Mode()).Update(off, nil)
	var out []control.Candidate
	for _, c := range shadow.Explain(&x.query, control.MaxCandidates).Candidates {
		detail := "its status is 0"
		switch c.Verdict {
		case router.VerdictPath, router.VerdictHost:
			continue
		case router.VerdictMethod, router.VerdictRemoteAddr, router.VerdictVars, router.VerdictFilter:
			detail += ", and besides " + x.candidate(c).Detail
		default:
		}
		shown := x.candidate(c)
		shown.Verdict, shown.Detail = verdictDisabled, detail
		out = append(out, shown)
	}
	return out
}

// mayLead tells cheaply of most routes that none of their paths leads to the one of a request: there may be very many routes, and they
// are looked through while nothing can be changed.
func mayLead(c *config.Route, path string) bool {
	leads := func(uri string) bool {
		if at := strings.IndexAny(uri, ":*"); at >= 0 {
			return strings.HasPrefix(path, uri[:at])
		}
		return uri == path
	}
	return c.URI != "" && leads(c.URI) || slices.ContainsFunc(c.URIs, leads)
}

// explainNotes are what else a person should know.
func (b *builder) explainNotes(x *exchange, q control.Question, e *control.Explanation) []string {
	var notes []string
	if e.Matched == nil {
		notes = append(notes, "no route matches: the global rules run, then the answer is 404")
	}
	if n := len(b.rejected); n > 0 {
		notes = append(notes, fmt.Sprintf("resources that are not in service as the store has them: %d, see /v1/sync", n))
	}
	authenticates := slices.ContainsFunc(e.Plugins, func(p control.ExplainedPlugin) bool {
		info, ok := b.maker.Catalog.Info(p.Name)
		return ok && info.Auth && len(p.Phases) > 0 && !strings.HasPrefix(p.From, "consumer")
	})
	if q.Consumer != "" && e.Matched != nil && !authenticates {
		notes = append(notes, "no plugin of the route finds out the consumer: requests have none unless one is attached otherwise")
	}
	if x.remoteText != x.peer.RemoteIP {
		notes = append(notes, fmt.Sprintf("the peer %s is trusted to name the client %s", x.peer.RemoteIP, x.remoteText))
	}
	return notes
}
