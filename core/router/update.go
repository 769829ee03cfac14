package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// bucket holds the candidates under one literal path, in the order in which they are tried.
type bucket struct {
	gen    uint64
	exact  []entry // for the path itself
	prefix []entry // for paths that begin with it
}

// hostRoutes are the routes of one host.
type hostRoutes struct {
	exact   tree[bucket] // of the host itself
	suffix  tree[bucket] // of all hosts that end with it
	pattern string       // with the wildcard, if suffix has routes
}

// Update returns the router that has the routes put, in place of those with the same ID, and not those of the IDs del, which go
// first. r stays as it is. A route that cannot be used is named in the error and left out, or stays as it was in r; all others
// are applied, so the returned router is valid also when there is an error.
func (r *Router) Update(put []*Route, del []string) (*Router, error) {
	next := *r
	next.gen++
	for _, id := range del {
		next.remove(id)
	}
	var errs []error
	for _, route := range put {
		c, err := compile(r.mode, route)
		if err != nil {
			errs = append(errs, fmt.Errorf("route %s: %w", route.ID, err))
			continue
		}
		next.remove(route.ID)
		next.insert(c)
	}
	return &next, errors.Join(errs...)
}

// insert and remove are called only on a router that is not published yet.
func (r *Router) insert(c *compiled) {
	r.count++
	r.byID = r.byID.with(r.gen, c.route.ID, c)
	patterns := make([]pattern, 0, len(c.route.Paths))
	for _, p := range c.route.Paths {
		patterns = append(patterns, parsePattern(r.mode, p))
	}
	r.eachTable(c.route, func(t tree[bucket]) tree[bucket] {
		for _, p := range patterns {
			t = tableAdd(t, r.gen, p, entry{compiled: c, path: p.path, tmpl: p.tmpl})
		}
		return t
	})
}

func (r *Router) remove(id string) {
	c := r.byID.get(id)
	if c == nil {
		return
	}
	r.count--
	r.byID = r.byID.without(r.gen, id)
	r.eachTable(c.route, func(t tree[bucket]) tree[bucket] {
		for _, p := range c.route.Paths {
			key, exact := cutPath(r.mode, p)
			t = tableDrop(t, r.gen, pattern{path: p, key: key, exact: exact}, entry{compiled: c, path: p})
		}
		return t
	})
}

// eachTable replaces every path table that the route belongs into by what change makes of it.
func (r *Router) eachTable(route *Route, change func(tree[bucket]) tree[bucket]) {
	if r.mode != ModeHostURI || len(route.Hosts) == 0 {
		r.routes = change(r.routes)
		return
	}
	for _, h := range route.Hosts {
		h = strings.ToLower(h)
		name, suffix := strings.CutPrefix(h, "*")
		key := reverse(name)
		var hr hostRoutes
		if old := r.hosts.get(key); old != nil {
			hr = *old
		}
		if suffix {
			hr.suffix, hr.pattern = change(hr.suffix), h
		} else {
			hr.exact = change(hr.exact)
		}
		if hr.exact.root == nil && hr.suffix.root == nil {
			r.hosts = r.hosts.without(r.gen, key)
			continue
		}
		r.hosts = r.hosts.with(r.gen, key, &hr)
	}
}

func reverse(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}

// tableAdd returns the path table that has e. A route that names a path twice is there once.
func tableAdd(t tree[bucket], gen uint64, p pattern, e entry) tree[bucket] {
	old := t.get(p.key)
	b := old.own(gen)
	list := b.list(p.exact)
	i, found := slices.BinarySearchFunc(*list, e, compareEntries)
	if found {
		return t
	}
	*list = slices.Insert(*list, i, e)
	if b == old {
		return t
	}
	return t.with(gen, p.key, b)
}

// tableDrop returns the path table that does not have e.
func tableDrop(t tree[bucket], gen uint64, p pattern, e entry) tree[bucket] {
	old := t.get(p.key)
	if old == nil {
		return t
	}
	i, found := slices.BinarySearchFunc(*old.list(p.exact), e, compareEntries)
	if !found {
		return t
	}
	b := old.own(gen)
	list := b.list(p.exact)
	*list = slices.Delete(*list, i, i+1)
	if len(b.exact) == 0 && len(b.prefix) == 0 {
		return t.without(gen, p.key)
	}
	if b == old {
		return t
	}
	return t.with(gen, p.key, b)
}

// own returns b if it belongs to the change gen, else a copy that does.
func (b *bucket) own(gen uint64) *bucket {
	if b == nil {
		return &bucket{gen: gen}
	}
	if b.gen == gen {
		return b
	}
	return &bucket{gen: gen, exact: slices.Clone(b.exact), prefix: slices.Clone(b.prefix)}
}

func (b *bucket) list(exact bool) *[]entry {
	if exact {
		return &b.exact
	}
	return &b.prefix
}
