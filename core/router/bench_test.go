package router

import (
	"fmt"
	"runtime"
	"testing"
)

const many = 100_000

// manyRoutes are routes of one path each: exact ones and prefixes in turn, on hosts hosts (0: without a host).
func manyRoutes(hosts int) []*Route {
	routes := make([]*Route, many)
	for i := range routes {
		r := &Route{ID: fmt.Sprintf("route-%06d", i), Order: int64(i), Methods: []string{"GET"}}
		if i%2 == 0 {
			r.Paths = []string{fmt.Sprintf("/api/v1/users/%d/orders", i)}
		} else {
			r.Paths = []string{fmt.Sprintf("/api/v1/users/%d/*", i)}
		}
		if hosts > 0 {
			r.Hosts = []string{fmt.Sprintf("service-%d.example.com", i/2%hosts)}
		}
		routes[i] = r
	}
	return routes
}

func BenchmarkMatch(b *testing.B) {
	benchmarks := []struct {
		name  string
		mode  Mode
		hosts int
		path  string
		first int
	}{
		{"uri/exact", ModeURI, 0, "/api/v1/users/%d/orders", 0},
		{"uri/prefix", ModeURI, 0, "/api/v1/users/%d/orders/1234", 1},
		{"host_uri/exact", ModeHostURI, 10_000, "/api/v1/users/%d/orders", 0},
		{"host_uri/prefix", ModeHostURI, 10_000, "/api/v1/users/%d/orders/1234", 1},
	}
	for _, bm := range benchmarks {
		b.Run(bm.name, func(b *testing.B) {
			r := build(b, bm.mode, manyRoutes(bm.hosts)...)
			queries := make([]Query, 0, 4096)
			for i := bm.first; len(queries) < cap(queries); i += 24 {
				q := Query{Method: "GET", Path: fmt.Sprintf(bm.path, i)}
				if bm.hosts > 0 {
					q.Host = fmt.Sprintf("service-%d.example.com", i/2%bm.hosts)
				}
				queries = append(queries, q)
			}
			var m Match
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if !r.Match(&queries[i%len(queries)], &m) {
					b.Fatalf("no match for %+v", queries[i%len(queries)])
				}
			}
		})
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, hosts := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("one of %d/hosts=%d", many, hosts), func(b *testing.B) {
			routes := manyRoutes(hosts)
			r := build(b, ModeHostURI, routes...)
			put := make([]*Route, 1)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				changed := *routes[i*7919%many]
				changed.Priority = i & 1
				put[0] = &changed
				var err error
				if r, err = r.Update(put, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, hosts := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("%d/hosts=%d", many, hosts), func(b *testing.B) {
			routes := manyRoutes(hosts)
			var before, after runtime.MemStats
			var r *Router
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				r = build(b, ModeHostURI, routes...)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/many, "B/route")
			runtime.KeepAlive(r)
			runtime.KeepAlive(routes)
		})
	}
}

// BenchmarkLoadOnePath puts all routes under one path: the worst case of the sorted lists.
func BenchmarkLoadOnePath(b *testing.B) {
	routes := manyRoutes(0)
	for _, r := range routes {
		r.Paths = []string{"/*"}
	}
	for b.Loop() {
		build(b, ModeURI, routes...)
	}
}
