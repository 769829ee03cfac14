package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// versionHeader tells which version of a route answered.
const versionHeader = "X-Version"

// perStep is how many routes are written at once, below etcd's limit of 128 operations.
const perStep = 100

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
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"http://" + s.etcd.Addr}, DialTimeout: 5 * time.Second})
	if err != nil {
		return fmt.Errorf("connect to etcd: %w", err)
	}
	defer client.Close()
	for from := 0; from < s.routes; from += perStep {
		var ops []clientv3.Op
		for n := from; n < min(from+perStep, s.routes); n++ {
			ops = append(ops, clientv3.OpPut("/apisix/routes/"+strconv.Itoa(n), string(s.route(n, 0))))
		}
		if _, err := client.Txn(ctx).Then(ops...).Commit(); err != nil {
			return fmt.Errorf("write routes: %w", err)
		}
	}
	return nil
}
