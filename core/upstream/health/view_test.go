package health

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/polygate/polygate/core/upstream/balance"
)

const passiveToo = `{"active":{},"passive":{"healthy":{"http_statuses":[200],"successes":1},
	"unhealthy":{"http_statuses":[500],"http_failures":2,"tcp_failures":2,"timeouts":1}}}`

func TestPassive(t *testing.T) {
	tests := []struct {
		name, raw string
		report    func(v *View, n *balance.Node)
		want      string
	}{
		{"bad statuses", passiveToo, func(v *View, n *balance.Node) { v.Answered(n, 500); v.Answered(n, 500) }, "unhealthy 0/2/0/0"},
		{"one bad status", passiveToo, func(v *View, n *balance.Node) { v.Answered(n, 500) }, "mostly_healthy 0/1/0/0"},
		{"neither", passiveToo, func(v *View, n *balance.Node) { v.Answered(n, 404); v.Answered(n, 99999); v.Answered(n, -1) }, "healthy 0/0/0/0"},
		{"refused", passiveToo, func(v *View, n *balance.Node) { v.Failed(n, false); v.Failed(n, false) }, "unhealthy 0/0/2/0"},
		{"timeout", passiveToo, func(v *View, n *balance.Node) { v.Failed(n, true) }, "unhealthy 0/0/0/1"},
		{"recovered", passiveToo, func(v *View, n *balance.Node) { v.Failed(n, true); v.Answered(n, 200) }, "healthy 1/0/0/0"},
		{"statuses count only where that is asked for", `{"active":{}}`,
			func(v *View, n *balance.Node) {
				for range 9 {
					v.Answered(n, 500)
				}
			}, "healthy 0/0/0/0"},
		{"failures always count", `{"active":{}}`, func(v *View, n *balance.Node) { v.Failed(n, false); v.Failed(n, false) }, "unhealthy 0/0/2/0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := New(Options{})
			defer s.Close()
			c := s.NewChecker("upstreams/1")
			spec := specOf(t, 1, tt.raw, "10.0.0.1", "10.0.0.2")
			v := c.Bind(spec)
			tt.report(v, spec.Nodes[0])
			if got, _, _ := strings.Cut(statusesOf(c), ", "); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			want := "map[0:2 1:2]"
			if strings.HasPrefix(tt.want, "unhealthy") {
				want = "map[1:4]"
			}
			count := map[int]int{}
			for range 4 {
				n, err := v.Pick(&balance.Try{})
				if err != nil {
					t.Fatal(err)
				}
				count[n.Index]++
			}
			if got := fmt.Sprint(count); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// TestRetriesSkipUnhealthyNodes has nothing left when the healthy nodes were tried.
func TestRetriesSkipUnhealthyNodes(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	spec := specOf(t, 1, passiveToo, "10.0.0.1", "10.0.0.2", "10.0.0.3")
	v := s.NewChecker("upstreams/1").Bind(spec)
	v.Failed(spec.Nodes[1], true)
	var try balance.Try
	for range 2 {
		n, err := v.Pick(&try)
		if err != nil || n.Index == 1 {
			t.Fatalf("got %v %v, want a healthy node", n, err)
		}
		try.Mark(n)
	}
	if n, err := v.Pick(&try); err == nil {
		t.Errorf("got %v, want no node", n)
	}
}

func TestLog(t *testing.T) {
	var logged bytes.Buffer
	s := New(Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	defer s.Close()
	spec := specOf(t, 1, passiveToo, "10.0.0.1")
	v := s.NewChecker("upstreams/1").Bind(spec)
	v.Failed(spec.Nodes[0], true)
	if _, err := v.Pick(&balance.Try{}); err != nil {
		t.Fatal(err)
	}
	v.Answered(spec.Nodes[0], 200)
	for _, want := range []string{
		`level=WARN msg="node is unhealthy" resource=upstreams/1 node=10.0.0.1 port=80 cause=timeouts count=1 found=passive`,
		`level=WARN msg="no node is healthy; requests go to all of them" resource=upstreams/1`,
		`level=INFO msg="node is healthy" resource=upstreams/1`,
	} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("got %s, want %s in it", &logged, want)
		}
	}
}

// TestHammer picks and reports from many goroutines while the configuration changes; at the end the pick agrees with the health.
func TestHammer(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	c := s.NewChecker("upstreams/1")
	hosts := []string{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 50 {
				spec := specOf(t, uint64(4*i+g+1), passiveToo, hosts[:2+(g+i)%3]...)
				v := c.Bind(spec)
				for k := range 40 {
					n, err := v.Pick(&balance.Try{})
					if err != nil {
						t.Error(err)
						return
					}
					switch (g + k) % 3 {
					case 0:
						v.Failed(n, true)
					case 1:
						v.Answered(n, 500)
					default:
						v.Answered(n, 200)
					}
				}
				c.Report()
			}
		})
	}
	wg.Wait()
	spec := specOf(t, 1000, passiveToo, hosts...)
	v := c.Bind(spec)
	healthy := 0
	for _, n := range spec.Nodes {
		if v.Serves(n) {
			healthy++
		}
	}
	for range 20 {
		n, err := v.Pick(&balance.Try{})
		if err != nil || healthy > 0 && !v.Serves(n) {
			t.Fatalf("got %v %v, want one of the %d healthy nodes", n, err, healthy)
		}
	}
}

func TestViewDoesNotAllocate(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	spec := specOf(t, 1, passiveToo, "10.0.0.1", "10.0.0.2", "10.0.0.3")
	v := s.NewChecker("upstreams/1").Bind(spec)
	v.Failed(spec.Nodes[0], true)
	var try balance.Try
	if got := testing.AllocsPerRun(100, func() {
		n, err := v.Pick(&try)
		if err != nil {
			t.Fatal(err)
		}
		v.Answered(n, 200)
	}); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkView(b *testing.B) {
	s := New(Options{})
	defer s.Close()
	spec := specOf(b, 1, passiveToo, "10.0.0.1", "10.0.0.2", "10.0.0.3")
	v := s.NewChecker("upstreams/1").Bind(spec)
	v.Failed(spec.Nodes[0], true)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		var try balance.Try
		for pb.Next() {
			n, err := v.Pick(&try)
			if err != nil {
				b.Error(err)
				return
			}
			v.Answered(n, 200)
		}
	})
}

// TestNodesOfWeightZeroReplaceNone has a healthy node that gets no requests, and another one that fails.
func TestNodesOfWeightZeroReplaceNone(t *testing.T) {
	s := New(Options{})
	defer s.Close()
	spec := specOf(t, 1, passiveToo, "10.0.0.1", "10.0.0.2")
	spec.Nodes[1].Weight = 0
	spec.Picker = balance.NewRoundRobin(spec.Nodes)
	v := s.NewChecker("upstreams/1").Bind(spec)
	v.Failed(spec.Nodes[0], true)
	if n, err := v.Pick(&balance.Try{}); err != nil || n.Index != 0 {
		t.Errorf("got %v %v, want the only node that gets requests", n, err)
	}
}
