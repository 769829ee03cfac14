package declare_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/declare"
)

// target is a gateway that only keeps what it is told, and refuses a credential that it has already.
type target struct {
	mu     sync.Mutex // guards what follows
	values map[string]map[string]any
	fail   map[string]error
	did    []string
}

func newTarget(items []declare.Item) *target {
	t := &target{values: map[string]map[string]any{}, fail: map[string]error{}}
	for _, it := range items {
		t.values[it.Key] = it.Value
	}
	return t
}

func (g *target) Revision(_ context.Context, key string) (int64, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, ok := g.values[key]; !ok {
		return 0, declare.ErrNotFound
	}
	if strings.Contains(key, "changed") {
		return 99, nil
	}
	return 1, nil
}

func (g *target) Put(_ context.Context, key string, value map[string]any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.fail[key]; err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	for other, v := range g.values {
		if other != key && v["desc"] != nil && v["desc"] == value["desc"] {
			return fmt.Errorf("%s has it: %w", other, declare.ErrRefused)
		}
	}
	g.values[key] = value
	g.did = append(g.did, "put "+key)
	return nil
}

func (g *target) Patch(_ context.Context, key string, _ map[string]any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.did = append(g.did, "patch "+key)
	return nil
}

func (g *target) Delete(_ context.Context, key string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.values, key)
	g.did = append(g.did, "delete "+key)
	return nil
}

func TestApply(t *testing.T) {
	tests := []struct {
		name       string
		want, have string
		fail       string
		did        []string
		failed     []string
		pending    int
	}{
		{
			name: "order", want: "routes: [{id: 1, uri: /a}]\nservices: [{id: s}]", have: "services: [{id: r}]\nroutes: [{id: 2, uri: /b}]",
			did: []string{"put services/s", "put routes/1", "delete routes/2", "delete services/r"},
		},
		{name: "patch", want: "ssls: [{id: 1, cert: a, sni: b}]", have: "ssls: [{id: 1, cert: a, sni: c}]", did: []string{"patch ssls/1"}},
		{
			name: "what one consumer gives up another one can have", want: "consumers: [{username: a, desc: x}, {username: b, desc: y}]",
			have: "consumers: [{username: b, desc: x}, {username: c, desc: y}]", did: []string{"delete consumers/c", "put consumers/b", "put consumers/a"},
		},
		{
			name: "consumers that would have to change at once", want: "consumers: [{username: a, desc: x}, {username: b, desc: y}]\nstream_routes: [{id: 1}]",
			have: "consumers: [{username: b, desc: x}, {username: a, desc: y}]", failed: []string{"consumers/a", "consumers/b"}, pending: 1,
		},
		{
			name: "a failure", want: "services: [{id: s}]\nroutes: [{id: 1, uri: /a}, {id: 2, uri: /a}, {id: 3, uri: /a}]", have: "services: [{id: r}]",
			fail: "routes/1", did: []string{"put services/s"}, failed: []string{"routes/1"}, pending: 3,
		},
		{
			name: "somebody else's change", want: "routes: [{id: changed, uri: /a}]", have: "routes: [{id: changed, uri: /b}, {id: 2, uri: /c}]",
			failed: []string{"routes/changed"}, pending: 1,
		},
		{name: "nothing", want: "routes: []", have: "routes: []"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have := load(t, tt.have).Items
			for i := range have {
				have[i].Revision = 1
			}
			changes, _ := declare.Compare(load(t, tt.want), have, declare.Scope{Catalog: catalog(t)})
			g := newTarget(have)
			g.fail[tt.fail] = errors.New("broken")
			result := declare.Apply(t.Context(), g, changes, 1)
			if diff := cmp.Diff(tt.did, g.did); diff != "" {
				t.Errorf("done: -want +got:\n%s", diff)
			}
			var failed []string
			for _, f := range result.Failed {
				failed = append(failed, f.Change.Item.Key)
			}
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("failed: -want +got:\n%s", diff)
			}
			if len(result.Pending) != tt.pending || len(result.Applied) != len(tt.did) {
				t.Errorf("got %d applied and %d pending, want %d and %d", len(result.Applied), len(result.Pending), len(tt.did), tt.pending)
			}
		})
	}
}

// TestApplyInParallel is for the race detector.
func TestApplyInParallel(t *testing.T) {
	var items []declare.Item
	for i := range 200 {
		it, _ := declare.NewItem(fmt.Sprintf("routes/%d", i), map[string]any{"uri": "/a"})
		items = append(items, it)
	}
	changes, _ := declare.Compare(&declare.Document{Items: items}, nil, declare.Scope{Catalog: catalog(t)})
	g := newTarget(nil)
	g.fail["routes/150"] = errors.New("broken")
	result := declare.Apply(t.Context(), g, changes, 8)
	if len(result.Applied)+len(result.Failed)+len(result.Pending) != len(changes) || len(result.Failed) != 1 || len(result.Applied) != len(g.did) {
		t.Errorf("got %d applied, %d failed, %d pending, %d done", len(result.Applied), len(result.Failed), len(result.Pending), len(g.did))
	}
	slices.Sort(g.did)
	if len(slices.Compact(g.did)) != len(result.Applied) {
		t.Error("something was done twice")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if result := declare.Apply(ctx, g, changes, 8); len(result.Pending) != len(changes) {
		t.Errorf("after the end: got %d pending, want %d", len(result.Pending), len(changes))
	}
}
