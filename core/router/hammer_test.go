package router

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestHammer matches while another goroutine changes the routes. Routes come in pairs that always change together, so that a
// router which is seen half changed shows two different versions.
func TestHammer(t *testing.T) {
	const pairs, changes = 50, 2000
	var current atomic.Pointer[Router]
	version := func(i, v int) []*Route {
		return []*Route{
			{ID: fmt.Sprintf("a%d", i), Paths: []string{fmt.Sprintf("/p/%d", i)}, Hosts: []string{"*.a.com"}, Value: v},
			{ID: fmt.Sprintf("b%d", i), Paths: []string{fmt.Sprintf("/p/%d*", i)}, Value: v},
		}
	}
	r := New(ModeHostURI)
	for i := range pairs {
		r, _ = r.Update(version(i, 0), nil)
	}
	current.Store(r)
	var stop atomic.Bool
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			var a, b Match
			for i := g; !stop.Load(); i++ {
				r := current.Load()
				p := fmt.Sprintf("/p/%d", i%pairs)
				if !r.Match(&Query{Host: "x.a.com", Path: p}, &a) || !r.Match(&Query{Path: p}, &b) {
					t.Errorf("no match for %s", p)
					return
				}
				if a.Route.Value != b.Route.Value {
					t.Errorf("%s: got versions %v and %v in one router", p, a.Route.Value, b.Route.Value)
					return
				}
			}
		})
	}
	for v := range changes {
		next, err := current.Load().Update(version(v%pairs, v), nil)
		if err != nil {
			t.Error(err)
		}
		current.Store(next)
	}
	stop.Store(true)
	wg.Wait()
}

func TestMatchDoesNotAllocate(t *testing.T) {
	r := build(t, ModeHostURI,
		&Route{ID: "1", Hosts: []string{"*.a.com"}, Paths: []string{"/a/*x/b/*y"}, Methods: []string{"GET"}},
		&Route{ID: "2", Paths: []string{"/x"}})
	var m Match
	q := &Query{Method: "GET", Host: "b.a.com", Path: "/a/1/b/2"}
	miss := &Query{Method: "GET", Host: "b.a.com", Path: "/y"}
	r.Match(q, &m)
	if got := testing.AllocsPerRun(100, func() {
		r.Match(q, &m)
		r.Match(miss, &m)
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

// FuzzPattern matches arbitrary paths and hosts against arbitrary patterns, and removes them again.
func FuzzPattern(f *testing.F) {
	f.Add("/a/*", "*.a.com", "/a/b", "b.a.com")
	f.Add("/:a/*b/c", "[::1]", "/1/2/c", "[::1]")
	f.Add("*", "*", "", "")
	f.Add("/*/(a|b)/:c", "A.com:80", "/x/a/y", "a.com")
	f.Add("/*/*/*/*/*/*/*/*/*/(", "*a", "//////////(", "\xff")
	f.Add(":/::/*:*/", ".", ":/x", ".")
	f.Fuzz(func(t *testing.T, pattern, host, path, asked string) {
		for _, mode := range []Mode{ModeHostURI, ModeURI, ModeParameter} {
			r, err := New(mode).Update([]*Route{
				{ID: "1", Paths: []string{pattern, "/x/" + pattern}, Hosts: []string{host}},
				{ID: "2", Paths: []string{pattern}},
			}, nil)
			if err != nil && (pattern != "" && host != "") {
				t.Fatalf("%q on %q: %v", pattern, host, err)
			}
			var m Match
			if r.Match(&Query{Host: asked, HostPort: asked + ":80", Path: path}, &m) && m.Route == nil {
				t.Fatal("a match without a route")
			}
			r, err = r.Update(nil, []string{"1", "2"})
			if err != nil || r.byID.root != nil || r.hosts.root != nil || r.routes.root != nil {
				t.Fatalf("%q on %q: something stays (%v)", pattern, host, err)
			}
		}
	})
}
