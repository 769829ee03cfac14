package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store"
)

// keysOf returns the total of a list and its keys without the common beginning.
func keysOf(t *testing.T, body string) (int, []string) {
	t.Helper()
	var got struct {
		Total int
		List  []struct{ Key string }
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	var keys []string
	for _, item := range got.List {
		keys = append(keys, strings.TrimPrefix(item.Key, "/apisix/routes/"))
	}
	return got.Total, keys
}

func TestFilters(t *testing.T) {
	w := newWorld(t, nil)
	w.put("services/s1", `{}`)
	w.put("upstreams/1", `{"nodes":{"a:1":1}}`)
	w.put("routes/c", `{"uri":"/c","name":"gamma","service_id":"s1","upstream_id":1}`)
	w.put("routes/a", `{"uris":["/a","/b/*"],"name":"alpha","labels":{"env":"prod"},"service_id":"s1"}`)
	w.put("routes/b", `{"uri":"/b","labels":{"team":"x"},"plugins":{"low":{}}}`)
	if _, err := w.store.Put(t.Context(), "routes/z", []byte(`broken`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, query string
		total       int
		want        []string
	}{
		{"none", "", 4, []string{"a", "b", "c", "z"}},
		{"name", "?name=^(al|ga)", 2, []string{"a", "c"}},
		{"name is absent", "?name=.*", 2, []string{"a", "c"}},
		{"broken pattern", "?name=(", 0, nil},
		{"label", "?label=env", 1, []string{"a"}},
		{"label without a name", "?label=", 0, nil},
		{"label is a key, not a value", "?label=prod", 0, nil},
		{"uri", "?uri=/b", 2, []string{"a", "b"}},
		{"uri at the end", "?uri=/b$", 1, []string{"b"}},
		{"together", "?uri=/b&label=env", 1, []string{"a"}},
		{"filter", "?filter=service_id%3Ds1", 2, []string{"a", "c"}},
		{"two filters", "?filter=service_id%3Ds1%26upstream_id%3D1", 1, []string{"c"}},
		{"unknown filter", "?filter=name%3Dalpha", 4, []string{"a", "b", "c", "z"}},
		{"page", "?page=1&page_size=10", 4, []string{"c", "a", "b", "z"}},
		{"page of a filter", "?page=1&page_size=10&label=env", 1, []string{"a"}},
		{"page behind the end", "?page=2&page_size=10", 4, nil},
		{"page far behind the end", "?page=1e300&page_size=10", 4, nil},
		{"page before the beginning", "?page=-3&page_size=10", 4, []string{"c", "a", "b", "z"}},
		{"no page", "?page_size=10", 4, []string{"a", "b", "c", "z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do("GET", "/apisix/admin/routes"+tt.query, "")
			total, keys := keysOf(t, rec.Body.String())
			if diff := cmp.Diff(tt.want, keys); diff != "" || total != tt.total {
				t.Errorf("got %d of %d %v, want %v", len(keys), total, keys, tt.want)
			}
		})
	}
	for _, size := range []string{"9", "501", "NaN"} {
		rec := w.do("GET", "/apisix/admin/routes?page=1&page_size="+size, "")
		if rec.Code != 400 || rec.Body.String() != "page_size must be between 10 and 500" {
			t.Errorf("page_size %s: got %d %s, want 400", size, rec.Code, rec.Body)
		}
	}
}

func TestPages(t *testing.T) {
	w := newWorld(t, nil)
	var want []string
	for i := range 25 {
		id := fmt.Sprint(100 - i)
		w.put("routes/"+id, `{"uri":"/a",`+upstream+`}`)
		want = append(want, id)
	}
	var got []string
	for page := 1; page <= 3; page++ {
		total, keys := keysOf(t, w.do("GET", fmt.Sprintf("/apisix/admin/routes?page=%d&page_size=10", page), "").Body.String())
		if total != 25 {
			t.Errorf("got total %d, want 25", total)
		}
		got = append(got, keys...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages in order of creation (-want +got):\n%s", diff)
	}
}

func TestSecrets(t *testing.T) {
	certPEM, keyPEM := certificate(t)
	w := newWorld(t, nil)
	ssl, err := json.Marshal(map[string]string{"cert": certPEM, "key": keyPEM, "sni": "a.com"})
	if err != nil {
		t.Fatal(err)
	}
	plugins := `"plugins":{"high":{"token":"s3","auth":{"tokens":["s3","s3"],"user":"u"},"list":[{"secret":"s3","n":1}]}}`
	for path, body := range map[string]string{
		"ssls/1": string(ssl), "routes/1": `{"uri":"/a",` + plugins + `}`, "plugin_metadata/high": `{"token":"s3"}`,
		"consumers/jack": `{"username":"jack","plugins":{"key-auth":{"key":"s3"}}}`,
	} {
		w.put(path, body)
	}
	stranger := `{"uri":"/a","plugins":{"gone":{"x":"s3"}},"upstream":{"tls":{"client_key":` + quoted(t, keyPEM) + `}}}`
	if _, err := w.store.Put(t.Context(), "routes/2", []byte(stranger), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"ssls", "routes", "consumers", "plugin_metadata", "ssls/1", "routes/1", "routes/2", "consumers/jack"} {
		for _, key := range []string{adminKey, viewerKey} {
			got := w.do("GET", "/apisix/admin/"+path, "", "X-API-KEY", key).Body.String()
			if key == viewerKey && (strings.Contains(got, "s3") || strings.Contains(got, "PRIVATE KEY")) {
				t.Errorf("%s for a viewer: got %s", path, got)
			}
			if strings.HasPrefix(path, "ssls") && (strings.Contains(got, "PRIVATE KEY") || !strings.Contains(got, "CERTIFICATE")) {
				t.Errorf("%s: got %s, want the certificate alone", path, got)
			}
		}
	}
	want := `"plugins":{"high":{"token":"***","auth":{"tokens":["***","***"],"user":"u"},"list":[{"secret":"***","n":1}]}}`
	if got := w.do("GET", "/apisix/admin/routes/1", "", "X-API-KEY", viewerKey).Body.String(); !strings.Contains(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := w.do("GET", "/apisix/admin/routes/1", "").Body.String(); !strings.Contains(got, plugins) {
		t.Errorf("got %s, want %s", got, plugins)
	}
	got := w.do("PATCH", "/apisix/admin/ssls/1", `{"sni":"b.com"}`)
	if got.Code != 200 || strings.Contains(got.Body.String(), "PRIVATE KEY") {
		t.Errorf("got %d %s, want no private key", got.Code, got.Body)
	}
	item, err := w.store.Get(t.Context(), "ssls/1")
	if err != nil || !strings.Contains(string(item.Value), "PRIVATE KEY") {
		t.Errorf("got %s, %v, want the private key in the store", item.Value, err)
	}
}

func quoted(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func certificate(t *testing.T) (certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func TestSchemas(t *testing.T) {
	w := newWorld(t, nil)
	w.run([]step{
		{"GET", "/plugins/list", "", 200, `["serverless-pre-function","high","key-auth","traffic-split","low"]`},
		{"GET", "/plugins/list?subsystem=stream", "", 200, `[]`},
		{"GET", "/plugins/list?subsystem=x", "", 400, `invalid subsystem passed`},
		{"GET", "/plugins/nothing", "", 404, `{"error_msg":"plugin not found in subsystem http"}`},
		{"GET", "/plugins/low?subsystem=stream", "", 404, `{"error_msg":"plugin not found in subsystem stream"}`},
		{"GET", "/plugins/low?subsystem=x", "", 400, `{"error_msg":"unsupported subsystem: x"}`},
		{"GET", "/plugins/low?schema_type=consumer", "", 400, `{"error_msg":"not found schema"}`},
		{"GET", "/plugins/key-auth?schema_type=consumer", "", 200, `{"type":"object","properties":{"key":{"type":"string"}},"required":["key"]}`},
		{"GET", "/schema/nothing", "", 400, `{"error_msg":"not found schema: nothing"}`},
		{"GET", "/plugins", "", 404, `{"error_msg":"plugin not found in subsystem http"}`},
		{"GET", "/plugins?all=true&subsystem=stream", "", 200, `{}`},
		{"PUT", "/plugins/low", "{}", 404, `{"error_msg":"not found"}`},
		{"DELETE", "/schema/route", "", 404, `{"error_msg":"not found"}`},
		{"POST", "/schema/validate/routes", `{"uri":"/a",` + upstream + `}`, 200, ``},
		{"POST", "/schema/validate/routes", `{"uri":666,` + upstream + `}`, 400, `{"error_msg":"property \"uri\" validation failed: wrong type: expected string, got number"}`},
		{"POST", "/schema/validate/routes", `{`, 400, `{"error_msg":"invalid request body: Expected object key string but found T_END at character 2","req_body":"{"}`},
		{"POST", "/schema/validate/routes", ``, 400, `{"error_msg":"wrong type: expected object, got nil"}`},
		{"POST", "/schema/validate/nothing", `{}`, 404, `{"error_msg":"Unsupported resource type: nothing"}`},
	})
	for _, path := range []string{"schema/route", "schema/service", "schema/upstream", "schema/consumer", "schema/ssl", "schema/global_rule", "schema/plugin_config", "schema/plugins",
		"schema/consumer_group", "schema/proto", "schema/stream_route", "schema/credential", "schema/graphql_cost_decoration"} {
		rec := w.do("GET", "/apisix/admin/"+path, "")
		if rec.Code != 200 || !json.Valid(rec.Body.Bytes()) || !strings.Contains(rec.Body.String(), `"type"`) {
			t.Errorf("%s: got %d %s", path, rec.Code, rec.Body)
		}
	}
	for _, path := range []string{"schema/plugins/low", "plugins/low"} {
		got := w.do("GET", "/apisix/admin/"+path, "").Body.String()
		if !strings.Contains(got, `"default":5`) || !strings.Contains(got, `"_meta"`) {
			t.Errorf("%s: got %s", path, got)
		}
	}
	var all map[string]map[string]any
	if err := json.Unmarshal(w.do("GET", "/apisix/admin/plugins?all=true", "").Body.Bytes(), &all); err != nil {
		t.Fatal(err)
	}
	if got := all["key-auth"]; got["priority"] != 2500.0 || got["type"] != "auth" || got["consumer_schema"] == nil || got["version"] != "0.2" {
		t.Errorf("got %v", got)
	}
}

func TestBodyLimit(t *testing.T) {
	w := newWorld(t, nil)
	tests := []struct {
		name, body, want string
	}{
		{"too large", strings.Repeat(" ", MaxBody+1), "invalid request body: request size 1572865 is greater than the maximum size 1572864 allowed"},
		{"deep", strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), "invalid request body: nested more than 100 levels deep"},
		{"NaN", `{"a":NaN}`, "invalid request body: invalid character"},
		{"1e999", `{"a":1e999}`, "invalid request body: number out of range"},
		{"not UTF-8", "{\"a\":\"\xff\"}", "invalid request body: not valid UTF-8"},
		{"unknown field", `{"uri":"/a","unknown":1,` + upstream + `}`, "additional properties forbidden, found unknown"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do("PUT", "/apisix/admin/routes/1", tt.body)
			if rec.Code != 400 || !strings.Contains(rec.Body.String(), tt.want) {
				t.Errorf("got %d %.200s, want 400 %s", rec.Code, rec.Body, tt.want)
			}
		})
	}
}
