package router

import (
	"cmp"
	"slices"
	"strings"
)

// others are the routes that the walk did not come by. Details are for as many of them as may be shown.
func (x *explainer) others(r *Router, limit int) []Candidate {
	var elsewhere, near []Candidate
	common := map[*Route]int{}
	r.byID.root.each(func(c *compiled) {
		if _, seen := x.seen[c]; seen {
			return
		}
		path, fits, length := x.closest(c.route)
		switch {
		case fits:
			elsewhere = append(elsewhere, Candidate{Route: c.route, Path: path, Verdict: VerdictHost})
		case x.mode != ModeHostURI || x.hostFits(c.route):
			common[c.route] = length
			near = append(near, Candidate{Route: c.route, Path: path, Verdict: VerdictPath})
		}
	})
	slices.SortStableFunc(near, func(a, b Candidate) int { return cmp.Compare(common[b.Route], common[a.Route]) })
	all := append(elsewhere, near...)
	for i := range min(len(all), limit) {
		all[i].Detail = x.unfulfilled(all[i].Route, all[i].Verdict)
	}
	return all
}

// closest returns the path of the route that fits, or else the one that has the longest beginning in common with the request's.
func (x *explainer) closest(route *Route) (path string, fits bool, common int) {
	common = -1
	for _, p := range route.Paths {
		key, exact := cutPath(x.mode, p)
		if x.pathFits(p, key, exact) {
			return p, true, len(key)
		}
		if n := commonPrefix(key, x.q.Path); n > common {
			path, common = p, n
		}
	}
	return path, false, common
}

func (x *explainer) pathFits(path, key string, exact bool) bool {
	if exact {
		return key == x.q.Path
	}
	if !strings.HasPrefix(x.q.Path, key) {
		return false
	}
	t := parsePattern(x.mode, path).tmpl
	return t == nil || t.match(x.q.Path, x.m)
}

func (x *explainer) hostFits(route *Route) bool {
	hosts := make([]hostPattern, 0, len(route.Hosts))
	for _, h := range route.Hosts {
		p := parseHost(h)
		p.port = false
		hosts = append(hosts, p)
	}
	return len(hosts) == 0 || x.fitsHost(hosts)
}

// each visits all values in order of key.
func (n *node[V]) each(visit func(*V)) {
	if n == nil {
		return
	}
	if n.val != nil {
		visit(n.val)
	}
	for _, k := range n.kids {
		k.each(visit)
	}
}
