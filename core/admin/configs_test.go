package admin

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestValidateConfigs(t *testing.T) {
	const refused = `{"error_msg":"Configuration validation failed","errors":[`
	const short = `property \"uri\" validation failed: wrong type: expected string, got number`
	tests := []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"empty", "", `{}`, 200, `{}`},
		{"empty array", "", `[]`, 200, `{}`},
		{"valid", "", `{"routes":[{"id":"r1","uri":"/a",` + upstream + `}],"consumers":[{"username":"a"}],"other":1}`, 200, `{}`},
		{"references are not looked up", "", `{"routes":[{"uri":"/a","service_id":"none"}]}`, 200, `{}`},
		{"no body", "", ``, 400, `{"error_msg":"invalid request body: empty request body"}`},
		{"no JSON", "", `not json`, 400, `{"error_msg":"invalid request body: Expected value but found invalid token at character 1"}`},
		{"no object", "", `1`, 400, `{"error_msg":"invalid request body: expected object, got number"}`},
		{"all errors", "", `{"routes":[{"id":1,"uri":1},{"uri":2}]}`, 400, refused +
			`{"resource_type":"routes","resource_id":1,"index":0,"error":"invalid configuration: ` + short + `"},` +
			`{"resource_type":"routes","resource_id":"","index":1,"error":"invalid configuration: ` + short + `"}]}`},
		{"duplicates", "", `{"consumers":[{"username":"a"},{"username":"a"}]}`, 400, refused +
			`{"resource_type":"consumers","resource_id":"a","index":1,"error":"found duplicate username a in consumers"}]}`},
		{"versions and lists of a wrong type", "", `{"routes_conf_version":"1","routes":1,"services":{}}`, 400, refused +
			`{"resource_type":"routes","error":"routes_conf_version must be a number, got string"},` +
			`{"resource_type":"routes","error":"wrong type: expected array, got number"}]}`},
		{"taken credential", "", `{"consumers":[{"username":"a","plugins":{"key-auth":{"key":"taken"}}}]}`, 400, refused +
			`{"resource_type":"consumers","resource_id":"a","index":0,"error":"duplicate key of plugin key-auth found with consumer: jack"}]}`},
		{"YAML", "application/yaml", "routes:\n  - id: r1\n    uri: /a\n    plugins: {low: {n: 0x10}}\n", 200, `{}`},
		{"bad route in YAML", "application/yaml; charset=utf-8", "routes:\n- {id: 7, uri: 1}\n", 400, refused +
			`{"resource_type":"routes","resource_id":7,"index":0,"error":"invalid configuration: ` + short + `"}]}`},
		{"no YAML", "application/yaml", "a: [", 400, `{"error_msg":"invalid request body: invalid yaml request body"}`},
		{"a scalar in YAML", "application/yaml", "a", 400, `{"error_msg":"invalid request body: invalid yaml request body"}`},
	}
	w := newWorld(t, nil)
	w.put("consumers/jack", `{"username":"jack","plugins":{"key-auth":{"key":"taken"}}}`)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do("POST", "/apisix/admin/configs/validate", tt.body, "Content-Type", tt.kind)
			if got := rec.Body.String(); rec.Code != tt.status || got != tt.want+"\n" {
				t.Errorf("got %d %s, want %d %s", rec.Code, got, tt.status, tt.want)
			}
		})
	}
	if got := w.do("GET", "/apisix/admin/routes", "").Body.String(); got != `{"total":0,"list":[]}`+"\n" {
		t.Errorf("got %s, want nothing written", got)
	}
}

func TestValidateConfigsTries(t *testing.T) {
	var tried []string
	w := newWorld(t, func(o *Options) {
		o.Try = func(kind, id string, _ []byte) error {
			if tried = append(tried, kind+"/"+id); id == "bad" {
				return errors.New("cannot be served")
			}
			return nil
		}
	})
	rec := w.do("POST", "/apisix/admin/configs/validate",
		`{"routes":[{"id":"bad","uri":"/a",`+upstream+`},{"id":"worse"},{"uri":"/b",`+upstream+`}],`+
			`"consumers":[{"username":"jack"},{"id":"jack/credentials/c","plugins":{"key-auth":{"key":"k"}}}]}`)
	if got := rec.Body.String(); !strings.Contains(got, `{"resource_type":"routes","resource_id":"bad","index":0,"error":"cannot be served"}`) ||
		!strings.Contains(got, `"resource_id":"worse"`) || strings.Contains(got, `"consumers"`) {
		t.Errorf("got %d %s, want two bad routes", rec.Code, got)
	}
	want := []string{"routes/bad", "routes/", "consumers/jack", "credentials/jack/credentials/c"}
	if diff := cmp.Diff(want, tried); diff != "" {
		t.Errorf("tried (-want +got):\n%s", diff)
	}
}

func TestValidateConfigsStandalone(t *testing.T) {
	const doc = `{"routes":[{"id":"r","uri":"/a",` + upstream + `,"modifiedIndex":7}]}`
	for _, tt := range []struct {
		name    string
		configs http.Handler
		status  int
		tried   string // contained in what was tried; empty: nothing was
	}{
		{"with a store", nil, 400, ""},
		{"without a store", http.NotFoundHandler(), 200, `"uri":"/a"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var tried string
			w := newWorld(t, func(o *Options) {
				o.Configs = tt.configs
				o.Try = func(_, _ string, value []byte) error {
					tried = string(value)
					return nil
				}
			})
			if rec := w.do("POST", "/apisix/admin/configs/validate", doc); rec.Code != tt.status {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.status)
			}
			if (tried != "") != (tt.tried != "") || !strings.Contains(tried, tt.tried) || strings.Contains(tried, "modifiedIndex") {
				t.Errorf("tried: got %s, want %q without modifiedIndex", tried, tt.tried)
			}
		})
	}
}

func TestConfigs(t *testing.T) {
	w := newWorld(t, nil)
	w.run([]step{
		{"GET", "/configs", ``, 404, `{"error_msg":"Unsupported resource type: configs"}`},
		{"HEAD", "/configs", ``, 404, `{"error_msg":"not found"}`},
	})
	w = newWorld(t, func(o *Options) {
		o.Configs = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, r.Method+" "+r.URL.Path)
		})
	})
	w.run([]step{
		{"GET", "/configs", ``, 200, `GET /apisix/admin/configs`},
		{"PUT", "/configs", `{}`, 200, `PUT /apisix/admin/configs`},
		{"HEAD", "/configs", ``, 200, `HEAD /apisix/admin/configs`},
		{"POST", "/configs/validate", `{}`, 200, `{}`},
		{"PUT", "/routes/1", `{"uri":"/a",` + upstream + `}`, 404, `{"error_msg":"not found"}`},
		{"DELETE", "/routes/1", ``, 404, `{"error_msg":"not found"}`},
		{"GET", "/routes", ``, 200, `{"total":0,"list":[]}`},
		{"GET", "/plugins/list", ``, 200, `["serverless-pre-function","high","key-auth","traffic-split","low"]`},
	})
	if got := w.do("PUT", "/apisix/admin/configs", "{}", "X-API-KEY", viewerKey).Code; got != 401 {
		t.Errorf("a viewer: got %d, want 401", got)
	}
}

func TestReload(t *testing.T) {
	calls := 0
	w := newWorld(t, func(o *Options) {
		o.Reload = func() error {
			if calls++; calls > 1 {
				return errors.New("config.yaml is broken")
			}
			return nil
		}
	})
	w.run([]step{
		{"PUT", "/plugins/reload", ``, 200, `done`},
		{"PUT", "/plugins/reload", ``, 503, `{"error_msg":"reload plugins: config.yaml is broken"}`},
		{"GET", "/plugins/reload", ``, 405, `{"error_msg":"please use PUT method to reload the plugins, GET method is not allowed."}`},
		{"POST", "/plugins/reload", ``, 405, `{"error_msg":"please use PUT method to reload the plugins, POST method is not allowed."}`},
	})
	newWorld(t, nil).run([]step{{"PUT", "/plugins/reload", ``, 200, `done`}})
}

func TestVersionTwo(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Version = "default" })
	const rule = `{"key":"/apisix/global_rules/1","value":{"plugins":{"low":{}},"id":"1",`
	for _, s := range []struct{ method, path, body, begin, end string }{
		{"GET", "/routes", ``, `{"action":"get","node":{"dir":true,"key":"/apisix/routes","nodes":[]}}`, "}}\n"},
		{"PUT", "/global_rules/1", `{"plugins":{"low":{}}}`, `{"action":"set","node":` + rule, "}}}\n"},
		{"PATCH", "/global_rules/1", `{}`, `{"action":"compareAndSwap","node":` + rule, "}}}\n"},
		{"GET", "/global_rules/1", ``, `{"action":"get","node":` + rule, "}}}\n"},
		{"GET", "/global_rules?page=1&page_size=1", ``, `{"action":"get","node":{"dir":true,"key":"/apisix/global_rules","nodes":[` + rule, `"createdIndex":2,"modifiedIndex":3}]}}` + "\n"},
		{"POST", "/routes", `{"uri":"/a",` + upstream + `}`, `{"action":"create","node":{"key":"/apisix/routes/`, "}}}\n"},
		{"DELETE", "/global_rules/1", ``, `{"action":"delete","deleted":"1","key":"/apisix/global_rules/1","node":{}}`, "\n"},
		{"GET", "/global_rules/1", ``, noKey, "\n"},
	} {
		rec := w.do(s.method, "/apisix/admin"+s.path, s.body)
		got := rec.Body.String()
		if len(got) < len(s.begin) || got[:len(s.begin)] != s.begin || got[len(got)-len(s.end):] != s.end {
			t.Errorf("%s %s: got %s, want %s…%s", s.method, s.path, got, s.begin, s.end)
		}
		if got := rec.Header().Get("X-API-VERSION"); got != "v2" {
			t.Errorf("%s %s: got version %q, want v2", s.method, s.path, got)
		}
	}
	if _, err := New(Options{Store: w.store, Catalog: testCatalog(t), Version: "v4"}); err == nil {
		t.Error("version v4: got no error")
	}
}
