package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/polygate/polygate/bench/lab"
)

// subject is one thing that is measured: a proxy, and what is asked of it.
type subject struct {
	name    string
	server  string // a key of servers
	path    string
	headers []string
	upload  bool

	unit   string  // name of the subject that it is compared with
	target float64 // how many units it may cost; 0: none is set
}

func subjects() []subject {
	return []subject{
		{name: "floor", server: "floor", path: "/small", unit: "floor"},
		{name: "nginx", server: "nginx", path: "/small", unit: "floor"},
		{name: "plain", server: "few", path: "/plain", unit: "floor", target: 1.25},
		{name: "key-auth", server: "few", path: "/key", headers: []string{"apikey: " + benchKey}, unit: "floor", target: 1.3},
		{name: "limit-count+prometheus", server: "few", path: "/limit", unit: "floor", target: 1.4},
		{name: "five", server: "few", path: "/five", unit: "floor", target: 1.5},
		{name: "10k-routes", server: "many", path: "/r/5000/x", unit: "plain", target: 1.05},
		{name: "nginx-64KB", server: "nginx", path: "/large", unit: "nginx-64KB"},
		{name: "64KB", server: "few", path: "/large", unit: "nginx-64KB", target: 0.8},
		{name: "nginx-upload", server: "nginx", path: "/upload", upload: true, unit: "nginx-upload"},
		{name: "upload", server: "few", path: "/upload", upload: true, unit: "nginx-upload", target: 0.35},
	}
}

const benchKey = "bench-consumer-key"

func names() []string {
	var list []string
	for _, s := range subjects() {
		list = append(list, s.name)
	}
	return list
}

// chosen are the subjects to measure, with those that they are compared with.
func chosen(wanted []string) []subject {
	need := map[string]bool{}
	for _, s := range subjects() {
		if len(wanted) == 0 || slices.Contains(wanted, s.name) {
			need[s.name], need[s.unit] = true, true
		}
	}
	return slices.DeleteFunc(subjects(), func(s subject) bool { return !need[s.name] })
}

// servers tells how each proxy is started.
func (b *bench) servers() map[string]func(context.Context) (*lab.Process, error) {
	return map[string]func(context.Context) (*lab.Process, error){
		"floor": func(ctx context.Context) (*lab.Process, error) {
			addr, err := lab.FreeAddr()
			if err != nil {
				return nil, err
			}
			return lab.Start(ctx, lab.Program{
				Name: "floor", CPU: lab.CPUGateway, Addr: addr, Env: []string{"GOMAXPROCS=1"},
				Args: []string{b.floor, "-listen", addr, "-upstream", b.upstream.Addr},
			})
		},
		"nginx": func(ctx context.Context) (*lab.Process, error) {
			return lab.Nginx(ctx, filepath.Join(b.dir, "proxy"), b.upstream.Addr, lab.CPUGateway)
		},
		"few":  b.gateway("few", lab.StoreFile, b.few()),
		"many": b.gateway("many", lab.StoreFile, b.many()),
	}
}

func (b *bench) gateway(name string, store lab.Store, resources []lab.Resource) func(context.Context) (*lab.Process, error) {
	return func(ctx context.Context) (*lab.Process, error) {
		g := lab.Gateway{Binary: b.binary, Dir: filepath.Join(b.dir, name), Store: store, Resources: resources}
		if store == lab.StoreEtcd {
			etcd, err := lab.Etcd(ctx, filepath.Join(b.dir, name+"-etcd"))
			if err != nil {
				return nil, err
			}
			b.started = append(b.started, etcd)
			g.Etcd = etcd.Addr
		}
		return g.Start(ctx)
	}
}

// few are the routes of the subjects, each with the plugins that its name tells.
func (b *bench) few() []lab.Resource {
	consumer := lab.Resource{Kind: "consumers", ID: "bench", Body: map[string]any{
		"username": "bench", "plugins": map[string]any{"key-auth": map[string]any{"key": benchKey}},
	}}
	return []lab.Resource{
		consumer,
		b.route("key", "/key", map[string]any{"key-auth": map[string]any{}}),
		b.route("limit", "/limit", map[string]any{
			"limit-count": map[string]any{"count": 1_000_000_000, "time_window": 3600, "rejected_code": 429},
			"prometheus":  map[string]any{},
		}),
		b.route("five", "/five", map[string]any{
			"request-id":       map[string]any{},
			"response-rewrite": map[string]any{"headers": map[string]any{"set": map[string]any{"X-Served-By": "bench"}}},
			"cors":             map[string]any{},
			"ip-restriction":   map[string]any{"whitelist": []any{"127.0.0.0/8"}},
			"proxy-rewrite":    map[string]any{"headers": map[string]any{"set": map[string]any{"X-Route": "five"}}},
		}),
		b.route("large", "/large", nil),
		b.route("upload", "/upload", nil),
		b.route("plain", "/plain", nil),
	}
}

// many are plain routes, half of them exact and half with a wildcard.
func (b *bench) many() []lab.Resource {
	list := make([]lab.Resource, 0, b.routes)
	for i := range b.routes {
		n := strconv.Itoa(i)
		uri := "/r/" + n
		if i%2 == 0 {
			uri += "/*"
		}
		list = append(list, b.route(n, uri, nil))
	}
	return list
}

func (b *bench) route(id, uri string, plugins map[string]any) lab.Resource {
	body := map[string]any{
		"uri":      uri,
		"upstream": map[string]any{"type": "roundrobin", "nodes": map[string]any{b.upstream.Addr: 1}},
	}
	if len(plugins) > 0 {
		body["plugins"] = maps.Clone(plugins)
	}
	return lab.Resource{Kind: "routes", ID: id, Body: body}
}

// load is what is asked of a server for the subject.
func (b *bench) load(s subject, server *lab.Process) lab.Load {
	l := lab.Load{URL: fmt.Sprintf("http://%s%s", server.Addr, s.path), Headers: s.headers, Conns: b.conns, For: b.length}
	if s.upload {
		l.Script = b.uploadScript
	}
	return l
}
