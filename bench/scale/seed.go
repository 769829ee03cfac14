package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/etcd"
)

// versionHeader tells which version of a route answered.
const versionHeader = "X-Version"

// seeders is how many routes are written at the same time.
const seeders = 64

func path(n int) string { return "/scale/" + strconv.Itoa(n) + "/x" }

// route is an ordinary route: a prefix and two methods, an upstream of its own, and two plugins.
func (s *scene) route(n, version int) []byte {
	body, err := json.Marshal(map[string]any{
		"uri": "/scale/" + strconv.Itoa(n) + "/*", "methods": []string{"GET", "POST"}, "name": "route-" + strconv.Itoa(n),
		"labels": map[string]string{"team": "team-" + strconv.Itoa(n%50)},
		"plugins": map[string]any{
			"proxy-rewrite":    map[string]any{"uri": "/"},
			"response-rewrite": map[string]any{"headers": map[string]any{"set": map[string]string{versionHeader: strconv.Itoa(version)}}},
		},
		"upstream": map[string]any{"type": "roundrobin", "nodes": map[string]int{s.upstream.Addr: 1}},
	})
	if err != nil {
		panic(err)
	}
	return body
}

// seed writes the routes into etcd, as another gateway's Admin API would have done.
func (s *scene) seed(ctx context.Context) error {
	st, err := etcd.New(etcd.Options{Endpoints: []string{"http://" + s.etcd.Addr}})
	if err != nil {
		return fmt.Errorf("open etcd: %w", err)
	}
	defer st.Close()
	var next atomic.Int64
	errs := make([]error, seeders)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for n := int(next.Add(1) - 1); n < s.routes && errs[i] == nil; n = int(next.Add(1) - 1) {
				_, errs[i] = st.Put(ctx, "routes/"+strconv.Itoa(n), s.route(n, 0), store.Cond{})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
