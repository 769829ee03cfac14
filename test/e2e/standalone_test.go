package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestStandalone configures a gateway without a store as ADC and the ingress controller do: the whole configuration in one document.
func TestStandalone(t *testing.T) {
	g := newGateway(t, map[string]any{"role_traditional": map[string]any{"config_provider": "yaml"}})
	const (
		first  = `{"routes":[{"id":"r","uri":"/r","plugins":{"mocking":{"response_example":"first"}},"modifiedIndex":10}],"routes_conf_version":100}`
		second = `{"routes":[{"id":"r","uri":"/r","plugins":{"mocking":{"response_example":"second"}},"modifiedIndex":11}],"routes_conf_version":101,
			"consumers":[{"username":"jack"},{"id":"jack/credentials/c","plugins":{"key-auth":{"key":"k"}}}]}`
		yaml = "routes:\n  - id: r\n    uri: /r\n    plugins:\n      mocking:\n        response_example: third\nroutes_conf_version: 102\n"
	)
	for _, tt := range []struct {
		name, method, path, body string
		header                   http.Header
		status                   int
		want                     string // contained in the answer
		digest                   string // of the answer
		served                   string // by the route afterwards
	}{
		{name: "no document yet", method: "HEAD", path: "/configs", status: 200},
		{name: "no digest", method: "PUT", path: "/configs", body: first, status: 400, want: `{"error_msg":"missing digest header"}`},
		{name: "first", method: "PUT", path: "/configs", body: first, header: digest("a"), status: 202, digest: "a", served: "first"},
		{name: "the same again", method: "PUT", path: "/configs", body: first, header: digest("a"), status: 204, served: "first"},
		{name: "second", method: "PUT", path: "/configs", body: second, header: digest("b"), status: 202, digest: "b", served: "second"},
		{
			name: "an older version", method: "PUT", path: "/configs", body: first, header: digest("c"), status: 400,
			want: "routes_conf_version must be greater than or equal to (101)", served: "second",
		},
		{
			name: "a mistake", method: "PUT", path: "/configs", body: `{"routes":[{"id":"r","uri":1}],"routes_conf_version":102}`,
			header: digest("d"), status: 400, want: `property \"uri\" validation failed`, served: "second",
		},
		{name: "as JSON", method: "GET", path: "/configs", status: 200, want: `"routes_conf_version":101`, digest: "b"},
		{
			name: "as YAML", method: "GET", path: "/configs", header: http.Header{"Accept": {"application/yaml"}}, status: 200,
			want: "routes_conf_version: 101", digest: "b",
		},
		{
			name: "from YAML", method: "PUT", path: "/configs", body: yaml, status: 202, digest: "e", served: "third",
			header: http.Header{"X-Digest": {"e"}, "Content-Type": {"application/yaml"}},
		},
		{name: "validation", method: "POST", path: "/configs/validate", body: second, status: 200, want: "{}"},
		{name: "a single resource", method: "PUT", path: "/routes/q", body: `{"uri":"/q"}`, status: 404, served: "third"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := g.call(tt.method, tt.path, tt.body, tt.header)
			if got.status != tt.status || !strings.Contains(got.body, tt.want) || got.header.Get("X-Digest") != tt.digest {
				t.Errorf("got %d %s with digest %q, want %d %s with %q", got.status, got.body, got.header.Get("X-Digest"), tt.status, tt.want, tt.digest)
			}
			if tt.digest != "" && got.header.Get("X-Last-Modified") == "" {
				t.Error("the answer has no X-Last-Modified")
			}
			if tt.served == "" {
				return
			}
			poll(t, "the route", func() error {
				if served := g.get(http.DefaultClient, "http://"+g.data+"/r", nil); strings.TrimSpace(served.body) != tt.served {
					return fmt.Errorf("got %d %s, want %s", served.status, served.body, tt.served)
				}
				return nil
			})
		})
	}
}

func digest(d string) http.Header { return http.Header{"X-Digest": {d}} }
