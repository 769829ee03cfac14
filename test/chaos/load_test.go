package chaos

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// pace is the time between two requests of a load.
const pace = 3 * time.Millisecond

// load is a client that requests a route without a break.
type load struct {
	t        *testing.T
	requests atomic.Int64

	mu     sync.Mutex
	faults []string // guarded by mu
}

// steady writes a route with an upstream that nothing changes.
func steady(t *testing.T, c *cluster) {
	t.Helper()
	u := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("steady")) }))
	t.Cleanup(u.Close)
	c.put("upstreams/steady", fmt.Sprintf(`{"id":"steady","type":"roundrobin","nodes":{%q:1}}`, u.Listener.Addr()))
	c.put("routes/steady", `{"id":"steady","uri":"/steady","upstream_id":"steady"}`)
}

// requests begins to request the steady route until the test ends, and then demands that every request was answered.
func requests(t *testing.T, g *gateway) *load {
	t.Helper()
	g.serves(map[string]string{"steady": "steady"})
	l := &load{t: t}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2}, Timeout: 5 * time.Second}
	for range 2 {
		wg.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					l.one(client, "http://"+g.data+"/steady")
				}
			}
		})
	}
	t.Cleanup(func() {
		close(stop)
		wg.Wait()
		client.CloseIdleConnections()
		l.check()
	})
	return l
}

func (l *load) one(client *http.Client, url string) {
	status, body, err := get(client, url)
	l.requests.Add(1)
	if err == nil && status == http.StatusOK && body == "steady" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, fmt.Sprintf("%s: %d %s %v", time.Now().Format(time.StampMilli), status, body, err))
}

func (l *load) check() {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.requests.Load()
	l.t.Logf("%d requests, %d failed", n, len(l.faults))
	if len(l.faults) > 0 {
		l.t.Errorf("%d of %d requests failed, the first: %s", len(l.faults), n, l.faults[0])
	}
	if n < 5 {
		l.t.Errorf("got %d requests during the test, want more of them", n)
	}
}
