package core

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/sdk"
)

// counted is a plugin that counts how many of its configurations are open.
type counted struct {
	sdk.Plugin
	open *atomic.Int64
}

func (c counted) Configure(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	h, err := c.Plugin.Configure(ctx, conf)
	if err == nil {
		c.open.Add(1)
		h.Close = func() error { c.open.Add(-1); return nil }
	}
	return h, err
}

// TestNothingPilesUp changes the same 100 resources 100,000 times, and removes them.
func TestNothingPilesUp(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds")
	}
	open := &atomic.Int64{}
	g := modelGateway(t, func(o *Options) {
		for i, p := range o.Plugins {
			o.Plugins[i] = counted{p, open}
		}
	})
	const changes, resources = 100_000, 100
	rev := int64(0)
	round := func() {
		b := store.Batch{}
		for i := range resources {
			rev++
			key, value := changing(i, rev)
			b.Changes = append(b.Changes, store.Change{Item: store.Item{Key: key, Value: []byte(value), CreateRev: rev, ModRev: rev}})
		}
		b.Revision = rev
		g.takeOver(b)
		for _, r := range g.builder.byKind["upstreams"] {
			r.target.health()
		}
	}
	for range changes / resources / 10 {
		round()
	}
	before := settledHeap(g)
	for range changes / resources * 9 / 10 {
		round()
	}
	if grew := settledHeap(g) - before; grew > 4<<20 {
		t.Errorf("got %d KiB more memory after 90,000 changes of the same resources", grew>>10)
	}
	until(t, "only what is in service is open", func() string {
		settledHeap(g)
		if plugins, pools := open.Load(), g.pools.size(); plugins > resources || pools > resources {
			return fmt.Sprintf("%d plugins and %d pools", plugins, pools)
		}
		return ""
	})
	g.takeOver(store.Batch{Revision: rev + 1, Full: true})
	g.settleChecks()
	until(t, "nothing is left", func() string { return g.left(open.Load()) })
}

// changing is a resource that is another one at every revision, and not always a valid one.
func changing(i int, rev int64) (key, value string) {
	id, port := strconv.Itoa(i), 1+rev%60000
	invalid := ""
	if rev%7 == 0 {
		invalid = `"status":"x",`
	}
	switch i % 5 {
	case 0:
		return "routes/" + id, fmt.Sprintf(`{%s"uri":"/%d","service_id":"%d","plugins":{"a":{"as":"%d"},"gone":{}}}`, invalid, rev, rev%100, rev)
	case 1:
		return "upstreams/" + id, fmt.Sprintf(`{"type":"least_conn","nodes":{"127.0.0.1:%d":1},"checks":{"active":{"unhealthy":{"interval":1}}}}`, port)
	case 2:
		return "services/" + id, fmt.Sprintf(`{"upstream":{"type":"roundrobin","nodes":{"127.0.0.1:%d":1}},"plugins":{"b":{"as":"%d"}}}`, port, rev)
	case 3:
		return "consumers/c" + id, fmt.Sprintf(`{"username":"c%s","plugins":{"keyed":{"key":"%d"},"c":{}}}`, id, rev%1000)
	}
	return fmt.Sprintf("consumers/c%d/credentials/x", i-1), fmt.Sprintf(`{"plugins":{"keyed":{"key":"$env://NAME_%d"}}}`, rev)
}

// settledHeap is how much memory is in use when what is not needed was let go of.
func settledHeap(g *Gateway) int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
		g.pools.reap()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func (p *pools) size() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.byKey)
}

// left tells what the gateway still has; nothing: empty.
func (g *Gateway) left(plugins int64) string {
	settledHeap(g)
	b, s := g.builder, g.current.Load()
	resources, claims, credentials := 0, 0, 0
	for _, of := range b.byKind {
		resources += len(of)
	}
	for _, of := range b.roll.claims {
		claims += len(of)
	}
	for _, of := range s.consumers.credential {
		credentials += of.Len()
	}
	all := []int{
		resources, claims, credentials, len(b.roll.held), len(b.users), len(b.rejected), len(b.behind), len(b.warnings), len(b.metadata),
		s.consumers.members.Len(), s.router.Len(), len(g.checks.Live()), g.pools.size(), int(plugins),
	}
	for _, n := range all {
		if n > 0 {
			return fmt.Sprint("resources, claims, credentials, held, users, rejected, behind, warnings, metadata, members, routes, checks, pools, plugins: ", all)
		}
	}
	return ""
}

// until polls until wrong returns nothing.
func until(t *testing.T, what string, wrong func() string) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); <-ticker.C {
		if wrong() == "" {
			return
		}
	}
	t.Errorf("waited in vain until %s: %s", what, wrong())
}
