package router

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/internal/expr"
)

func build(t testing.TB, mode Mode, routes ...*Route) *Router {
	t.Helper()
	r, err := New(mode).Update(routes, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// path makes routes of one path whose ID is the path.
func path(paths ...string) []*Route {
	var out []*Route
	for i, p := range paths {
		out = append(out, &Route{ID: p, Paths: []string{p}, Order: int64(i)})
	}
	return out
}

func TestPaths(t *testing.T) {
	tests := []struct {
		name   string
		mode   Mode
		routes []*Route
		path   string
		want   string // ID; empty: none
		params []Param
	}{
		{"exact", ModeURI, path("/a", "/a*", "/*"), "/a", "/a", nil},
		{"longest prefix", ModeURI, path("/*", "/a/*", "/a/b*"), "/a/bc", "/a/b*", nil},
		{"falls back to shorter prefix", ModeURI, path("/*", "/a/*"), "/b", "/*", []Param{{":ext", "b"}}},
		{"prefix needs its slash", ModeURI, path("/a/*"), "/a", "", nil},
		{"prefix matches nothing more", ModeURI, path("/a/*"), "/a/", "/a/*", []Param{{":ext", ""}}},
		{"star alone", ModeURI, path("*"), "anything", "*", []Param{{":ext", "anything"}}},
		{"wildcard in the middle", ModeURI, path("/a/*/c"), "/a/x/y/c", "/a/*/c", []Param{{":ext", "x/y"}}},
		{"wildcard in the middle, other end", ModeURI, path("/a/*/c"), "/a/x/y/d", "", nil},
		{"named wildcard", ModeURI, path("/a/*rest"), "/a/x/y", "/a/*rest", []Param{{"rest", "x/y"}}},
		{"wildcard within a segment is a prefix", ModeURI, path("/a*/c"), "/ab/d", "/a*/c", nil},
		{"colon is literal without parameters", ModeURI, path("/a/:id"), "/a/1", "", nil},
		{"parameter", ModeParameter, path("/a/:id"), "/a/1", "/a/:id", []Param{{"id", "1"}}},
		{"parameter is one segment", ModeParameter, path("/a/:id"), "/a/1/2", "", nil},
		{"parameter is not empty", ModeParameter, path("/a/:id/b"), "/a//b", "", nil},
		{"parameters", ModeParameter, path("/:a/x/:b/*c"), "/1/x/2/3/4", "/:a/x/:b/*c", []Param{{"a", "1"}, {"b", "2"}, {"c", "3/4"}}},
		{"same name twice", ModeParameter, path("/:a/:a"), "/1/2", "/:a/:a", []Param{{"a", "2"}}},
		{"trailing slash", ModeParameter, path("/:a/"), "/1", "", nil},
		{"trailing slash there", ModeParameter, path("/:a/"), "/1/", "/:a/", []Param{{"a", "1"}}},
		{"exact before parameter", ModeParameter, path("/:a", "/b"), "/b", "/b", nil},
		{"longer path first", ModeParameter, path("/:a", "/:a/*"), "/b/", "/:a/*", []Param{{"a", "b"}, {":ext", ""}}},
		{"colon before star cuts", ModeParameter, path("/a/*/:id"), "/a/x/1", "", nil},
		{"two wildcards", ModeURI, path("/a/*x/b/*y"), "/a/1/b/2/b/3", "/a/*x/b/*y", []Param{{"x", "1/b/2"}, {"y", "3"}}},
		{"dot is a dot", ModeURI, path("/a/*/f.x"), "/a/1/fyx", "", nil},
		{"special characters before the wildcard", ModeURI, path("/c++/*"), "/c++/x", "/c++/*", []Param{{":ext", "x"}}},
		{"regular expression", ModeParameter, path("/f/:n/(raw|html)"), "/f/1/html", "/f/:n/(raw|html)", []Param{{"n", "1"}}},
		{"regular expression, no", ModeParameter, path("/f/:n/(raw|html)"), "/f/1/htm", "", nil},
		{"wildcard in the literal beginning", ModeParameter, path("/f/*a/(x)/:n"), "/f/*a/(x)/1", "/f/*a/(x)/:n", []Param{{"a", "*a"}, {"n", "1"}}},
		{"group before a wildcard", ModeURI, path("/f/*a/(x|y)/*b"), "/f/1/y/2", "/f/*a/(x|y)/*b", []Param{{"a", "1"}, {"b", "2"}}},
		{"no regular expression", ModeURI, path("/f/*/(x"), "/f/1/(x", "/f/*/(x", []Param{{":ext", "1"}}},
		{"many wildcards", ModeURI, path("/*a/*b/*c/*d/*e/*f/*g/*h/*i/j.k"), "/1/2/3/4/5/6/7/8/9/j.k",
			"/*a/*b/*c/*d/*e/*f/*g/*h/*i/j.k", []Param{{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}, {"f", "6"}, {"g", "7"}, {"h", "8"}, {"i", "9"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Match
			ok := build(t, tt.mode, tt.routes...).Match(&Query{Method: "GET", Path: tt.path}, &m)
			got := ""
			if ok {
				got = m.Route.ID
			}
			if got != tt.want || m.Path != tt.want {
				t.Fatalf("got %q by %q, want %q", got, m.Path, tt.want)
			}
			if diff := cmp.Diff(tt.params, m.Params); diff != "" && len(tt.params)+len(m.Params) > 0 {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOrderWithinPath(t *testing.T) {
	r := build(t, ModeURI,
		&Route{ID: "old", Paths: []string{"/a*"}, Order: 1},
		&Route{ID: "older", Paths: []string{"/a*"}, Order: 0, Methods: []string{"GET"}},
		&Route{ID: "long", Paths: []string{"/a*/bcd"}, Order: 9, Methods: []string{"GET", "POST"}},
		&Route{ID: "high", Paths: []string{"/a*"}, Order: 9, Priority: 1, Methods: []string{"PUT", "GET"}, Filter: func(expr.Vars) bool { return false }},
		&Route{ID: "highest", Paths: []string{"/*"}, Priority: 100},
	)
	for method, want := range map[string]string{"GET": "long", "POST": "long", "PUT": "old", "BREW": "old"} {
		var m Match
		if !r.Match(&Query{Method: method, Path: "/abc"}, &m) || m.Route.ID != want {
			t.Errorf("%s: got %+v, want %s", method, m.Route, want)
		}
	}
}

func TestHosts(t *testing.T) {
	routes := []*Route{
		{ID: "none", Paths: []string{"/*", "/only"}, Priority: 9},
		{ID: "any", Hosts: []string{"*"}, Paths: []string{"/any"}},
		{ID: "exact", Hosts: []string{"A.Foo.com"}, Paths: []string{"/*"}},
		{ID: "wild", Hosts: []string{"*.foo.com"}, Paths: []string{"/w", "/*"}},
		{ID: "wilder", Hosts: []string{"*.com"}, Paths: []string{"/x/*"}, Priority: 9},
		{ID: "port", Hosts: []string{"b.org:81"}, Paths: []string{"/*"}, Priority: 10},
	}
	tests := []struct {
		name, host, path string
		uri, hostURI     string // IDs
		pattern          string // of hostURI
	}{
		{"exact host", "a.foo.com", "/w", "wild", "exact", "a.foo.com"},
		{"wildcard", "b.foo.com", "/w", "wild", "wild", "*.foo.com"},
		{"any depth", "c.b.foo.com", "/", "none", "wild", "*.foo.com"},
		{"falls back to a shorter wildcard", "b.bar.com", "/x/1", "wilder", "wilder", "*.com"},
		{"longest host first", "b.foo.com", "/x/1", "wilder", "wild", "*.foo.com"},
		{"suffix itself", ".foo.com", "/w", "wild", "wild", "*.foo.com"},
		{"not below", "foo.com", "/w", "none", "none", ""},
		{"no host fits the path", "b.bar.com", "/y", "none", "none", ""},
		{"lone star", "z", "/any", "any", "any", "*"},
		{"no host at all", "", "/only", "none", "none", ""},
		{"host with port", "b.org", "/", "port", "none", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for mode, want := range map[Mode]string{ModeURI: tt.uri, ModeParameter: tt.uri, ModeHostURI: tt.hostURI} {
				var m Match
				q := &Query{Method: "GET", Host: tt.host, HostPort: strings.ToUpper(tt.host) + ":81", Path: tt.path}
				if !build(t, mode, routes...).Match(q, &m) || m.Route.ID != want {
					t.Errorf("%s: got %+v, want %s", mode, m.Route, want)
				}
				if mode == ModeHostURI && m.Host != tt.pattern {
					t.Errorf("got host %q, want %q", m.Host, tt.pattern)
				}
			}
		})
	}
}

func TestConditions(t *testing.T) {
	r := build(t, ModeHostURI,
		&Route{ID: "addr", Paths: []string{"/"}, RemoteAddrs: []string{"10.0.0.0/8", "::1"}, Priority: 2},
		&Route{ID: "filter", Paths: []string{"/"}, Filter: func(v expr.Vars) bool { return v != nil }, Priority: 1})
	tests := []struct {
		name string
		q    Query
		want string
	}{
		{"in block", Query{RemoteAddr: netip.MustParseAddr("10.1.2.3")}, "addr"},
		{"address", Query{RemoteAddr: netip.MustParseAddr("::1")}, "addr"},
		{"filter", Query{RemoteAddr: netip.MustParseAddr("11.1.2.3"), Vars: noVars{}}, "filter"},
		{"none", Query{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m Match
			tt.q.Path = "/"
			got := ""
			if r.Match(&tt.q, &m) {
				got = m.Route.ID
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// noVars has no variable.
type noVars struct{}

func (noVars) Var(string) (string, bool) { return "", false }
func (noVars) Value(string) (any, bool)  { return nil, false }

func TestVars(t *testing.T) {
	e, err := expr.Compile([]byte(`[["arg_x", "==", "1"]]`))
	if err != nil {
		t.Fatal(err)
	}
	r := build(t, ModeURI, &Route{ID: "v", Paths: []string{"/"}, Vars: e})
	var m Match
	if r.Match(&Query{Path: "/", Vars: noVars{}}, &m) {
		t.Errorf("got %+v without the variable", m.Route)
	}
}

func TestBadRoutes(t *testing.T) {
	r := build(t, ModeHostURI, &Route{ID: "1", Paths: []string{"/old"}})
	next, err := r.Update([]*Route{
		{ID: "1", Paths: []string{"/new"}, Methods: []string{"BREW"}},
		{ID: "2", Paths: []string{"/ok"}},
		{ID: "3"},
		{ID: "4", Paths: []string{""}},
		{ID: "5", Paths: []string{"/"}, Hosts: []string{""}},
		{ID: "6", Paths: []string{"/"}, RemoteAddrs: []string{"x"}},
	}, nil)
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{`route 1: unknown method "BREW"`, "route 3: no path", "route 4: a path is empty", "route 5: a host is empty", "route 6: remote addresses: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got error %q, want %q in it", err, want)
		}
	}
	for p, want := range map[string]bool{"/old": true, "/new": false, "/ok": true} {
		var m Match
		if got := next.Match(&Query{Path: p}, &m); got != want {
			t.Errorf("%s: got %v, want %v", p, got, want)
		}
	}
	if next.Len() != 2 || r.Len() != 1 {
		t.Errorf("got %d and %d routes, want 2 and 1", next.Len(), r.Len())
	}
}

// TestBranches derives two routers from one: neither sees the other's change.
func TestBranches(t *testing.T) {
	base := build(t, ModeURI, path("/a", "/ab", "/abc*")...)
	left, _ := base.Update([]*Route{{ID: "l", Paths: []string{"/abl", "/abc*"}, Priority: 1}}, nil)
	right, _ := base.Update([]*Route{{ID: "r", Paths: []string{"/abr", "/abc*"}, Priority: 1}}, []string{"/a"})
	again, _ := left.Update([]*Route{{ID: "x", Paths: []string{"/abl"}, Priority: 5}}, nil)
	tests := []struct {
		name string
		r    *Router
		path string
		want string
	}{
		{"base", base, "/abc", "/abc*"}, {"base", base, "/a", "/a"}, {"base", base, "/abl", ""},
		{"left", left, "/abc", "l"}, {"left", left, "/a", "/a"}, {"left", left, "/abl", "l"}, {"left", left, "/abr", ""},
		{"right", right, "/abc", "r"}, {"right", right, "/a", ""}, {"right", right, "/abl", ""}, {"right", right, "/abr", "r"},
		{"again", again, "/abl", "x"}, {"again", again, "/abc", "l"},
	}
	for _, tt := range tests {
		var m Match
		got := ""
		if tt.r.Match(&Query{Path: tt.path}, &m) {
			got = m.Route.ID
		}
		if got != tt.want {
			t.Errorf("%s %s: got %q, want %q", tt.name, tt.path, got, tt.want)
		}
	}
}

func TestParseMode(t *testing.T) {
	for _, m := range []Mode{ModeHostURI, ModeURI, ModeParameter} {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("got %v %v, want %v", got, err, m)
		}
	}
	if got, err := ParseMode(""); err != nil || got != ModeHostURI {
		t.Errorf("got %v %v, want the default", got, err)
	}
	if _, err := ParseMode("r3"); err == nil {
		t.Error("got no error for an unknown name")
	}
}

func TestMatchParam(t *testing.T) {
	var m Match
	build(t, ModeParameter, path("/:a/:b")...).Match(&Query{Path: "/1/2"}, &m)
	if got, ok := m.Param("b"); !ok || got != "2" {
		t.Errorf("got %q %v, want 2", got, ok)
	}
	if got, ok := m.Param("c"); ok {
		t.Errorf("got %q for a parameter that is not there", got)
	}
}
