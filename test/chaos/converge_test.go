package chaos

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestConverge measures how long it takes from etcd's answer to a write until each of two gateways serves by it.
func TestConverge(t *testing.T) {
	const writes = 150
	e := newEtcd(t)
	c := dial(t, e)
	steady(t, c)
	gateways := []*gateway{newGateway(t, e.url()), newGateway(t, e.url())}
	for _, g := range gateways {
		requests(t, g)
	}
	var mu sync.Mutex
	var times []time.Duration
	for i := range writes {
		c.put("routes/a", route("a", fmt.Sprint(i)))
		began := time.Now()
		var wg sync.WaitGroup
		for _, g := range gateways {
			wg.Go(func() {
				if !g.within(5*time.Second, "a", fmt.Sprint(i)) {
					t.Errorf("write %d is not served after 5 s", i)
				}
				mu.Lock()
				defer mu.Unlock()
				times = append(times, time.Since(began))
			})
		}
		wg.Wait()
	}
	slices.Sort(times)
	at := func(share float64) time.Duration {
		return times[int(share*float64(len(times)-1))].Round(10 * time.Microsecond)
	}
	t.Logf("%d writes, 2 gateways: p50 %v, p90 %v, p99 %v, longest %v", writes, at(.5), at(.9), at(.99), at(1))
	if got := at(.99); got > 100*time.Millisecond {
		t.Errorf("got 99 %% within %v, want 100 ms", got)
	}
}

// within requests a route without a pause until it answers with the text.
func (g *gateway) within(limit time.Duration, id, text string) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if _, body, err := get(http.DefaultClient, "http://"+g.data+"/"+id); err == nil && strings.TrimSpace(body) == text {
			return true
		}
	}
	return false
}
