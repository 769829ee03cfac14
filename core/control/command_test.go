package control

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestCommands(t *testing.T) {
	reloads := 0
	tests := []struct {
		name, method, path string
		reload             func() error
		status             int
		media, want        string
	}{
		{"gc", "POST", "/v1/gc", nil, 200, "", ""},
		{"reload", "PUT", "/v1/plugins/reload", func() error { reloads++; return nil }, 200, "text/plain", "done"},
		{"nothing to reload", "PUT", "/v1/plugins/reload", nil, 200, "text/plain", "done"},
		{"reload fails", "PUT", "/v1/plugins/reload", func() error { return errors.New("no") }, 503, "application/json", `{"error_msg":"no"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(t)
			o.Reload = tt.reload
			rec := httptest.NewRecorder()
			New(o).ServeHTTP(rec, httptest.NewRequest(tt.method, tt.path, nil))
			got := strings.TrimSuffix(rec.Body.String(), "\n")
			if media := rec.Header().Get("Content-Type"); rec.Code != tt.status || got != tt.want || media != tt.media {
				t.Errorf("got %d %s %q, want %d %s %q", rec.Code, media, got, tt.status, tt.media, tt.want)
			}
		})
	}
	if reloads != 1 {
		t.Errorf("got %d reloads, want 1", reloads)
	}
}

func TestCollectionsAtTheSameTime(t *testing.T) {
	h := New(testOptions(t))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if status, _ := get(h, "POST", "/v1/gc"); status != 200 {
				t.Errorf("got %d, want 200", status)
			}
		})
	}
	wg.Wait()
}

func TestGuard(t *testing.T) {
	loopback, other := net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)
	tests := []struct {
		name   string
		local  net.IP
		host   string
		header map[string]string
		status int
	}{
		{"an address", loopback, "127.0.0.1:9090", nil, 200},
		{"an IPv6 address", loopback, "[::1]:9090", nil, 200},
		{"localhost", loopback, "LocalHost.:9090", nil, 200},
		{"below localhost", loopback, "a.localhost", nil, 200},
		{"no host", loopback, "", nil, 200},
		{"a name that points to a loopback address", loopback, "evil.example:9090", nil, 403},
		{"a name elsewhere", other, "gateway.example:9090", nil, 200},
		{"another site", other, "gateway.example", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another origin", loopback, "127.0.0.1:9090", map[string]string{"Origin": "http://evil.example"}, 403},
		{"no origin", loopback, "127.0.0.1:9090", map[string]string{"Origin": "null"}, 403},
		{"its own origin", loopback, "127.0.0.1:9090", map[string]string{"Origin": "http://127.0.0.1:9090", "Sec-Fetch-Site": "same-origin"}, 200},
		{"typed in", loopback, "127.0.0.1:9090", map[string]string{"Sec-Fetch-Site": "none"}, 200},
	}
	h := New(testOptions(t))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/v1/sync", nil)
			r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: tt.local, Port: 9090}))
			r.Host = tt.host
			for name, value := range tt.header {
				r.Header.Set(name, value)
			}
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, r)
			if rec.Code != tt.status {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.status)
			}
		})
	}
}

func TestHealthPage(t *testing.T) {
	r := httptest.NewRequest("GET", "/v1/healthcheck/routes/c", nil)
	r.Header.Set("Accept", "text/html,*/*")
	rec := httptest.NewRecorder()
	New(testOptions(t)).ServeHTTP(rec, r)
	if got := rec.Header().Get("Content-Type"); got != "text/html" {
		t.Errorf("got %s, want text/html", got)
	}
	for _, want := range []string{"<td>/apisix/routes/c</td>", "<td>10.0.0.2:80</td>\n    <td>unhealthy</td>", `<tr bgcolor="#FF0000">`} {
		if !strings.Contains(rec.Body.String(), want) {
			t.Errorf("got %s\nwant it to have %s", rec.Body, want)
		}
	}
}

func TestEmptyLists(t *testing.T) {
	o := testOptions(t)
	o.Source = fakeSource{}
	h := New(o)
	for _, path := range []string{"routes", "services", "upstreams", "plugin_metadatas", "healthcheck"} {
		if status, got := get(h, "GET", "/v1/"+path); status != 200 || got != "{}" {
			t.Errorf("%s: got %d %s, want 200 {}", path, status, got)
		}
	}
}

func TestPrefix(t *testing.T) {
	tests := []struct{ name, prefix, want string }{
		{"none", "", `"key":"/apisix/routes/2"`},
		{"of a cluster", "/gw", `"key":"/gw/routes/2"`},
		{"of a file", "/", `"key":"/routes/2"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := testOptions(t)
			o.Prefix = tt.prefix
			if _, got := get(New(o), "GET", "/v1/route/2"); !strings.Contains(got, tt.want) {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}
