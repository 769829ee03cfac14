package router

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// oracle is the order rules written down as a linear search over all routes.
type oracle struct {
	mode   Mode
	routes map[string]*Route
}

// candidate is a route under one host and one path, with what it is ordered by.
type candidate struct {
	route      *Route
	path       string
	host       string
	hostRank   int // 0 exact, then by falling length of the suffix, last no host
	exact      bool
	keyLen     int
	params     []Param
	configured int
}

func (o *oracle) match(q *Query) (candidate, bool) {
	var found []candidate
	for _, r := range o.routes {
		hosts := o.hosts(r, q)
		for _, h := range hosts {
			for i, p := range r.Paths {
				c := h
				c.route, c.path, c.configured = r, p, i
				if o.fits(&c, q) {
					found = append(found, c)
				}
			}
		}
	}
	if len(found) == 0 {
		return candidate{}, false
	}
	sort.Slice(found, func(i, j int) bool { return before(found[i], found[j]) })
	return found[0], true
}

// hosts returns how the route's hosts let the request through.
func (o *oracle) hosts(r *Route, q *Query) []candidate {
	if len(r.Hosts) == 0 {
		return []candidate{{hostRank: 1 << 20}}
	}
	var out []candidate
	for _, h := range r.Hosts {
		h = strings.ToLower(h)
		host := q.Host
		if o.mode != ModeHostURI && strings.Contains(h, ":") && q.HostPort != "" {
			host = strings.ToLower(q.HostPort)
		}
		name, wild := strings.CutPrefix(h, "*")
		switch {
		case !wild && name == host:
			out = append(out, candidate{host: q.Host})
		case wild && strings.HasSuffix(host, name):
			out = append(out, candidate{host: h, hostRank: 1<<20 - 1 - len(name)})
		}
	}
	if o.mode == ModeHostURI || len(out) == 0 {
		return out
	}
	// Elsewhere a host is a condition and does not order.
	out[0].hostRank = 0
	return out[:1]
}

func (o *oracle) fits(c *candidate, q *Query) bool {
	if o.mode != ModeHostURI {
		c.hostRank = 0
	}
	if len(c.route.Methods) > 0 && !slices.Contains(c.route.Methods, q.Method) {
		return false
	}
	if c.route.Filter != nil && !c.route.Filter(q.Vars) {
		return false
	}
	cut := strings.IndexByte(c.path, '*')
	if i := strings.IndexByte(c.path, ':'); o.mode == ModeParameter && i >= 0 {
		cut = i
	}
	if cut < 0 {
		c.exact = true
		return c.path == q.Path
	}
	c.keyLen = cut
	if !strings.HasPrefix(q.Path, c.path[:cut]) {
		return false
	}
	return o.template(c, q.Path)
}

// template does what lua-resty-radixtree does: search unanchored and compare the match with the path. Only
// where segments are regular expressions of their own the match is anchored.
func (o *oracle) template(c *candidate, path string) bool {
	var names []string
	segments := strings.Split(strings.TrimRight(c.path, "/"), "/")
	regular, pos := false, 0
	for i, s := range segments {
		pos += len(s) + 1
		switch {
		case strings.HasPrefix(s, ":"):
			names = append(names, s[1:])
			segments[i] = `([^/]+)`
		case s == "*":
			names = append(names, ":ext")
			segments[i] = `((?s:.*))`
		case strings.HasPrefix(s, "*"):
			names = append(names, s[1:])
			segments[i] = `((?s:.*))`
		case pos-1 > c.keyLen && strings.Contains(s, "*"):
			regular = true
		default:
			segments[i] = regexp.QuoteMeta(s)
		}
	}
	if len(names) == 0 {
		return true
	}
	pat := strings.Join(segments, "/")
	if strings.HasSuffix(c.path, "/") {
		pat += "/"
	}
	if regular {
		pat = `\A(?:` + pat + `)\z`
	}
	m := regexp.MustCompile(pat).FindStringSubmatch(path)
	if m == nil || m[0] != path {
		return false
	}
	for i, name := range names {
		j := slices.IndexFunc(c.params, func(p Param) bool { return p.Name == name })
		if j < 0 {
			c.params = append(c.params, Param{Name: name, Value: m[i+1]})
		} else {
			c.params[j].Value = m[i+1]
		}
	}
	return true
}

func before(a, b candidate) bool {
	if a.hostRank != b.hostRank {
		return a.hostRank < b.hostRank
	}
	if a.exact != b.exact {
		return a.exact
	}
	if a.keyLen != b.keyLen {
		return a.keyLen > b.keyLen
	}
	return compareEntries(
		entry{compiled: &compiled{route: a.route}, path: a.path},
		entry{compiled: &compiled{route: b.route}, path: b.path}) < 0
}

// pieces of the random paths and hosts; few, so that they meet.
var (
	pathPieces = []string{"a", "b", "ab", "a.b", "", "*", "*rest", ":id", ":x", "a*", "a:b", "abc"}
	askPieces  = []string{"a", "b", "ab", "a.b", "axb", "", "abc", "*", ":id", "a:b", "\n"}
	hostPool   = []string{"*", "*.com", "*a.com", "a.com", "b.a.com", "*.a.com", "A.com", "a.com:80", "*.com:80", "*com"}
	askHosts   = []string{"", "com", ".com", "a.com", "xa.com", "b.a.com", "c.b.a.com", "org"}
	allMethods = []string{"GET", "POST", "PURGE"}
)

func randomPath(rnd *rand.Rand, from []string) string {
	var sb strings.Builder
	if rnd.IntN(20) > 0 {
		sb.WriteByte('/')
	}
	for i := range rnd.IntN(5) {
		if i > 0 {
			sb.WriteByte('/')
		}
		sb.WriteString(from[rnd.IntN(len(from))])
	}
	return sb.String()
}

func some(rnd *rand.Rand, from []string, most int) []string {
	var out []string
	for range rnd.IntN(most + 1) {
		if s := from[rnd.IntN(len(from))]; !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func randomRoute(rnd *rand.Rand, id int) *Route {
	r := &Route{
		ID:       fmt.Sprint("r", id),
		Hosts:    some(rnd, hostPool, 2),
		Methods:  some(rnd, allMethods, 1),
		Priority: rnd.IntN(3),
		Order:    int64(rnd.IntN(4)),
	}
	for range 1 + rnd.IntN(3) {
		if p := randomPath(rnd, pathPieces); p != "" {
			r.Paths = append(r.Paths, p)
		}
	}
	if len(r.Paths) == 0 {
		r.Paths = []string{"*"}
	}
	return r
}

func randomQuery(rnd *rand.Rand) *Query {
	host := askHosts[rnd.IntN(len(askHosts))]
	q := &Query{Method: allMethods[rnd.IntN(len(allMethods))], Host: host, Path: randomPath(rnd, askPieces)}
	if rnd.IntN(2) == 0 {
		q.HostPort = strings.ToUpper(host) + ":80"
	}
	return q
}

// TestOracle changes random routes again and again and compares all that matters with the linear search.
func TestOracle(t *testing.T) {
	for _, mode := range []Mode{ModeHostURI, ModeURI, ModeParameter} {
		t.Run(mode.String(), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, uint64(mode)))
			for range 20 {
				checkAgainstOracle(t, mode, rnd)
			}
		})
	}
}

func checkAgainstOracle(t *testing.T, mode Mode, rnd *rand.Rand) {
	t.Helper()
	r, o := New(mode), &oracle{mode: mode, routes: map[string]*Route{}}
	var m Match
	for range 15 {
		var put []*Route
		var del []string
		for range rnd.IntN(12) {
			put = append(put, randomRoute(rnd, rnd.IntN(40)))
		}
		for range rnd.IntN(6) {
			del = append(del, fmt.Sprint("r", rnd.IntN(40)))
		}
		next, err := r.Update(put, del)
		if err != nil {
			t.Fatal(err)
		}
		r = next
		for _, id := range del {
			delete(o.routes, id)
		}
		for _, p := range put {
			o.routes[p.ID] = p
		}
		if r.Len() != len(o.routes) {
			t.Fatalf("got %d routes, want %d", r.Len(), len(o.routes))
		}
		for range 60 {
			compareWithOracle(t, r, o, randomQuery(rnd), &m)
		}
	}
	compareWithBulk(t, r, o)
}

func compareWithOracle(t *testing.T, r *Router, o *oracle, q *Query, m *Match) {
	t.Helper()
	want, ok := o.match(q)
	if got := r.Match(q, m); got != ok {
		t.Fatalf("%+v: got %v (%+v), want %v (%+v)", q, got, m.Route, ok, want.route)
	}
	if !ok {
		return
	}
	if m.Route != want.route || m.Path != want.path || m.Host != want.host {
		t.Fatalf("%+v: got %+v %q %q, want %+v %q %q", q, m.Route, m.Path, m.Host, want.route, want.path, want.host)
	}
	if diff := cmp.Diff(append([]Param{}, want.params...), append([]Param{}, m.Params...)); diff != "" {
		t.Fatalf("%+v %s: parameters (-want +got):\n%s", q, m.Path, diff)
	}
}

// compareWithBulk checks that many changes and one bulk load make the same tree, and that removing everything leaves nothing.
func compareWithBulk(t *testing.T, r *Router, o *oracle) {
	t.Helper()
	var all []*Route
	var ids []string
	for id, route := range o.routes {
		all = append(all, route)
		ids = append(ids, id)
	}
	bulk, err := New(r.mode).Update(all, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump(bulk), dump(r)); diff != "" {
		t.Fatalf("trees (-bulk +incremental):\n%s", diff)
	}
	before := dump(r)
	empty, err := r.Update(nil, ids)
	if err != nil {
		t.Fatal(err)
	}
	if empty.Len() != 0 || empty.byID.root != nil || empty.hosts.root != nil || empty.routes.root != nil {
		t.Fatalf("the router without routes is not empty: %v", dump(empty))
	}
	if diff := cmp.Diff(before, dump(r)); diff != "" {
		t.Fatalf("the old router changed:\n%s", diff)
	}
}

// dump lists what is in the trees, in order.
func dump(r *Router) []string {
	var out []string
	table := func(host string, t tree[bucket]) {
		walk(t.root, "", func(key string, b *bucket) {
			for i, list := range [][]entry{b.exact, b.prefix} {
				for pos, e := range list {
					out = append(out, fmt.Sprintf("%s %q %d %d %s %s", host, key, i, pos, e.route.ID, e.path))
				}
			}
		})
	}
	table("-", r.routes)
	walk(r.hosts.root, "", func(host string, h *hostRoutes) {
		table("="+host, h.exact)
		table("*"+host, h.suffix)
	})
	slices.Sort(out)
	return out
}

func walk[V any](n *node[V], key string, visit func(string, *V)) {
	if n == nil {
		return
	}
	key += n.label
	if n.val != nil {
		visit(key, n.val)
	}
	for _, k := range n.kids {
		walk(k.node, key, visit)
	}
}
