package standalone_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/admin/standalone"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/sdk"
)

// recorder is a mem.Store that remembers what it was given.
type recorder struct {
	*mem.Store
	mu    sync.Mutex
	steps int
}

func (r *recorder) Replace(items []store.Item) int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps++
	return r.Store.Replace(items)
}

// plugin accepts any configuration.
type plugin struct {
	name string
	auth bool
}

func (p plugin) Info() sdk.Info { return sdk.Info{Name: p.name, Auth: p.auth} }

func (plugin) Configure(context.Context, json.RawMessage) (sdk.Hooks, error) { return sdk.Hooks{}, nil }

// values returns what is in service.
func (r *recorder) values(t *testing.T) map[string]string {
	t.Helper()
	items, _, err := r.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, it := range items {
		out[it.Key] = string(it.Value)
	}
	return out
}

func newHandler(t testing.TB, change func(*standalone.Options)) (http.Handler, *recorder) {
	t.Helper()
	catalog, err := config.NewCatalog([]sdk.Plugin{plugin{"key-auth", true}, plugin{"limit-count", false}}, config.CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Store: mem.NewPending()}
	o := standalone.Options{
		Store: r, Catalog: catalog, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Unix(1700000000, 0) },
	}
	if change != nil {
		change(&o)
	}
	h, err := standalone.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return h, r
}

// call makes a request. Headers are given as "Name: value".
func call(h http.Handler, method, body string, headers ...string) *http.Response {
	r := httptest.NewRequest(method, "/apisix/admin/configs", strings.NewReader(body))
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// step is one PUT and what follows from it.
type step struct {
	digest string // default: a new one
	yaml   bool
	body   string
	status int
	answer string
	items  map[string]string // nil: as before
}

const (
	nodes  = `"upstream":{"nodes":{"127.0.0.1:1980":1},"type":"roundrobin"}`
	route1 = `{"id":"r1","service_id":"s","uri":"/r1",` + nodes + `}`
	route2 = `{"id":"r2","service_id":"s","uri":"/r2",` + nodes + `}`
)

func TestPut(t *testing.T) {
	tests := []struct {
		name  string
		steps []step
	}{
		{"an empty document", []step{{body: `{}`, status: 202, items: map[string]string{}}}},
		{"what Lua takes for one", []step{{body: `[]`, status: 202, items: map[string]string{}}}},
		{"everything is replaced", []step{
			{body: `{"routes":[` + route1 + `]}`, status: 202, items: map[string]string{"routes/r1": route1}},
			{body: `{"routes": [ ` + route2 + " ]}\n", status: 202, items: map[string]string{"routes/r2": route2}},
			{body: `{}`, status: 202, items: map[string]string{}},
		}},
		{"the same digest", []step{
			{digest: "a", body: `{"routes":[` + route1 + `]}`, status: 202, items: map[string]string{"routes/r1": route1}},
			{digest: "a", body: `{}`, status: 204},
			{digest: "a", body: `{`, status: 400, answer: "invalid request body: Expected object key string but found T_END at character 2"},
			{digest: "a", body: `{"routes":5}`, status: 400, answer: "routes: it should be an array"},
			{digest: "b", body: `{}`, status: 202, items: map[string]string{}},
			{digest: "a", body: `{"routes":[` + route1 + `]}`, status: 202, items: map[string]string{"routes/r1": route1}},
		}},
		{"YAML", []step{
			{yaml: true, body: "routes:\n- {id: r1, service_id: s, uri: /r1, plugins: {key-auth: }}\nplugins:\nroutes_conf_version: 7", status: 202,
				items: map[string]string{"routes/r1": `{"id":"r1","service_id":"s","uri":"/r1","plugins":{"key-auth":{}}}`}},
			{yaml: true, body: "a: [", status: 400, answer: "invalid request body: invalid yaml request body"},
			{yaml: true, body: "text", status: 400, answer: "invalid request body: invalid yaml request body"},
			{yaml: true, body: "routes_conf_version: -1", status: 400, answer: "routes_conf_version must be greater than or equal to (7)"},
			{yaml: true, body: "routes_conf_version: adc", status: 400, answer: "routes_conf_version must be a number"},
		}},
		{"all kinds", []step{{
			body: `{"routes":[{"service_id":"s","uri":"/a"},{"id":2,"service_id":"s","uri":"/b"}],"services":[{"id":"s"}],"consumers":[{"username":"jack"},` +
				`{"id":"jack/credentials/one","plugins":{"key-auth":{"key":"k"}}}],"plugin_metadata":[{"id":"key-auth"}],` +
				`"plugins":[{"name":"key-auth"},{"name":"mqtt-proxy","stream":true}],"nothing":[1]}`,
			status: 202,
			items: map[string]string{
				"routes/arr_1": `{"service_id":"s","uri":"/a"}`, "routes/2": `{"id":2,"service_id":"s","uri":"/b"}`, "services/s": `{"id":"s"}`, "consumers/jack": `{"username":"jack"}`,
				"consumers/jack/credentials/one": `{"id":"jack/credentials/one","plugins":{"key-auth":{"key":"k"}}}`,
				"plugin_metadata/key-auth":       `{"id":"key-auth"}`,
				"plugins":                        `[{"name":"key-auth"},{"name":"mqtt-proxy","stream":true}]`,
			},
		}}},
		{"versions", []step{
			{body: `{"routes_conf_version":1060,"services_conf_version":5,"routes":[` + route1 + `],"services":[{"id":"s"}]}`, status: 202,
				items: map[string]string{"routes/r1": route1, "services/s": `{"id":"s"}`}},
			{body: `{"routes_conf_version":1060,"services_conf_version":6,"routes":[` + route2 + `]}`, status: 202, items: map[string]string{"routes/r1": route1}},
			{body: `{"routes_conf_version":1059,"routes":[` + route2 + `]}`, status: 400, answer: "routes_conf_version must be greater than or equal to (1060)"},
			{body: `{"routes_conf_version":1061.5,"routes":[` + route2 + `]}`, status: 202, items: map[string]string{"routes/r2": route2}},
			{body: `{"routes_conf_version":1061}`, status: 400, answer: "routes_conf_version must be greater than or equal to (1061.5)"},
			{body: `{"routes_conf_version":null}`, status: 400, answer: "routes_conf_version must be a number"},
			{body: `{"routes_conf_version":"2000"}`, status: 400, answer: "routes_conf_version must be a number"},
		}},
		{"a first version of 0 is the one that is there", []step{
			{body: `{"routes_conf_version":0,"routes":[` + route1 + `]}`, status: 202, items: map[string]string{}},
		}},
		{"modifiedIndex", []step{
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/a","modifiedIndex":1}]}`, status: 202, items: map[string]string{"routes/r1": `{"id":"r1","service_id":"s","uri":"/a"}`}},
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/b","modifiedIndex":1}]}`, status: 202},
			{body: `{"routes":[{"modifiedIndex":2,"id":"r1","service_id":"s","uri":"/b"}]}`, status: 202, items: map[string]string{"routes/r1": `{"id":"r1","service_id":"s","uri":"/b"}`}},
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/c"}]}`, status: 202, items: map[string]string{"routes/r1": `{"id":"r1","service_id":"s","uri":"/c"}`}},
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/d","modifiedIndex":4}]}`, status: 202}, // 4 is the version of the list
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/d","modifiedIndex":"5"}]}`, status: 400,
				answer: `invalid configuration: property "modifiedIndex" validation failed: wrong type: expected integer, got string`},
			{body: `{"routes":[]}`, status: 202, items: map[string]string{}},
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/e","modifiedIndex":4}]}`, status: 202, items: map[string]string{"routes/r1": `{"id":"r1","service_id":"s","uri":"/e"}`}},
		}},
		{"what is not valid", []step{
			{body: `{"routes":[` + route1 + `]}`, status: 202, items: map[string]string{"routes/r1": route1}},
			{body: `{"routes":[` + route1 + `,{"id":"x","uri":123}]}`, status: 400,
				answer: `invalid configuration: property "uri" validation failed: wrong type: expected string, got number`},
			{body: `{"routes":[{"id":"x","service_id":"s","uri":"/","plugins":{"invalid-plugin":{}}}]}`, status: 400, answer: "unknown plugin [invalid-plugin]"},
			{body: `{"routes":[` + route2 + `,` + route2 + `]}`, status: 400, answer: "found duplicate id r2 in routes"},
			{body: `{"routes":[` + route1 + `,` + route1 + `]}`, status: 400, answer: "found duplicate id r1 in routes"},
			{body: `{"routes":[{"uri":"/a","plugins":{}},{"id":"arr_1","uri":"/b","plugins":{}}]}`, status: 400, answer: "found duplicate id arr_1 in routes"},
			{body: `{"routes":[{"id":"arr_2","uri":"/a","plugins":{}},{"uri":"/b","plugins":{}}]}`, status: 400, answer: "found duplicate id arr_2 in routes"},
			{body: "{\"routes\":[{\"uri\":\"/\xff\",\"plugins\":{}}]}", status: 400, answer: "invalid request body: not valid UTF-8"},
			{body: `{"consumers":[{"username":"a"},{"username":"a"}]}`, status: 400, answer: "found duplicate username a in consumers"},
			{body: `{"consumers":[{"id":"a/credentials/b","plugins":{}},{"id":"a/credentials/b","plugins":{}}]}`, status: 400,
				answer: "found duplicate credential id a/credentials/b in consumers"},
			{body: `{"routes":{"a":1}}`, status: 400, answer: "routes: it should be an array"},
			{body: `{"routes":["a"]}`, status: 400, answer: "invalid configuration: wrong type: expected object, got string"},
			{body: `{abcd`, status: 400, answer: "invalid request body: Expected object key string but found invalid token at character 2"},
			{body: `5`, status: 400, answer: "invalid request body: it should be an object"},
			{body: ``, status: 400, answer: "invalid request body: empty request body"},
		}},
		{"references are not looked up", []step{
			{body: `{"routes":[{"id":"r1","service_id":"s","uri":"/a","upstream_id":"none"}]}`, status: 202, items: map[string]string{"routes/r1": `{"id":"r1","service_id":"s","uri":"/a","upstream_id":"none"}`}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, st := newHandler(t, nil)
			want := map[string]string{}
			for i, s := range tt.steps {
				digest := s.digest
				if digest == "" {
					digest = fmt.Sprint("step ", i)
				}
				headers := []string{"X-Digest: " + digest}
				if s.yaml {
					headers = append(headers, "Content-Type: application/yaml; charset=utf-8")
				}
				resp := call(h, "PUT", s.body, headers...)
				answer := ""
				if s.answer != "" {
					answer = `{"error_msg":` + quote(s.answer) + "}\n"
				}
				if got := text(t, resp); resp.StatusCode != s.status || got != answer {
					t.Errorf("step %d: got %d %s, want %d %s", i, resp.StatusCode, got, s.status, answer)
				}
				if s.status == 202 && (resp.Header.Get("X-Digest") != digest || resp.Header.Get("X-Last-Modified") != "1700000000") {
					t.Errorf("step %d: got header %v", i, resp.Header)
				}
				if s.items != nil {
					want = s.items
				}
				if diff := cmp.Diff(want, st.values(t)); diff != "" {
					t.Errorf("step %d: items (-want +got):\n%s", i, diff)
				}
			}
		})
	}
}

func quote(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s)
	return strings.TrimSuffix(b.String(), "\n")
}

func TestWithoutDigest(t *testing.T) {
	h, st := newHandler(t, nil)
	resp := call(h, "PUT", `{}`)
	if got, want := text(t, resp), `{"error_msg":"missing digest header"}`+"\n"; resp.StatusCode != 400 || got != want || st.steps != 0 {
		t.Errorf("got %d %s after %d steps, want 400 %s", resp.StatusCode, got, st.steps, want)
	}
	if resp := call(h, "PUT", `{}`, "X-Digest: "); resp.StatusCode != 202 {
		t.Errorf("an empty digest: got %d, want 202", resp.StatusCode)
	}
	if resp := call(h, "PUT", `{}`, "X-Digest: "); resp.StatusCode != 204 {
		t.Errorf("an empty digest again: got %d, want 204", resp.StatusCode)
	}
}

func TestGet(t *testing.T) {
	h, _ := newHandler(t, nil)
	versions := func(n int, but map[string]string) string {
		var parts []string
		for _, kind := range []string{
			"consumer_groups", "consumers", "global_rules", "plugin_configs", "plugin_metadata", "plugins", "protos", "routes", "secrets",
			"services", "ssls", "stream_routes", "upstreams",
		} {
			part := fmt.Sprintf(`"%s_conf_version":%d`, kind, n)
			if other, ok := but[kind]; ok {
				part = other
			}
			parts = append(parts, part)
		}
		return strings.Join(parts, ",")
	}
	resp := call(h, "GET", "")
	if got, want := text(t, resp), "{"+versions(0, nil)+"}"; resp.StatusCode != 200 || got != want {
		t.Errorf("before there is a document: got %d %s, want 200 %s", resp.StatusCode, got, want)
	}
	if resp := call(h, "HEAD", ""); resp.StatusCode != 200 || resp.Header["X-Digest"] != nil || resp.Header["X-Last-Modified"] != nil {
		t.Errorf("before there is a document: got %d %v", resp.StatusCode, resp.Header)
	}

	const given = `{"id":"r1","service_id":"s","uri":"/a","modifiedIndex":3,"upstream":{"nodes":[],"type":"roundrobin"}}`
	if resp := call(h, "PUT", `{"routes_conf_version":15,"routes":[`+given+`]}`, "X-Digest: a\"b"); resp.StatusCode != 202 {
		t.Fatalf("got %d %s", resp.StatusCode, text(t, resp))
	}
	resp = call(h, "GET", "")
	want := `{"X-Digest":"a\"b","X-Last-Modified":1700000000,` + versions(1, map[string]string{"routes": `"routes":[` + given + `],"routes_conf_version":15`}) + "}"
	if diff := cmp.Diff(want, text(t, resp)); diff != "" {
		t.Errorf("document (-want +got):\n%s", diff)
	}
	for _, r := range []*http.Response{resp, call(h, "HEAD", ""), call(h, "GET", "", "Accept: application/yaml")} {
		if r.StatusCode != 200 || r.Header.Get("X-Digest") != `a"b` || r.Header.Get("X-Last-Modified") != "1700000000" {
			t.Errorf("got %d %v", r.StatusCode, r.Header)
		}
	}
	resp = call(h, "GET", "", "Accept: application/yaml")
	got := text(t, resp)
	if kind := resp.Header.Get("Content-Type"); kind != "application/yaml" || !strings.Contains(got, "routes:\n  - id: r1\n    service_id: s\n    uri: /a\n    modifiedIndex: 3\n") {
		t.Errorf("got %s:\n%s", kind, got)
	}
	if resp := call(h, "PUT", got, "Content-Type: application/yaml", "X-Digest: c"); resp.StatusCode != 202 {
		t.Errorf("the document that was read: got %d %s, want 202", resp.StatusCode, text(t, resp))
	}
}

func TestOtherMethods(t *testing.T) {
	h, _ := newHandler(t, nil)
	for _, method := range []string{"POST", "PATCH", "DELETE", "OPTIONS"} {
		if resp := call(h, method, `{}`, "X-Digest: a"); resp.StatusCode != 404 {
			t.Errorf("%s: got %d, want 404", method, resp.StatusCode)
		}
	}
}

func TestLimit(t *testing.T) {
	h, st := newHandler(t, func(o *standalone.Options) { o.MaxBody = 10 })
	resp := call(h, "PUT", `{"a":"bcdefgh"}`, "X-Digest: a")
	if got := text(t, resp); resp.StatusCode != 400 || !strings.Contains(got, "too large") || st.steps != 0 {
		t.Errorf("got %d %s, want 400 and why", resp.StatusCode, got)
	}
}

func TestTry(t *testing.T) {
	var tried []string
	h, st := newHandler(t, func(o *standalone.Options) {
		o.Try = func(kind, id string, value []byte) error {
			tried = append(tried, kind+" "+id+" "+string(value))
			if id == "bad" {
				return errors.New("it cannot be served")
			}
			return nil
		}
	})
	put := func(digest, body string, status int) {
		t.Helper()
		if resp := call(h, "PUT", body, "X-Digest: "+digest); resp.StatusCode != status {
			t.Errorf("%s: got %d %s, want %d", digest, resp.StatusCode, text(t, resp), status)
		}
	}
	put("a", `{"routes":[{"id":"1","service_id":"s","uri":"/a"}],"plugins":[{"name":"a"}]}`, 202)
	put("b", `{"routes":[{"id":"1","service_id":"s","uri":"/a"},{"id":"bad","service_id":"s","uri":"/b"}]}`, 400)
	put("c", `{"routes":[{"id":"1","service_id":"s","uri":"/c","modifiedIndex":5}]}`, 202)
	put("d", `{"routes":[{"id":"1","service_id":"s","uri":"/d","modifiedIndex":5}]}`, 202)
	want := []string{`routes 1 {"id":"1","service_id":"s","uri":"/a"}`, `routes bad {"id":"bad","service_id":"s","uri":"/b"}`, `routes 1 {"id":"1","service_id":"s","uri":"/c"}`}
	if diff := cmp.Diff(want, tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
	if st.steps != 3 {
		t.Errorf("got %d steps, want 3", st.steps)
	}
}

func TestUnchangedItemsKeepTheirRevisions(t *testing.T) {
	h, st := newHandler(t, nil)
	revisions := func() map[string]int64 {
		items, _, err := st.List(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int64{}
		for _, it := range items {
			out[it.Key] = it.ModRev
		}
		return out
	}
	call(h, "PUT", `{"routes":[`+route1+`,`+route2+`]}`, "X-Digest: a")
	before := revisions()
	call(h, "PUT", `{"routes":[{"id":"r2","service_id":"s","uri":"/new"},`+route1+`]}`, "X-Digest: b")
	after := revisions()
	if after["routes/r1"] != before["routes/r1"] || after["routes/r2"] <= before["routes/r2"] {
		t.Errorf("got revisions %v after %v", after, before)
	}
}

// TestHammer lets clients replace and read the document at once: what is read is always one of those that were written.
func TestHammer(t *testing.T) {
	h, st := newHandler(t, nil)
	var wg sync.WaitGroup
	for c := range 4 {
		wg.Go(func() {
			for i := range 30 {
				name := fmt.Sprintf("%d-%d", c, i)
				body := fmt.Sprintf(`{"routes":[{"id":"a","service_id":"s","uri":%q}],"services":[{"id":"a","name":%q}]}`, "/"+name, name)
				if resp := call(h, "PUT", body, "X-Digest: "+name); resp.StatusCode != 202 {
					t.Errorf("got %d, want 202", resp.StatusCode)
				}
				var doc struct {
					Digest   string              `json:"X-Digest"`
					Services []map[string]string `json:"services"`
				}
				if err := json.NewDecoder(call(h, "GET", "").Body).Decode(&doc); err != nil || len(doc.Services) != 1 || doc.Services[0]["name"] != doc.Digest {
					t.Errorf("got %+v, %v", doc, err)
				}
			}
		})
	}
	wg.Wait()
	var doc struct {
		Routes json.RawMessage `json:"routes"`
	}
	if err := json.NewDecoder(call(h, "GET", "").Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if got := "[" + st.values(t)["routes/a"] + "]"; got != string(doc.Routes) {
		t.Errorf("in service is %s, the document says %s", got, doc.Routes)
	}
}

func TestNewRefuses(t *testing.T) {
	if _, err := standalone.New(standalone.Options{}); err == nil {
		t.Error("got no error without a store and a catalog")
	}
}

func FuzzPut(f *testing.F) {
	for _, body := range []string{
		`{"routes":[{"id":1}],"routes_conf_version":1e300}`, `{"routes":[{"id":"a","modifiedIndex":1e5,"modifiedIndex":[]}]}`, `{"plugins":[1,null]}`,
		"routes:\n- &a {id: 1}\n- *a", `{"consumers":[{"username":"a","id":null},{"id":"a/credentials/b"}]}`, `[[]]`, `{"secrets":[{"id":"vault"}]}`,
	} {
		f.Add(body, false)
		f.Add(body, true)
	}
	h, st := newHandler(f, nil)
	n := 0
	f.Fuzz(func(t *testing.T, body string, isYAML bool) {
		n++
		headers := []string{fmt.Sprint("X-Digest: ", n)}
		if isYAML {
			headers = append(headers, "Content-Type: application/yaml")
		}
		resp := call(h, "PUT", body, headers...)
		if answer := text(t, resp); resp.StatusCode != 202 && (resp.StatusCode != 400 || !json.Valid([]byte(answer))) {
			t.Errorf("%q: got %d %s", body, resp.StatusCode, answer)
		}
		if document := text(t, call(h, "GET", "")); !json.Valid([]byte(document)) {
			t.Errorf("%q: the document is %q", body, document)
		}
		for key, value := range st.values(t) {
			if !json.Valid([]byte(value)) {
				t.Errorf("%q: %s is %q", body, key, value)
			}
		}
	})
}

// BenchmarkPut replaces a document of 20,000 routes by one with another route changed.
func BenchmarkPut(b *testing.B) {
	const n = 20_000
	document := func(changed int) string {
		list := make([]string, n)
		for i := range list {
			uri := fmt.Sprintf("/path/%d", i)
			if i == changed {
				uri += "/changed"
			}
			list[i] = fmt.Sprintf(`{"id":"%d","uri":%q,"plugins":{"limit-count":{"count":10,"time_window":60,"key":"remote_addr"}},%s}`, i, uri, nodes)
		}
		return `{"routes":[` + strings.Join(list, ",") + `]}`
	}
	h, _ := newHandler(b, nil)
	call(h, "PUT", document(0), "X-Digest: first")
	bodies := []string{document(1), document(2)}
	b.SetBytes(int64(len(bodies[0])))
	for i := 0; b.Loop(); i++ {
		if resp := call(h, "PUT", bodies[i%2], fmt.Sprint("X-Digest: ", i)); resp.StatusCode != 202 {
			b.Fatal(resp.StatusCode)
		}
	}
}
