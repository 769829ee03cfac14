package router

import "strings"

// Match finds the route of a request and describes it in m. It tells whether there is one. It allocates only where m.Params
// has to grow, or where the matched path contains a regular expression. Vars and filter functions run while it does.
func (r *Router) Match(q *Query, m *Match) bool {
	m.Route, m.Path, m.Host, m.Params = nil, "", "", m.Params[:0]
	s := search{q: q, m: m, method: methodBit(q.Method)}
	if r.hosts.root != nil && s.byHost(r.hosts.root, len(q.Host)) {
		return true
	}
	return s.table(r.routes)
}

// search is one request on its way through the trees.
type search struct {
	q      *Query
	m      *Match
	method uint16
	host   string // pattern of the candidate under examination
}

// byHost looks below n for the bytes of the host before end, backwards, and returns true at the first route that fits. The deeper node
// comes first, since its host is the longer one.
func (s *search) byHost(n *node[hostRoutes], end int) bool {
	host := s.q.Host
	if len(n.label) > end {
		return false
	}
	for i := range len(n.label) {
		end--
		if n.label[i] != host[end] {
			return false
		}
	}
	if end > 0 {
		if kid := n.child(host[end-1]); kid != nil && s.byHost(kid, end) {
			return true
		}
	} else if n.val != nil && s.table(n.val.exact) {
		s.m.Host = host
		return true
	}
	if n.val != nil && s.table(n.val.suffix) {
		s.m.Host = n.val.pattern
		return true
	}
	return false
}

// table looks for the path in one table.
func (s *search) table(t tree[bucket]) bool {
	n, path := t.root, s.q.Path
	if n == nil || n.label != "" && (path == "" || path[0] != n.label[0]) {
		return false
	}
	return s.byPath(n, path)
}

// byPath looks below n for the rest of the path in the same way as byHost. The first byte of n's label is known to be right, so most nodes
// are passed without a look at their labels' bytes, which are far away.
func (s *search) byPath(n *node[bucket], rest string) bool {
	if l := len(n.label); len(rest) < l || l > 1 && rest[1:l] != n.label[1:] {
		return false
	}
	rest = rest[len(n.label):]
	if rest != "" {
		if kid := n.child(rest[0]); kid != nil && s.byPath(kid, rest) {
			return true
		}
	} else if n.val != nil && s.first(n.val.exact) {
		return true
	}
	return n.val != nil && s.first(n.val.prefix)
}

// first takes the first entry that fits.
func (s *search) first(entries []entry) bool {
	for i := range entries {
		e := &entries[i]
		if !s.fits(e.compiled) {
			continue
		}
		if e.tmpl != nil && !e.tmpl.match(s.q.Path, s.m) {
			continue
		}
		s.m.Route, s.m.Path, s.m.Host = e.route, e.path, s.host
		return true
	}
	return false
}

// fits tells whether the request fulfils the route's conditions, cheap ones first as APISIX orders them.
func (s *search) fits(c *compiled) bool {
	if c.methods != 0 && c.methods&s.method == 0 {
		return false
	}
	if c.addrs != nil && !c.addrs.Contains(s.q.RemoteAddr) {
		return false
	}
	s.host = ""
	if len(c.hosts) > 0 && !s.fitsHost(c.hosts) {
		return false
	}
	if c.route.Vars != nil && !c.route.Vars.Eval(s.q.Vars) {
		return false
	}
	return c.route.Filter == nil || c.route.Filter(s.q.Vars)
}

// fitsHost keeps the pattern that fits in s.host.
func (s *search) fitsHost(hosts []hostPattern) bool {
	for i := range hosts {
		h := &hosts[i]
		host := s.q.Host
		fits := strings.HasSuffix(host, h.name)
		if h.port && s.q.HostPort != "" {
			host = s.q.HostPort
			fits = endsWithFold(host, h.name)
		}
		switch {
		case !fits:
		case h.suffix:
			s.host = h.text
			return true
		case len(host) == len(h.name):
			s.host = s.q.Host
			return true
		}
	}
	return false
}

// endsWithFold tells whether s ends with the lower case text suffix, whatever the case of ASCII letters in s.
func endsWithFold(s, suffix string) bool {
	if len(s) < len(suffix) {
		return false
	}
	s = s[len(s)-len(suffix):]
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != suffix[i] {
			return false
		}
	}
	return true
}
