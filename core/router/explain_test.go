package router

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/internal/expr"
)

// args are variables of a request.
type args map[string]string

func (a args) Var(name string) (string, bool) { s, ok := a[name]; return s, ok }

func (a args) Value(name string) (any, bool) { return a.Var(name) }

func compileVars(t testing.TB, raw string) *expr.Expr {
	t.Helper()
	e, err := expr.Compile(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// shown are candidates as id, verdict and detail.
func shown(list []Candidate) []string {
	out := []string{}
	for _, c := range list {
		out = append(out, fmt.Sprintf("%s %s: %s", c.Route.ID, c.Verdict, c.Detail))
	}
	return out
}

func TestExplain(t *testing.T) {
	routes := []*Route{
		{ID: "exact", Paths: []string{"/a/b"}, Methods: []string{"PUT", "POST"}},
		{ID: "net", Paths: []string{"/a/b"}, RemoteAddrs: []string{"10.0.0.0/8"}},
		{ID: "vars", Paths: []string{"/a/b"}, Vars: compileVars(t, `[["arg_v","==","1"]]`)},
		{ID: "func", Paths: []string{"/a/b"}, Filter: func(v expr.Vars) bool { _, ok := v.Var("f"); return ok }},
		{ID: "long", Paths: []string{"/a/*"}, Order: 1},
		{ID: "second", Paths: []string{"/a/*"}, Order: 2},
		{ID: "third", Paths: []string{"/a/*"}, Order: 2},
		{ID: "minor", Paths: []string{"/a/*"}, Priority: -1},
		{ID: "short", Paths: []string{"/*"}, Priority: 9},
		{ID: "end", Paths: []string{"/a/*/c", "/nothing"}},
		{ID: "host", Paths: []string{"/a/b"}, Hosts: []string{"x.com", "*.y.com"}},
		{ID: "wild", Paths: []string{"/a/b"}, Hosts: []string{"*.org"}, Methods: []string{"PUT"}},
		{ID: "other", Paths: []string{"/a/c", "/d"}},
		{ID: "far", Paths: []string{"/z"}},
		{ID: "neither", Paths: []string{"/z"}, Hosts: []string{"x.com"}},
	}
	tests := []struct {
		name  string
		mode  Mode
		query Query
		limit int
		want  []string
		more  int
	}{
		{
			"everything", ModeHostURI, Query{Method: "GET", Host: "w.org", Path: "/a/b", RemoteAddr: netip.MustParseAddr("1.2.3.4")}, 100,
			[]string{
				"long matched: the path fits /a/*",
				"wild method: the method GET is not PUT",
				"exact method: the method GET is not one of PUT, POST",
				"func filter_func: filter_func does not return true",
				"net remote_addr: the client's address 1.2.3.4 is not in 10.0.0.0/8",
				"vars vars: the conditions in vars do not hold",
				"end path: the path /a/b does not fit one of /a/*/c, /nothing",
				"second younger: it was created after route long, which has the same path and priority",
				"third younger: it was created after route long, which has the same path and priority",
				"minor lower priority: its priority -1 is lower than 0 of route long",
				"short shorter path: the literal beginning of /* is shorter than that of /a/* of route long",
				`host host: the host "w.org" is not one of x.com, *.y.com`,
				"other path: the path /a/b does not fit one of /a/c, /d",
				"far path: the path /a/b does not fit /z",
			}, 0,
		},
		{
			"wider hosts", ModeHostURI, Query{Method: "PUT", Host: "w.org", Path: "/a/b"}, 2,
			[]string{
				"wild matched: the path is /a/b, the host fits *.org",
				"exact wider host: it has no host, which comes after the host *.org of route wild",
			}, 12,
		},
		{
			"hosts as conditions", ModeURI, Query{Method: "PUT", Host: "w.org", Path: "/a/b", Vars: args{"arg_v": "1"}}, 4,
			[]string{
				"exact matched: the path is /a/b",
				"func filter_func: filter_func does not return true",
				`host host: the host "w.org" is not one of x.com, *.y.com`,
				"net remote_addr: the client's address invalid IP is not in 10.0.0.0/8",
			}, 11,
		},
		{
			"an exact path before patterns", ModeHostURI, Query{Method: "GET", Host: "w.org", Path: "/a/b", Vars: args{"arg_v": "1"}}, 7,
			[]string{
				"vars matched: the path is /a/b",
				"wild method: the method GET is not PUT",
				"exact method: the method GET is not one of PUT, POST",
				"func filter_func: filter_func does not return true",
				"net remote_addr: the client's address invalid IP is not in 10.0.0.0/8",
				"end path: the path /a/b does not fit one of /a/*/c, /nothing",
				"long shorter path: /a/* is a pattern, and route vars has the very path",
			}, 7,
		},
		{"nothing", ModeHostURI, Query{Path: "nowhere"}, 1, []string{"end path: the path nowhere does not fit one of /a/*/c, /nothing"}, 11},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := New(tt.mode).Update(routes, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.query.Vars == nil {
				tt.query.Vars = args{}
			}
			got := r.Explain(&tt.query, tt.limit)
			if diff := cmp.Diff(tt.want, shown(got.Candidates)); diff != "" || got.More != tt.more {
				t.Errorf("got %d more, want %d; candidates (-want +got):\n%s", got.More, tt.more, diff)
			}
		})
	}
}

// TestExplainAgrees explains random requests to random routers. What it says is to be what Match does, for every route.
func TestExplainAgrees(t *testing.T) {
	vars := compileVars(t, `[["arg_v","==","1"]]`)
	for _, mode := range []Mode{ModeHostURI, ModeURI, ModeParameter} {
		t.Run(mode.String(), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(7, uint64(mode)))
			for range 60 {
				r := New(mode)
				var put []*Route
				for i := range rnd.IntN(40) {
					put = append(put, conditioned(rnd, i, vars))
				}
				r, err := r.Update(put, nil)
				if err != nil {
					t.Fatal(err)
				}
				for range 40 {
					checkExplanation(t, r, conditionedQuery(rnd))
				}
			}
		})
	}
}

func conditioned(rnd *rand.Rand, id int, vars *expr.Expr) *Route {
	route := randomRoute(rnd, id)
	route.RemoteAddrs = some(rnd, []string{"10.0.0.0/8", "10.0.0.1", "::1"}, 1)
	if rnd.IntN(3) == 0 {
		route.Vars = vars
	}
	if rnd.IntN(5) == 0 {
		route.Filter = func(v expr.Vars) bool { _, ok := v.Var("arg_f"); return ok }
	}
	return route
}

func conditionedQuery(rnd *rand.Rand) *Query {
	q, vars := randomQuery(rnd), args{}
	q.RemoteAddr = netip.MustParseAddr([]string{"10.0.0.1", "10.9.0.1", "::1"}[rnd.IntN(3)])
	if rnd.IntN(2) == 0 {
		vars["arg_v"] = "1"
	}
	if rnd.IntN(2) == 0 {
		vars["arg_f"] = ""
	}
	q.Vars = vars
	return q
}

// checkExplanation takes routes away one after the other: the match, and then what the explanation says would come next.
func checkExplanation(t *testing.T, r *Router, q *Query) {
	t.Helper()
	for {
		var m Match
		matched := r.Match(q, &m)
		got := r.Explain(q, 1000)
		if diff := cmp.Diff(m, got.Match, cmp.Comparer(func(a, b *Route) bool { return a == b })); diff != "" {
			t.Fatalf("%+v: match (-want +got):\n%s", q, diff)
		}
		first := slices.IndexFunc(got.Candidates, func(c Candidate) bool { return c.Verdict == VerdictMatched })
		if matched != (first == 0) {
			t.Fatalf("%+v: got the match %+v, and these candidates: %v", q, m.Route, shown(got.Candidates))
		}
		if !matched {
			checkLosers(t, q, got.Candidates)
			return
		}
		if got.Candidates[0].Route != m.Route {
			t.Fatalf("%+v: got %v first, want %s", q, shown(got.Candidates), m.Route.ID)
		}
		next, err := r.Update(nil, []string{m.Route.ID})
		if err != nil {
			t.Fatal(err)
		}
		checkNext(t, q, next, got.Candidates[1:])
		r = next
	}
}

// checkNext compares the first of the candidates that fit as well with the match of a router without the former match.
func checkNext(t *testing.T, q *Query, without *Router, rest []Candidate) {
	t.Helper()
	late := []Verdict{VerdictWiderHost, VerdictShorterPath, VerdictPriority, VerdictYounger}
	i := slices.IndexFunc(rest, func(c Candidate) bool { return slices.Contains(late, c.Verdict) })
	var m Match
	if without.Match(q, &m) != (i >= 0) || i >= 0 && rest[i].Route != m.Route {
		t.Fatalf("%+v: got %v as the rest, want %+v to come next", q, shown(rest), m.Route)
	}
}

// checkLosers checks that every candidate is there once and says why it lost.
func checkLosers(t *testing.T, q *Query, list []Candidate) {
	t.Helper()
	seen := map[string]bool{}
	for _, c := range list {
		if c.Detail == "" || c.Verdict == "" || seen[c.Route.ID] {
			t.Fatalf("%+v: got %+v", q, c)
		}
		seen[c.Route.ID] = true
	}
}

func BenchmarkExplain(b *testing.B) {
	r, err := New(ModeHostURI).Update(manyRoutes(1000), nil)
	if err != nil {
		b.Fatal(err)
	}
	q := &Query{Method: "GET", Host: "service-7.example.com", Path: "/api/v1/users/14/orders", Vars: args{}}
	for b.Loop() {
		r.Explain(q, 100)
	}
}
