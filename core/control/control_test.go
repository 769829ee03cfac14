package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/sdk"
)

type fakePlugin sdk.Info

func (p fakePlugin) Info() sdk.Info { return sdk.Info(p) }

func (p fakePlugin) Configure(context.Context, json.RawMessage) (sdk.Hooks, error) {
	return sdk.Hooks{}, nil
}

// fakeSource is a configuration that does not change.
type fakeSource struct {
	items  map[string][]store.Item
	status Status
}

func (s fakeSource) Items(kind string) []store.Item { return s.items[kind] }

func (s fakeSource) Status() Status { return s.status }

func testOptions(t *testing.T) Options {
	t.Helper()
	catalog, err := config.NewCatalog([]sdk.Plugin{
		fakePlugin{
			Name: "count", Version: "0.1", Priority: 5, SecretFields: []string{"token"},
			Schema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer","default":5}}}`),
		},
	}, config.CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	item := func(key, value string) store.Item {
		return store.Item{Key: key, Value: []byte(value), CreateRev: 3, ModRev: 4}
	}
	return Options{Catalog: catalog, Source: fakeSource{
		items: map[string][]store.Item{
			"routes": {
				item("routes/1", `{"id":"1","uri":"/a","plugins":{"count":{"token":"s3"}},"upstream":{"nodes":{"b:2":1,"a:1":0}}}`),
				item("routes/2", `{"id":"2"}`),
			},
			"upstreams":       {item("upstreams/u", `{"id":"u","type":"roundrobin","nodes":[{"host":"a","port":1,"weight":1}]}`)},
			"plugin_metadata": {item("plugin_metadata/count", `{"x":1,"token":"s3","id":"count"}`)},
		},
		status: Status{
			Ready: true, Reachable: false, Revision: 9, Since: time.Unix(1000, 0).UTC(), Err: errors.New("etcd is away"),
			Rejected: []Rejected{{Key: "routes/3", Revision: 8, Reason: "no uri"}},
		},
	}}
}

func get(h http.Handler, method, path string) (int, string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest(method, path, nil))
	return rec.Code, strings.TrimSuffix(rec.Body.String(), "\n")
}

func TestControl(t *testing.T) {
	h := New(testOptions(t))
	tests := []struct {
		name, method, path string
		status             int
		want               string // the whole answer, or parts of it separated by …
	}{
		{"routes", "GET", "/v1/routes", 200, `[{"key":"/apisix/routes/1","value":{…,{"key":"/apisix/routes/2","value":{"id":"2"}`},
		{"nodes as a list", "GET", "/v1/route/1", 200, `"nodes":[{"host":"a","port":1,"weight":0},{"host":"b","port":2,"weight":1}]`},
		{"indexes", "GET", "/v1/route/1", 200, `"createdIndex":3,"modifiedIndex":4}`},
		{"defaults", "GET", "/v1/route/1", 200, `"hash_on":"vars"…"pass_host":"pass"…"scheme":"http"`},
		{"defaults of plugins, no secrets", "GET", "/v1/route/1", 200, `"count":{…"n":5…"token":"***"`},
		{"no route", "GET", "/v1/route/7", 404, `{"error_msg":"route[7] not found"}`},
		{"upstream", "GET", "/v1/upstream/u", 200, `{"key":"/apisix/upstreams/u"…"id":"u"`},
		{"no upstream", "GET", "/v1/upstream/v", 404, `{"error_msg":"upstream[v] not found"}`},
		{"services", "GET", "/v1/services", 200, `[]`},
		{"no service", "GET", "/v1/service/1", 404, `{"error_msg":"service[1] not found"}`},
		{"all metadata", "GET", "/v1/plugin_metadatas", 200, `[{"x":1,"token":"***","id":"count"}]`},
		{"metadata", "GET", "/v1/plugin_metadata/count", 200, `{"x":1,"token":"***","id":"count"}`},
		{"no metadata", "GET", "/v1/plugin_metadata/x", 404, `{"error_msg":"plugin metadata[x] not found"}`},
		{"sync", "GET", "/v1/sync", 200, `{"ready":true,"reachable":false,"revision":9,"since":"1970-01-01T00:16:40Z","error":"etcd is away",` +
			`"rejected":[{"key":"routes/3","revision":8,"reason":"no uri"}]}`},
		{"schema", "GET", "/v1/schema", 200, `{"main":{"consumer":{…"plugins":{"count":{"version":"0.1","priority":5,"schema":{…"stream_plugins":{}}`},
		{"unknown", "GET", "/v1/nothing", 404, `{"error_msg":"not found"}`},
		{"unknown single", "GET", "/v1/nothing/1", 404, `{"error_msg":"not found"}`},
		{"other version", "GET", "/v2/routes", 404, `{"error_msg":"not found"}`},
		{"other method", "POST", "/v1/routes", 404, `{"error_msg":"not found"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, got := get(h, tt.method, tt.path)
			rest := got
			for part := range strings.SplitSeq(tt.want, "…") {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("got %s\nwant %s", got, part)
				}
				rest = after
			}
			if status != tt.status || !json.Valid([]byte(got)) {
				t.Errorf("got %d %s, want %d", status, got, tt.status)
			}
		})
	}
}

func TestSchemaNames(t *testing.T) {
	var got struct{ Main map[string]json.RawMessage }
	_, body := get(New(testOptions(t)), "GET", "/v1/schema")
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"consumer", "global_rule", "plugin_config", "plugins", "route", "service", "ssl", "upstream",
		"upstream_hash_header_schema", "upstream_hash_vars_schema",
	} {
		if got.Main[name] == nil {
			t.Errorf("got no schema %s", name)
		}
	}
}

func TestStatus(t *testing.T) {
	tests := []struct {
		name   string
		status Status
		path   string
		code   int
		want   string
	}{
		{"alive", Status{}, "/status", 200, `{"status":"ok"}`},
		{"not yet", Status{}, "/status/ready", 503, `{"status":"error","error":"no configuration has been received yet"}`},
		{"not yet, because", Status{Err: errors.New("away")}, "/status/ready", 503, `{"status":"error","error":"no configuration has been received yet: away"}`},
		{"ready", Status{Ready: true, Reachable: true}, "/status/ready", 200, `{"status":"ok"}`},
		{"stale", Status{Ready: true, Err: errors.New("away")}, "/status/ready", 200, `{"status":"ok","configuration":"stale","error":"away"}`},
		{"unknown", Status{}, "/", 404, `{"error_msg":"not found"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, got := get(NewStatus(fakeSource{status: tt.status}, nil), "GET", tt.path)
			if code != tt.code || got != tt.want {
				t.Errorf("got %d %s, want %d %s", code, got, tt.code, tt.want)
			}
		})
	}
}
