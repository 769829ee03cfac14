package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/sdk"
)

const (
	adminKey  = "admin-key-0123456789abcdef"
	editorKey = "editor-key-0123456789abcde"
	viewerKey = "viewer-key-0123456789abcde"
)

// fakePlugin is a plugin that is only described.
type fakePlugin sdk.Info

func (p fakePlugin) Info() sdk.Info { return sdk.Info(p) }

func (p fakePlugin) Configure(context.Context, json.RawMessage) (sdk.Hooks, error) {
	return sdk.Hooks{}, nil
}

func testPlugins() []sdk.Plugin {
	const key = `{"type":"object","properties":{"key":{"type":"string"}},"required":["key"]}`
	return []sdk.Plugin{
		fakePlugin{Name: "low", Version: "0.1", Priority: 1, Schema: json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer","default":5}}}`)},
		fakePlugin{
			Name: "key-auth", Version: "0.2", Priority: 2500, Auth: true, CredentialField: "key",
			Schema: json.RawMessage(`{"type":"object"}`), ConsumerSchema: json.RawMessage(key), SecretFields: []string{"key"},
		},
		fakePlugin{
			Name: "high", Version: "0.1", Priority: 3000, SecretFields: []string{"auth.tokens", "list.secret", "token"},
			MetadataSchema: json.RawMessage(`{"type":"object","properties":{"token":{"type":"string"}}}`),
		},
		fakePlugin{Name: "serverless-pre-function", Priority: 10000},
		fakePlugin{Name: "traffic-split", Priority: 966},
	}
}

func testCatalog(t testing.TB) *config.Catalog {
	t.Helper()
	c, err := config.NewCatalog(testPlugins(), config.CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// world is an Admin API over a store in memory.
type world struct {
	t       testing.TB
	store   store.Writer
	handler http.Handler
	log     *bytes.Buffer
}

func newWorld(t testing.TB, change func(*Options)) *world {
	t.Helper()
	w := &world{t: t, log: &bytes.Buffer{}}
	o := Options{
		Store: mem.New(), Catalog: testCatalog(t), KeyRequired: true, Logger: slog.New(slog.NewJSONHandler(w.log, nil)),
		Keys: []Key{
			{Name: "root", Key: adminKey, Role: RoleAdmin},
			{Name: "ed", Key: editorKey, Role: RoleEditor},
			{Name: "guest", Key: viewerKey, Role: RoleViewer},
		},
	}
	if change != nil {
		change(&o)
	}
	h, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.store, w.handler = o.Store, h
	return w
}

func (w *world) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequest(method, "http://127.0.0.1:9180"+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:5555"
	r.Header.Set("X-API-KEY", adminKey)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
		if header[i] == "RemoteAddr" {
			r.RemoteAddr = header[i+1]
		}
		if header[i+1] == "" {
			r.Header.Del(header[i])
		}
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}

func (w *world) put(path, body string) {
	w.t.Helper()
	if rec := w.do("PUT", "/apisix/admin/"+path, body); rec.Code >= 300 {
		w.t.Fatalf("PUT %s: %d %s", path, rec.Code, rec.Body)
	}
}

// step is one request and its whole answer.
type step struct {
	method, path, body string
	status             int
	want               string
}

func (w *world) run(steps []step) {
	w.t.Helper()
	for _, s := range steps {
		rec := w.do(s.method, "/apisix/admin"+s.path, s.body)
		if got := strings.TrimSuffix(rec.Body.String(), "\n"); rec.Code != s.status || got != s.want {
			w.t.Errorf("%s %s %s\n got %d %s\nwant %d %s", s.method, s.path, s.body, rec.Code, got, s.status, s.want)
		}
	}
}

// times are the times of a document in a test with synctest, whose clock starts at this second.
const times = `"create_time":946684800,"update_time":946684800`

const (
	upstream = `"upstream":{"type":"roundrobin","nodes":{"127.0.0.1:8080":1}}`
	noKey    = `{"message":"Key not found"}`
)

func TestResources(t *testing.T) {
	tests := []struct {
		name  string
		steps []step
	}{
		{"life of a route", []step{
			{"GET", "/routes", "", 200, `{"total":0,"list":[]}`},
			{"GET", "/routes/1", "", 404, noKey},
			{"PUT", "/routes/1", `{"uri":"/a",` + upstream + `}`, 201, `{"key":"/apisix/routes/1","value":{"uri":"/a",` + upstream + `,"id":"1",` + times + `}}`},
			{"PUT", "/routes/1", `{"uri":"/b",` + upstream + `}`, 200, `{"key":"/apisix/routes/1","value":{"uri":"/b",` + upstream + `,"id":"1",` + times + `}}`},
			{"GET", "/routes/1", "", 200, `{"key":"/apisix/routes/1","value":{"uri":"/b",` + upstream + `,"id":"1",` + times + `},"createdIndex":2,"modifiedIndex":3}`},
			{"GET", "/routes", "", 200, `{"total":1,"list":[{"key":"/apisix/routes/1","value":{"uri":"/b",` + upstream + `,"id":"1",` + times + `},"createdIndex":2,"modifiedIndex":3}]}`},
			{"DELETE", "/routes/1", "", 200, `{"deleted":"1","key":"/apisix/routes/1"}`},
			{"DELETE", "/routes/1", "", 404, noKey},
		}},
		{"ids", []step{
			{"PUT", "/routes", `{"uri":"/a",` + upstream + `}`, 400, `{"error_msg":"missing route id"}`},
			{"PUT", "/routes", `{"id":7,"uri":"/a",` + upstream + `}`, 201, `{"key":"/apisix/routes/7","value":{"id":7,"uri":"/a",` + upstream + `,` + times + `}}`},
			{"PUT", "/routes/8", `{"id":7,"uri":"/a",` + upstream + `}`, 400, `{"error_msg":"wrong route id"}`},
			{"PUT", "/routes/7", `{"id":7,"uri":"/a",` + upstream + `}`, 200, `{"key":"/apisix/routes/7","value":{"id":"7","uri":"/a",` + upstream + `,` + times + `}}`},
			{"PUT", "/routes/a*b", `{"uri":"/a",` + upstream + `}`, 400, `{"error_msg":"invalid configuration: property \"id\" validation failed: object matches none of the required"}`},
			{"PUT", "/routes", `{"id":"a/b","uri":"/a",` + upstream + `}`, 400, `{"error_msg":"invalid configuration: property \"id\" validation failed: object matches none of the required"}`},
			{"POST", "/routes/1", `{"uri":"/a",` + upstream + `}`, 400, `{"error_msg":"wrong route id, do not need it"}`},
			{"POST", "/routes", `{"id":"1","uri":"/a",` + upstream + `}`, 400, `{"error_msg":"wrong route id, do not need it"}`},
			{"POST", "/routes", `{"uri":"/a",` + upstream + `}`, 201, `{"key":"/apisix/routes/00000000000000000004","value":{"uri":"/a",` + upstream + `,"id":"00000000000000000004",` + times + `}}`},
			{"DELETE", "/routes", "", 400, `{"error_msg":"missing route id"}`},
			{"PATCH", "/routes", `{}`, 400, `{"error_msg":"missing route id"}`},
			{"DELETE", "/global_rules", "", 400, `{"error_msg":"missing global rule id"}`},
		}},
		{"bodies", []step{
			{"PUT", "/routes/1", ``, 400, `{"error_msg":"missing configurations"}`},
			{"PUT", "/routes/1", `{"uri"`, 400, `{"error_msg":"invalid request body: Expected colon but found T_END at character 7","req_body":"{\"uri\""}`},
			{"PUT", "/routes/1", `"x"`, 400, `{"error_msg":"invalid configuration: wrong type: expected object, got string"}`},
			{"PUT", "/routes/1", `{"uri":"/a","create_time":1}`, 400, `{"error_msg":"the property is forbidden:  create_time"}`},
			{"PUT", "/routes/1", `{"uri":"/a","upstream":{"update_time":1}}`, 400, `{"error_msg":"the property is forbidden:  upstream.update_time"}`},
			{"PUT", "/routes/1", `{"uri":"/a","service_id":"x"}`, 400, `{"error_msg":"failed to fetch service info by service id [x], response code: 404"}`},
			{"PUT", "/routes/1", `{"uri":"/a","host":"a","hosts":["b"]}`, 400, `{"error_msg":"only one of host or hosts is allowed"}`},
			{"PUT", "/routes/1", `{"uri":"/a","plugins":{"nothing":{}}}`, 400, `{"error_msg":"unknown plugin [nothing]"}`},
			{"PUT", "/routes/1?ttl=x", `{}`, 400, `{"error_msg":"invalid argument ttl: should be a number"}`},
			{"PUT", "/routes/1?ttl=-1", `{}`, 400, `{"error_msg":"invalid argument ttl: should be between 1 and 9000000000 seconds"}`},
			{"GET", "/routes/1", `{`, 400, `{"error_msg":"invalid request body: Expected object key string but found T_END at character 2","req_body":"{"}`},
		}},
		{"bytes stay", []step{
			{"PUT", "/routes/1", `{ "uri":"/<&>\u00e9","uri":"/x<&>\u00e9", "labels":{}, "priority": 1.0,` + upstream + `}`, 201,
				`{"key":"/apisix/routes/1","value":{"uri":"/x<&>\u00e9","labels":{},"priority":1.0,` + upstream + `,"id":"1",` + times + `}}`},
		}},
		{"patch", []step{
			{"PATCH", "/services/1", `{"desc":"x"}`, 404, noKey},
			{"PUT", "/services/1", `{"name":"a","labels":{"x":"1","y":"2"},"upstream":{"type":"roundrobin","nodes":[{"host":"a","port":1,"weight":1}]}}`, 201,
				`{"key":"/apisix/services/1","value":{"name":"a","labels":{"x":"1","y":"2"},"upstream":{"type":"roundrobin","nodes":[{"host":"a","port":1,"weight":1}]},"id":"1",` + times + `}}`},
			{"PATCH", "/services/1", `{"desc":"d","labels":{"y":null,"z":"3"},"upstream":{"nodes":[{"host":"b","port":2,"weight":1}]}}`, 200,
				`{"key":"/apisix/services/1","value":{"name":"a","labels":{"x":"1","z":"3"},"upstream":{"type":"roundrobin","nodes":[{"host":"b","port":2,"weight":1}]},"id":"1",` + times + `,"desc":"d"}}`},
			{"PATCH", "/services/1/upstream/nodes", `{"c:3":1}`, 200,
				`{"key":"/apisix/services/1","value":{"name":"a","labels":{"x":"1","z":"3"},"upstream":{"type":"roundrobin","nodes":{"c:3":1}},"id":"1",` + times + `,"desc":"d"}}`},
			{"PATCH", "/services/1/", `{"desc":"whole","labels":null,"create_time":5,"update_time":6}`, 200,
				`{"key":"/apisix/services/1","value":{"name":"a","upstream":{"type":"roundrobin","nodes":{"c:3":1}},"id":"1","create_time":5,"update_time":6,"desc":"whole"}}`},
			{"PATCH", "/services/1/name/x", `1`, 400, `{"error_msg":"invalid sub-path: /name"}`},
			{"PATCH", "/services/1/name", `1`, 400, `{"error_msg":"invalid configuration: property \"name\" validation failed: wrong type: expected string, got number"}`},
			{"PATCH", "/services/1/id", `"2"`, 400, `{"error_msg":"wrong service id"}`},
			{"PATCH", "/services/1", ``, 400, `{"error_msg":"missing new configuration"}`},
			{"PATCH", "/services/1", `1`, 400, `{"error_msg":"invalid configuration"}`},
		}},
		{"consumers", []step{
			{"PUT", "/consumers", `{"username":"jack","plugins":{"key-auth":{"key":"k1"}}}`, 201, `{"key":"/apisix/consumers/jack","value":{"username":"jack","plugins":{"key-auth":{"key":"k1"}},` + times + `}}`},
			{"PUT", "/consumers/jack", `{"username":"jack"}`, 200, `{"key":"/apisix/consumers/jack","value":{"username":"jack",` + times + `}}`},
			{"PUT", "/consumers/rose", `{"username":"jack"}`, 400, `{"error_msg":"wrong username"}`},
			{"PUT", "/consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"k1"}}}`, 200, `{"key":"/apisix/consumers/jack","value":{"username":"jack","plugins":{"key-auth":{"key":"k1"}},` + times + `}}`},
			{"PUT", "/consumers/rose", `{"username":"rose","plugins":{"key-auth":{"key":"k1"}}}`, 400, `{"error_msg":"duplicate key of plugin key-auth found with consumer: jack"}`},
			{"POST", "/consumers", `{"username":"jack"}`, 405, "{\"error_msg\":\"not supported `POST` method for consumer\"}"},
			{"PATCH", "/consumers/jack", `{}`, 405, "{\"error_msg\":\"not supported `PATCH` method for consumer\"}"},
			{"DELETE", "/consumers/jack/credentials/1", ``, 404, noKey},
			{"GET", "/consumers/jack/credentials/1/x", ``, 404, `{"error_msg":"not found"}`},
			{"DELETE", "/consumers/jack", ``, 200, `{"deleted":"1","key":"/apisix/consumers/jack"}`},
		}},
		{"global rules", []step{
			{"PUT", "/global_rules/1", `{"plugins":{"low":{}}}`, 201, `{"key":"/apisix/global_rules/1","value":{"plugins":{"low":{}},"id":"1",` + times + `}}`},
			{"PUT", "/global_rules/2", `{"plugins":{"low":{}}}`, 400, `{"error_msg":"plugin 'low' already exists in global rule with id '1'"}`},
			{"POST", "/global_rules", `{"plugins":{}}`, 405, "{\"error_msg\":\"not supported `POST` method for global rule\"}"},
			{"PATCH", "/global_rules/1/plugins", `{"high":{}}`, 200, `{"key":"/apisix/global_rules/1","value":{"plugins":{"high":{}},"id":"1",` + times + `}}`},
		}},
		{"plugin metadata", []step{
			{"PUT", "/plugin_metadata", `{}`, 400, `{"error_msg":"missing plugin name"}`},
			{"PUT", "/plugin_metadata/nothing", `{}`, 400, `{"error_msg":"invalid plugin name"}`},
			{"PUT", "/plugin_metadata/high", `{"token":1}`, 400, `{"error_msg":"invalid configuration: property \"token\" validation failed: wrong type: expected string, got number"}`},
			{"PUT", "/plugin_metadata/high", `{"token":"t"}`, 201, `{"key":"/apisix/plugin_metadata/high","value":{"token":"t","id":"high"}}`},
			{"GET", "/plugin_metadata/high", ``, 200, `{"key":"/apisix/plugin_metadata/high","value":{"token":"t","id":"high"},"createdIndex":2,"modifiedIndex":2}`},
			{"DELETE", "/plugin_metadata/high", ``, 200, `{"deleted":"1","key":"/apisix/plugin_metadata/high"}`},
		}},
		{"paths", []step{
			{"GET", "/nothing", ``, 404, `{"error_msg":"Unsupported resource type: nothing"}`},
			{"GET", "", ``, 404, `{"error_msg":"not found"}`},
			{"HEAD", "", ``, 200, ``},
			{"HEAD", "/routes", ``, 404, `{"error_msg":"not found"}`},
			{"OPTIONS", "/routes", ``, 404, `{"error_msg":"not found"}`},
			{"PATCH", "/routes/1/plugins/../../x", `1`, 400, `{"error_msg":"invalid path: empty and dot segments are not allowed"}`},
			{"GET", "/routes//1", ``, 400, `{"error_msg":"invalid path: empty and dot segments are not allowed"}`},
			{"GET", "/routes/a%2fb", ``, 400, `{"error_msg":"invalid path: encoded separators are not allowed"}`},
			{"GET", "x/routes", ``, 404, `{"error_msg":"not found"}`},
			{"GET", "/routes/1/x", ``, 404, `{"error_msg":"not found"}`},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newWorld(t, nil).run(tt.steps) })
		})
	}
}

func TestReferences(t *testing.T) {
	w := newWorld(t, nil)
	w.put("upstreams/u1", `{"nodes":{"a:1":1}}`)
	w.put("upstreams/u2", `{"nodes":{"a:1":1}}`)
	w.put("upstreams/u3", `{"nodes":{"a:1":1}}`)
	w.put("services/s", `{"upstream_id":"u2"}`)
	w.put("plugin_configs/p", `{"plugins":{"low":{}}}`)
	w.put("global_rules/g", `{"plugins":{"traffic-split":{"rules":[{"weighted_upstreams":[{"upstream_id":"u3"}]}]}}}`)
	w.put("routes/r", `{"uri":"/a","upstream_id":"u1","service_id":"s","plugin_config_id":"p"}`)
	w.run([]step{
		{"DELETE", "/upstreams/u1", "", 400, `{"error_msg":"can not delete this upstream, route [r] is still using it now"}`},
		{"DELETE", "/upstreams/u2", "", 400, `{"error_msg":"can not delete this upstream, service [s] is still using it now"}`},
		{"DELETE", "/upstreams/u3", "", 400, `{"error_msg":"can not delete this upstream, plugin in global_rules [g] is still using it now"}`},
		{"DELETE", "/services/s", "", 400, `{"error_msg":"can not delete this service directly, route [r] is still using it now"}`},
		{"DELETE", "/plugin_configs/p", "", 400, `{"error_msg":"can not delete this plugin config, route [r] is still using it now"}`},
		{"DELETE", "/plugin_configs/p?force=true", "", 200, `{"deleted":"1","key":"/apisix/plugin_configs/p"}`},
		{"DELETE", "/upstreams/none", "", 404, noKey},
	})
}

func TestDeleteTakesSubResources(t *testing.T) {
	w := newWorld(t, nil)
	w.put("consumers/jack", `{"username":"jack"}`)
	w.put("consumers/jackson", `{"username":"jackson"}`)
	if _, err := w.store.Put(t.Context(), "consumers/jack/credentials/1", []byte(`{"plugins":{"key-auth":{"key":"k"}}}`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	w.run([]step{
		{"PUT", "/consumers/jackson", `{"username":"jackson","plugins":{"key-auth":{"key":"k"}}}`, 400, `{"error_msg":"duplicate key of plugin key-auth found with credential: 1 of consumer: jack"}`},
	})
	if got := w.do("GET", "/apisix/admin/consumers", "").Body.String(); !strings.HasPrefix(got, `{"total":2,`) {
		t.Errorf("got %s, want two consumers and no credential", got)
	}
	w.do("DELETE", "/apisix/admin/consumers/jack", "")
	items, _, err := w.store.List(t.Context(), "consumers/")
	if err != nil || len(items) != 1 || items[0].Key != "consumers/jackson" {
		t.Errorf("got %v, %v, want jackson alone", items, err)
	}
}

func TestTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.put("routes/1?ttl=10", `{"uri":"/a",`+upstream+`}`)
		time.Sleep(9 * time.Second)
		synctest.Wait()
		if got := w.do("GET", "/apisix/admin/routes/1", "").Code; got != 200 {
			t.Errorf("got %v, want 200", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := w.do("GET", "/apisix/admin/routes/1", "").Code; got != 404 {
			t.Errorf("got %v, want 404", got)
		}
	})
}

func TestTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.put("routes/1", `{"uri":"/a",`+upstream+`}`)
		time.Sleep(5 * time.Second)
		for _, s := range []step{{method: "PUT", path: "routes/1", body: `{"uri":"/b",` + upstream + `}`}, {method: "PATCH", path: "routes/1", body: `{"uri":"/c"}`}} {
			got := w.do(s.method, "/apisix/admin/"+s.path, s.body).Body.String()
			if !strings.Contains(got, `"create_time":946684800,"update_time":946684805`) {
				t.Errorf("%s: got %s, want the old create_time and a new update_time", s.method, got)
			}
		}
	})
}

// racingStore changes a key between a Get and the Put that follows.
type racingStore struct{ store.Writer }

func (s racingStore) Get(ctx context.Context, key string) (store.Item, error) {
	item, err := s.Writer.Get(ctx, key)
	if err == nil {
		_, err = s.Put(ctx, key, item.Value, store.Cond{})
	}
	return item, err
}

func TestPatchConflict(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Store = racingStore{o.Store} })
	w.put("routes/1", `{"uri":"/a",`+upstream+`}`)
	w.run([]step{{"PATCH", "/routes/1", `{"uri":"/b"}`, 503, `{"error_msg":"value changed before overwritten"}`}})
}

// deadStore answers nothing.
type deadStore struct{ store.Writer }

var errDead = errors.New("etcd http://127.0.0.1:2379 is not reachable")

func (deadStore) Get(context.Context, string) (store.Item, error) { return store.Item{}, errDead }

func (deadStore) List(context.Context, string) ([]store.Item, int64, error) { return nil, 0, errDead }

func (deadStore) Put(context.Context, string, []byte, store.Cond) (store.Item, error) {
	return store.Item{}, errDead
}

func (deadStore) Delete(context.Context, ...string) (int64, error) { return 0, errDead }

func (deadStore) NextID(context.Context) (int64, error) { return 0, errDead }

func TestStoreTrouble(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Store = deadStore{} })
	for _, s := range []step{
		{method: "GET", path: "routes"},
		{method: "GET", path: "routes/1"},
		{method: "PUT", path: "routes/1", body: `{"uri":"/a",` + upstream + `}`},
		{method: "PUT", path: "routes/1", body: `{"uri":"/a","upstream_id":"1"}`},
		{method: "PUT", path: "consumers", body: `{"username":"a","plugins":{"key-auth":{"key":"k"}}}`},
		{method: "PUT", path: "plugin_metadata/high", body: `{}`},
		{method: "POST", path: "routes", body: `{"uri":"/a",` + upstream + `}`},
		{method: "PATCH", path: "routes/1", body: `{"uri":"/a"}`},
		{method: "DELETE", path: "routes/1"},
		{method: "DELETE", path: "upstreams/1"},
	} {
		t.Run(s.method+" "+s.path, func(t *testing.T) {
			rec := w.do(s.method, "/apisix/admin/"+s.path, s.body)
			if rec.Code != 503 || !strings.Contains(rec.Body.String(), errDead.Error()) {
				t.Errorf("got %d %s, want 503 with the reason", rec.Code, rec.Body)
			}
		})
	}
}
