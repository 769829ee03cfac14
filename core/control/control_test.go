package control

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
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
	items    map[string][]store.Item
	status   Status
	checkers []Checker
}

func (s fakeSource) Items(kind string) []store.Item { return s.items[kind] }

func (s fakeSource) Status() Status { return s.status }

func (s fakeSource) Health() []Checker { return s.checkers }

// Explain answers with the question.
func (s fakeSource) Explain(q Question) (*Explanation, error) {
	if q.Consumer == "nobody" {
		return nil, errors.New("consumer: nobody")
	}
	return &Explanation{Request: ExplainedRequest{
		Method: q.Method, Host: q.Host, Path: q.URI, RemoteAddr: q.RemoteAddr, Scheme: q.Scheme, Port: strconv.Itoa(q.Port), Header: q.Header,
	}}, nil
}

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
	checks := `"checks":{"active":{"type":"https"}}`
	return Options{Catalog: catalog, Now: func() time.Time { return time.Unix(1070, 5e8) }, Source: fakeSource{
		checkers: []Checker{{Key: "routes/c", Type: "https", Nodes: []CheckedNode{
			{Host: "b", IP: "10.0.0.2", Port: 80, Status: "unhealthy", Counter: Counter{TCPFailure: 2}},
			{Host: "a<", IP: "10.0.0.1", Port: 80, Status: "healthy"},
		}}},
		items: map[string][]store.Item{
			"stream_routes": {item("stream_routes/s", `{"id":"s","upstream":{"checks":{"passive":{}}}}`)},
			"routes": {
				item("routes/1", `{"id":"1","uri":"/a","plugins":{"count":{"token":"s3"}},"upstream":{"nodes":{"b:2":1,"a:1":0}}}`),
				item("routes/2", `{"id":"2"}`),
				item("routes/c", `{"id":"c","upstream":{`+checks+`}}`),
				item("routes/7", `{"id":7}`),
				item("routes/odd", `{"desc":"\"checks\""}`),
			},
			"upstreams":       {item("upstreams/u", `{"id":"u","type":"roundrobin","nodes":[{"host":"a","port":1,"weight":1}]}`)},
			"plugin_metadata": {item("plugin_metadata/count", `{"x":1,"token":"s3","id":"count"}`)},
		},
		status: Status{
			Ready: true, Reachable: false, Revision: 9, StoreRevision: 12, Since: time.Unix(1000, 0), Applied: time.Unix(1000, 0),
			Err: errors.New("etcd is away"), FromCopy: true, CopyTime: time.Unix(900, 0), Counts: map[string]int{"routes": 2},
			Rejected: []Rejected{{Key: "routes/3", Revision: 8, Reason: "no uri", Kept: true}},
			Warnings: []Warning{{Key: "routes/1", Plugin: "x", Text: "unknown"}},
			Secrets:  []SecretManager{{Name: "vault/2", OK: true, Cached: 3}, {Name: "aws/1", Err: "no answer"}},
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
		{"indexes", "GET", "/v1/route/1", 200, `"has_domain":true,"createdIndex":3,"modifiedIndex":4,"orig_modifiedIndex":4}`},
		{"an id that is a number", "GET", "/v1/route/7", 200, `"value":{"id":"7"`},
		{"what follows the id", "GET", "/v1/route/1/x", 200, `{"key":"/apisix/routes/1"`},
		{"defaults", "GET", "/v1/route/1", 200, `"hash_on":"vars"…"pass_host":"pass"…"scheme":"http"`},
		{"defaults of plugins, no secrets", "GET", "/v1/route/1", 200, `"count":{…"n":5…"token":"***"…"_meta":{}`},
		{"no route", "GET", "/v1/route/8", 404, `{"error_msg":"route[8] not found"}`},
		{"upstream", "GET", "/v1/upstream/u", 200, `{"key":"/apisix/upstreams/u"…"id":"u"…"createdIndex":3,"modifiedIndex":4}`},
		{"no upstream", "GET", "/v1/upstream/v", 404, `{"error_msg":"upstream[v] not found"}`},
		{"services", "GET", "/v1/services", 200, `{}`},
		{"no service", "GET", "/v1/service/1", 404, `{"error_msg":"service[1] not found"}`},
		{"all metadata", "GET", "/v1/plugin_metadatas", 200, `[{"x":1,"token":"***","id":"count"}]`},
		{"metadata", "GET", "/v1/plugin_metadata/count", 200, `{"x":1,"token":"***","id":"count"}`},
		{"no metadata", "GET", "/v1/plugin_metadata/x", 404, `{"error_msg":"plugin metadata[x] not found"}`},
		{"sync", "GET", "/v1/sync", 200, `{"ready":true,"reachable":false,"revision":9,"store_revision":12,"lag":{"revisions":3,"seconds":70.5},` +
			`"since":"1970-01-01T00:16:40Z","error":"etcd is away","from_copy":true,"copy_time":"1970-01-01T00:15:00Z","counts":{"routes":2},` +
			`"rejected":[{"key":"routes/3","revision":8,"reason":"no uri","kept":true}],"warnings":[{"key":"routes/1","plugin":"x","text":"unknown"}],` +
			`"secrets":[{"name":"aws/1","ok":false,"error":"no answer","cached":0},{"name":"vault/2","ok":true,"cached":3}]}`},
		{"health", "GET", "/v1/healthcheck", 200, `[{"name":"/apisix/routes/c","type":"https","nodes":[` +
			`{"hostname":"a<","ip":"10.0.0.1","port":80,"status":"healthy","counter":{"success":0,"http_failure":0,"tcp_failure":0,"timeout_failure":0}},` +
			`{"hostname":"b","ip":"10.0.0.2","port":80,"status":"unhealthy","counter":{"success":0,"http_failure":0,"tcp_failure":2,"timeout_failure":0}}` +
			`]},{"name":"/apisix/stream_routes/s","type":"http","nodes":[]}]`},
		{"health of one", "GET", "/v1/healthcheck/routes/c", 200, `{"name":"/apisix/routes/c","type":"https","nodes":[{…"status":"unhealthy"`},
		{"health of one that has no checks", "GET", "/v1/healthcheck/routes/1", 404, `{"error_msg":"no checker for routes[1]"}`},
		{"health of one that only speaks of checks", "GET", "/v1/healthcheck/routes/odd", 404, `{"error_msg":"no checker for routes[odd]"}`},
		{"health of none", "GET", "/v1/healthcheck/upstreams/7", 404, `{"error_msg":"upstreams[7] not found"}`},
		{"health of another kind", "GET", "/v1/healthcheck/route/1", 400, `{"error_msg":"invalid src type route"}`},
		{"health without an id", "GET", "/v1/healthcheck/routes", 404, `{"error_msg":"missing src id for src type routes"}`},
		{"explain", "GET", "/v1/explain?uri=%2Fa%3Fb&method=put&host=h&remote_addr=::1&scheme=https&port=8&cookie.k=v&header.X-Y=1&header.X-Y=2", 200,
			`{"request":{"method":"PUT","scheme":"https","host":"h","port":"8","path":"/a?b","remote_addr":"::1","header":[` +
				`{"name":"X-Y","value":"1"},{"name":"X-Y","value":"2"},{"name":"Cookie","value":"k=v"}]}`},
		{"explain nothing", "GET", "/v1/explain", 400, `{"error_msg":"uri: required…"}`},
		{"explain with a mistake", "GET", "/v1/explain?uri=/&hots=a", 400, `{"error_msg":"hots: unknown parameter…"}`},
		{"explain with a bad port", "GET", "/v1/explain?uri=/&port=x", 400, `{"error_msg":"port: \"x\" is not one from 1 to 65535"}`},
		{"explain twice", "GET", "/v1/explain?uri=/&uri=/a", 400, `{"error_msg":"uri: given more than once"}`},
		{"explain with a bad query", "GET", "/v1/explain?uri=%zz", 400, `{"error_msg":"query: …"}`},
		{"explain with a bad question", "GET", "/v1/explain?uri=/&consumer=nobody", 400, `{"error_msg":"consumer: nobody"}`},
		{"schema", "GET", "/v1/schema", 200, `{"main":{"consumer":{…"plugins":{"count":{"version":"0.1","priority":5,"schema":{…"stream_plugins":{}}`},
		{"unknown", "GET", "/v1/nothing", 404, `{"error_msg":"not found"}`},
		{"unknown single", "GET", "/v1/nothing/1", 404, `{"error_msg":"not found"}`},
		{"other version", "GET", "/v2/routes", 404, `{"error_msg":"not found"}`},
		{"other method", "POST", "/v1/routes", 404, `{"error_msg":"not found"}`},
		{"reload is PUT", "POST", "/v1/plugins/reload", 404, `{"error_msg":"not found"}`},
		{"reload is not GET", "GET", "/v1/plugins/reload", 404, `{"error_msg":"not found"}`},
		{"gc is POST", "GET", "/v1/gc", 404, `{"error_msg":"not found"}`},
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
		{"from the copy", Status{Ready: true, Reachable: true, FromCopy: true}, "/status/ready", 200, `{"status":"ok","configuration":"stale"}`},
		{"below", Status{}, "/status/x", 200, `{"status":"ok"}`},
		{"unknown", Status{}, "/", 404, `{"error_msg":"not found"}`},
		{"beside", Status{}, "/statusx", 404, `{"error_msg":"not found"}`},
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
