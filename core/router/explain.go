package router

import (
	"slices"
	"strings"
)

// Verdict says what became of a route that was looked at for a request.
type Verdict string

// The verdicts. The first one is of one route at most; the last four are of routes that fit as well but come later.
const (
	VerdictMatched     Verdict = "matched"
	VerdictPath        Verdict = "path"
	VerdictHost        Verdict = "host"
	VerdictMethod      Verdict = "method"
	VerdictRemoteAddr  Verdict = "remote_addr"
	VerdictVars        Verdict = "vars"
	VerdictFilter      Verdict = "filter_func"
	VerdictWiderHost   Verdict = "wider host"
	VerdictShorterPath Verdict = "shorter path"
	VerdictPriority    Verdict = "lower priority"
	VerdictYounger     Verdict = "younger"
)

// Candidate is a route that was looked at.
type Candidate struct {
	Route   *Route
	Path    string // of its paths the one that came closest
	Verdict Verdict
	Detail  string // the verdict for a person
}

// Explanation is how a request found its route.
type Explanation struct {
	Match Match
	// Candidates has the match first, then the routes whose path and host lead to them, in the order in which they are tried, then
	// those whose path fits but not the host, then those whose host fits but not the path, the ones with the longest common
	// beginning first. No route occurs twice.
	Candidates []Candidate
	More       int // candidates that the limit cut off
}

// Explain does what Match does and tells why, with up to limit candidates. It looks at every route: it is for people, not for requests.
func (r *Router) Explain(q *Query, limit int) *Explanation {
	x := explainer{
		search: search{q: q, m: &Match{}, method: methodBit(q.Method)}, mode: r.mode, seen: map[*compiled]int{},
	}
	out := &Explanation{}
	r.Match(q, &out.Match)
	if r.hosts.root != nil {
		x.byHost(r.hosts.root, len(q.Host))
	}
	x.pattern = ""
	x.table(r.routes)
	all := x.judge(&out.Match)
	all = append(all, x.others(r, limit)...)
	out.More = max(len(all)-limit, 0)
	out.Candidates = all[:len(all)-out.More]
	return out
}

// attempt is a route under one of its paths, where Match would come upon it.
type attempt struct {
	entry
	pattern string // of the host under which it was found; ModeHostURI only
	host    string // what Match.Host would be
	keyLen  int
	exact   bool
	verdict Verdict // empty: it fits
	dropped bool    // another path of the route fits, and this one does not
}

// explainer walks the trees in Match's order but past the first route that fits.
type explainer struct {
	search
	mode    Mode
	pattern string // of the host whose table is under examination
	tried   []attempt
	seen    map[*compiled]int // where in tried
}

func (x *explainer) byHost(n *node[hostRoutes], end int) {
	host := x.q.Host
	if len(n.label) > end || reverse(host[end-len(n.label):end]) != n.label {
		return
	}
	end -= len(n.label)
	if end > 0 {
		if kid := n.child(host[end-1]); kid != nil {
			x.byHost(kid, end)
		}
	} else if n.val != nil {
		x.pattern = host
		x.table(n.val.exact)
	}
	if n.val != nil {
		x.pattern = n.val.pattern
		x.table(n.val.suffix)
	}
}

func (x *explainer) table(t tree[bucket]) {
	if t.root != nil {
		x.byPath(t.root, x.q.Path, 0)
	}
}

func (x *explainer) byPath(n *node[bucket], rest string, depth int) {
	rest, ok := strings.CutPrefix(rest, n.label)
	if !ok {
		return
	}
	depth += len(n.label)
	if rest != "" {
		if kid := n.child(rest[0]); kid != nil {
			x.byPath(kid, rest, depth)
		}
	} else if n.val != nil {
		x.try(n.val.exact, depth, true)
	}
	if n.val != nil {
		x.try(n.val.prefix, depth, false)
	}
}

// try notes the entries of one bucket. Of a route that is met more than once the first way that fits counts, else the first one.
func (x *explainer) try(entries []entry, keyLen int, exact bool) {
	for _, e := range entries {
		a := attempt{entry: e, pattern: x.pattern, keyLen: keyLen, exact: exact, verdict: x.verdict(e)}
		if a.host = x.host; x.mode == ModeHostURI {
			a.host = x.pattern
		}
		i, again := x.seen[e.compiled]
		if again {
			if x.tried[i].verdict == "" || a.verdict != "" {
				continue
			}
			x.tried[i].dropped = true
		}
		x.seen[e.compiled] = len(x.tried)
		x.tried = append(x.tried, a)
	}
}

// verdict finds the first condition of an entry that does not hold, by the means and in the order of search.fits and search.first.
func (x *explainer) verdict(e entry) Verdict {
	x.host = ""
	route := e.route
	switch {
	case e.methods != 0 && e.methods&x.method == 0:
		return VerdictMethod
	case e.addrs != nil && !e.addrs.Contains(x.q.RemoteAddr):
		return VerdictRemoteAddr
	case len(e.hosts) > 0 && !x.fitsHost(e.hosts):
		return VerdictHost
	case route.Vars != nil && !route.Vars.Eval(x.q.Vars):
		return VerdictVars
	case route.Filter != nil && !route.Filter(x.q.Vars):
		return VerdictFilter
	case e.tmpl != nil && !e.tmpl.match(x.q.Path, x.m):
		return VerdictPath
	}
	return ""
}

// judge turns the attempts into candidates, the match first.
func (x *explainer) judge(m *Match) []Candidate {
	out := make([]Candidate, 0, len(x.tried))
	at := slices.IndexFunc(x.tried, func(a attempt) bool { return a.route == m.Route && a.path == m.Path && a.host == m.Host })
	if at >= 0 {
		out = append(out, Candidate{Route: m.Route, Path: m.Path, Verdict: VerdictMatched, Detail: x.reached(x.tried[at])})
	}
	for i := range x.tried {
		if i == at || x.tried[i].dropped {
			continue
		}
		a := &x.tried[i]
		c := Candidate{Route: a.route, Path: a.path, Verdict: a.verdict}
		switch {
		case a.verdict != "":
			c.Detail = x.unfulfilled(a.route, a.verdict)
		case at >= 0:
			c.Verdict, c.Detail = later(&x.tried[at], a)
		}
		out = append(out, c)
	}
	return out
}
