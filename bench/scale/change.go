package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/polygate/polygate/bench/lab"
)

const (
	singles = 200                    // single changes that are measured
	late    = 500 * time.Millisecond // after this long only the new version of a route is right
	hot     = 1000                   // routes that are changed and asked for
	clients = 16                     // requests under way at most
	writers = 16                     // changes under way at most
)

// client keeps its connections, so that none is counted that is only opened.
func client() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 10 * time.Second}
}

// put changes a route.
func (s *scene) put(ctx context.Context, c *http.Client, n, version int) error {
	url := "http://" + s.admin + "/apisix/admin/routes/" + strconv.Itoa(n)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(s.route(n, version)))
	if err != nil {
		return err
	}
	req.Header.Set("X-API-KEY", lab.AdminKey)
	resp, err := c.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("put route %d: %s %s", n, resp.Status, body)
	}
	return nil
}

// get asks for a route, and returns the version that answered.
func get(ctx context.Context, c *http.Client, addr string, n int) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path(n), nil)
	if err != nil {
		return 0, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("route %d: %s", n, resp.Status)
	}
	return strconv.Atoi(resp.Header.Get(versionHeader))
}

// single measures from the answer of a PUT to the first request that the new version answers.
func (s *scene) single(ctx context.Context, gateway *lab.Process) error {
	c := client()
	took := make([]time.Duration, 0, singles)
	for i := range singles {
		n, version := rand.IntN(s.routes), i+1
		if err := s.put(ctx, c, n, version); err != nil {
			return err
		}
		began := time.Now()
		for {
			got, err := get(ctx, c, gateway.Addr, n)
			if err != nil {
				return err
			}
			if got == version {
				break
			}
		}
		took = append(took, time.Since(began))
	}
	fmt.Printf("one change in service, from the answer of its PUT: median %v, p99 %v, longest %v (%d changes)\n",
		quantile(took, 0.5), quantile(took, 0.99), slices.Max(took), singles)
	return nil
}

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[min(len(d)-1, int(float64(len(d))*q))].Round(10 * time.Microsecond)
}

// many measures requests before, during and after a storm of changes.
func (s *scene) many(ctx context.Context, gateway *lab.Process) error {
	b := newBoard()
	quiet := max(s.length/6, time.Second)
	// The routes begin anew, at a version above those of the single changes.
	if err := s.reset(ctx, b); err != nil {
		return err
	}
	before := s.traffic(ctx, gateway.Addr, b, quiet)
	stormCtx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	var done int
	var stormErr error
	wg.Go(func() { done, stormErr = s.storm(stormCtx, b) })
	began := time.Now()
	during := s.traffic(ctx, gateway.Addr, b, s.length)
	stop()
	wg.Wait()
	took := time.Since(began)
	if stormErr != nil {
		return stormErr
	}
	after := s.traffic(ctx, gateway.Addr, b, quiet)
	for _, t := range []struct {
		when string
		tally
	}{{"before", before}, {"during", during}, {"after", after}} {
		fmt.Printf("requests %s: %d, failed %d, wrong %d, p50 %v, p99 %v\n",
			t.when, len(t.took), t.failed, t.wrong, quantile(t.took, 0.5), quantile(t.took, 0.99))
	}
	calm := max(quantile(before.took, 0.99), quantile(after.took, 0.99))
	fmt.Printf("changes: %.0f/s for %v, p99 of requests %.2f x that without changes\n",
		float64(done)/took.Seconds(), took.Round(time.Second), float64(quantile(during.took, 0.99))/float64(calm))
	if bad := before.bad() + during.bad() + after.bad(); bad > 0 {
		return fmt.Errorf("%d requests failed or were answered by the wrong version: %w", bad, during.err)
	}
	return nil
}
