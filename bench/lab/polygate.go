package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Store is where a gateway has its configuration from.
type Store string

// The kinds of stores.
const (
	StoreFile     Store = "file"
	StoreEtcd     Store = "external etcd"
	StoreEmbedded Store = "embedded"
)

// Resource is a resource of the gateway: its kind ("routes"), its id, and its body.
type Resource struct {
	Kind, ID string
	Body     map[string]any
}

// Gateway is how polygate is started.
type Gateway struct {
	Binary    string
	Dir       string // for its files
	Store     Store
	Etcd      string // address of the external etcd
	Resources []Resource
	Path      string // is served when the gateway is ready; empty: that of the last resource
	Admin     string // address of the Admin API; empty: a free one
	AllCPUs   bool   // it has all CPUs instead of one for itself
}

// AdminKey is the key of the Admin API.
const AdminKey = "bench-admin-key-0123456789abcdef"

// Start runs the gateway on its CPU and brings it its resources. It returns when the last of them is served.
func (g Gateway) Start(ctx context.Context) (*Process, error) {
	if err := os.MkdirAll(g.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("prepare polygate: %w", err)
	}
	addr, err := FreeAddr()
	if err != nil {
		return nil, err
	}
	admin := g.Admin
	if admin == "" {
		if admin, err = FreeAddr(); err != nil {
			return nil, err
		}
	}
	conf, err := g.config(addr, admin)
	if err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(g.Dir, "config.yaml"), conf); err != nil {
		return nil, err
	}
	if g.Store == StoreFile {
		if err := g.writeResources(); err != nil {
			return nil, err
		}
	}
	cpu, env := CPUGateway, []string{"GOMAXPROCS=1"}
	if g.AllCPUs {
		cpu, env = CPUAny, nil
	}
	p, err := Start(ctx, Program{
		Name: "polygate", CPU: cpu, Addr: addr, Env: env,
		Args: []string{g.Binary, "run", "-c", filepath.Join(g.Dir, "config.yaml"), "--data-dir", filepath.Join(g.Dir, "data")},
	})
	if err != nil {
		return nil, err
	}
	if g.Store != StoreFile {
		err = g.putResources(ctx, admin)
	}
	if err == nil {
		err = g.awaitLast(ctx, addr)
	}
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("%w\n%s", err, p.output.Bytes())
	}
	return p, nil
}

// config is config.yaml; JSON is YAML too.
func (g Gateway) config(addr, admin string) (map[string]any, error) {
	data, err := split(addr)
	if err != nil {
		return nil, err
	}
	api, err := split(admin)
	if err != nil {
		return nil, err
	}
	free := map[string]any{"ip": "127.0.0.1", "port": 0}
	deployment := map[string]any{"role": "traditional", "admin": map[string]any{
		"admin_listen": api,
		"admin_key":    []any{map[string]any{"name": "bench", "key": AdminKey, "role": "admin"}},
	}}
	switch g.Store {
	case StoreFile:
		deployment = map[string]any{"role": "data_plane", "role_data_plane": map[string]any{"config_provider": "yaml"}}
	case StoreEtcd:
		deployment["etcd"] = map[string]any{"host": []any{"http://" + g.Etcd}}
	}
	return map[string]any{
		"apisix": map[string]any{
			"node_listen": []any{data}, "ssl": map[string]any{"enable": false}, "control": free, "status": free,
		},
		"deployment":   deployment,
		"nginx_config": map[string]any{"http": map[string]any{"enable_access_log": false}},
		"plugin_attr":  map[string]any{"prometheus": map[string]any{"export_addr": free}},
	}, nil
}

func split(addr string) (map[string]any, error) {
	a, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("read address %s: %w", addr, err)
	}
	return map[string]any{"ip": a.IP.String(), "port": a.Port}, nil
}

// writeResources writes apisix.yaml.
func (g Gateway) writeResources() error {
	kinds := map[string][]any{}
	for _, r := range g.Resources {
		kinds[r.Kind] = append(kinds[r.Kind], r.body())
	}
	path := filepath.Join(g.Dir, "apisix.yaml")
	if err := writeJSON(path, kinds); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("end the resources: %w", err)
	}
	_, err = f.WriteString("\n#END\n")
	if err := f.Close(); err != nil {
		return fmt.Errorf("end the resources: %w", err)
	}
	return err
}

// body is the resource with its id, except of a consumer: that is its name.
func (r Resource) body() map[string]any {
	if r.Kind != "consumers" {
		r.Body["id"] = r.ID
	}
	return r.Body
}

func writeJSON(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// putResources brings the resources through the Admin API.
func (g Gateway) putResources(ctx context.Context, admin string) error {
	for _, r := range g.Resources {
		data, err := json.Marshal(r.body())
		if err != nil {
			return fmt.Errorf("put %s: %w", r.ID, err)
		}
		url := "http://" + admin + "/apisix/admin/" + r.Kind + "/" + r.ID
		status, err := ask(ctx, http.MethodPut, url, data)
		if err != nil {
			return err
		}
		if status != http.StatusCreated && status != http.StatusOK {
			return fmt.Errorf("put %s %s: status %d", r.Kind, r.ID, status)
		}
	}
	return nil
}

// awaitLast polls until the last route is served.
func (g Gateway) awaitLast(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	path := g.Path
	for _, r := range g.Resources {
		if uri, ok := r.Body["uri"].(string); ok && g.Path == "" {
			path = strings.TrimSuffix(uri, "*")
		}
	}
	for {
		status, err := ask(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err == nil && status != http.StatusNotFound {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("await the route %s: status %d: %w", path, status, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func ask(ctx context.Context, method, url string, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, fmt.Errorf("%s %s: %w", method, url, err)
	}
	req.Header.Set("X-API-KEY", AdminKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
