package remote_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/declare"
	"github.com/polygate/polygate/core/declare/remote"
)

func client(t *testing.T, handler http.HandlerFunc, retry time.Duration) *remote.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := remote.New(remote.Options{URL: server.URL, Key: "secret", Retry: retry, HTTP: server.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAll(t *testing.T) {
	const routes = 1234
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-API-KEY") != "secret" {
			t.Errorf("key: got %q, want the one that was given", r.Header.Get("X-API-KEY"))
		}
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		size, _ := strconv.Atoi(r.URL.Query().Get("page_size"))
		var list []string
		switch strings.TrimPrefix(r.URL.Path, "/apisix/admin/") {
		case "routes":
			for i := (page - 1) * size; i < min(page*size, routes); i++ {
				list = append(list, fmt.Sprintf(`{"key":"/apisix/routes/%d","value":{"id":"%d","uri":"/a","create_time":1},"modifiedIndex":%d}`, i, i, i+10))
			}
		case "consumers":
			// APISIX lists what belongs to a consumer beside it.
			list = []string{`{"key":"/x/consumers/jack","value":{"username":"jack"}}`, `{"key":"/x/consumers/jack/credentials/c","value":{"id":"c"}}`}
		case "consumers/jack/credentials":
			list = []string{`{"key":"/x/consumers/jack/credentials/c","value":{"id":"c","plugins":{}}}`}
		case "secrets":
			list = []string{`{"key":"/x/secrets/vault/1","value":{"id":"vault/1","uri":"u"}}`}
		case "stream_routes":
			w.WriteHeader(http.StatusBadRequest)
			return
		default:
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprintf(w, `{"total":%d,"list":[%s]}`, routes, strings.Join(list, ","))
	}, 0)
	items, err := c.All(t.Context(), 4)
	if err != nil {
		t.Fatal(err)
	}
	if len(items) != routes+3 {
		t.Fatalf("got %d items, want %d", len(items), routes+3)
	}
	var got []string
	for _, it := range append(items[:2:2], items[len(items)-2:]...) {
		got = append(got, fmt.Sprintf("%s %d %s", it.Key, it.Revision, it.Text()))
	}
	want := []string{`secrets/vault/1 0 {"uri":"u"}`, `routes/0 10 {"uri":"/a"}`, `consumers/jack 0 {"username":"jack"}`, `consumers/jack/credentials/c 0 {"plugins":{}}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   string // in the error of a write; empty: there is none
		is     error
	}{
		{"created", 201, `{}`, "", nil},
		{"refused", 400, `{"error_msg":"invalid configuration: x"}`, "routes/1: the Admin API answered 400: invalid configuration: x", declare.ErrRefused},
		{"no such thing", 404, `{"message":"Key not found"}`, "404: Key not found", declare.ErrNotFound},
		{"no key", 401, `{"error_msg":"failed to check token","description":"missing apikey"}`, "401: failed to check token: missing apikey; give the key", nil},
		{"not allowed", 403, `<html>`, "403: <html>; this address may not use the Admin API", nil},
		{"away", 503, `{"error_msg":"no store"}`, "503: no store", nil},
		{"elsewhere", 302, "", "the Admin API answered 302", nil},
		{"something else", 500, strings.Repeat("x", 1000), strings.Repeat("x", 200) + "…", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := client(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/apisix/admin/routes/1" {
					t.Errorf("path: got %q: a redirect was followed", r.URL.Path)
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}, 0)
			err := c.Put(t.Context(), "routes/1", map[string]any{})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, want one that is %v", err, tt.is)
			}
		})
	}
}

func TestRetry(t *testing.T) {
	var asked atomic.Int32
	c := client(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `{"modifiedIndex":7}`)
	}, time.Minute)
	got, err := c.Revision(t.Context(), "routes/1")
	if got != 7 || err != nil || asked.Load() != 3 {
		t.Errorf("got %d, %v after %d requests, want 7 after 3", got, err, asked.Load())
	}
}

func TestPathsAreEscaped(t *testing.T) {
	c := client(t, func(_ http.ResponseWriter, r *http.Request) {
		if got, want := r.URL.EscapedPath(), "/apisix/admin/routes/a%3Fforce=true%23"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}, 0)
	if err := c.Delete(t.Context(), "routes/a?force=true#"); err != nil {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	requests := 0
	c := client(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		var doc map[string][]map[string]any
		if err := json.NewDecoder(r.Body).Decode(&doc); err != nil {
			t.Error(err)
		}
		for i, route := range doc["routes"] {
			if route["id"] == "bad" {
				w.WriteHeader(http.StatusBadRequest)
				_, _ = fmt.Fprintf(w, `{"error_msg":"Configuration validation failed","errors":[{"resource_type":"routes","resource_id":"bad","index":%d,"error":"no"}]}`, i)
				return
			}
		}
		_, _ = io.WriteString(w, `{}`)
	}, 0)
	var items []declare.Item
	for i := range 40 {
		items = append(items, item(t, fmt.Sprintf("routes/%d", i), strings.Repeat("x", 100_000)))
	}
	items = append(items, item(t, "routes/bad", "x"))
	refused, known, err := c.Validate(t.Context(), items)
	if err != nil || !known || len(refused) != 1 || refused[0].Item.Key != "routes/bad" || refused[0].Text != "no" {
		t.Errorf("got %v, %v, %v, want one refusal", refused, known, err)
	}
	if requests != 4 {
		t.Errorf("got %d requests, want 4 of at most 1 MiB", requests)
	}
	old := client(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, 0)
	if _, known, err := old.Validate(t.Context(), items); known || err != nil {
		t.Errorf("a gateway that cannot validate: got %v, %v, want false and no error", known, err)
	}
}

func item(t *testing.T, key, desc string) declare.Item {
	t.Helper()
	it, ok := declare.NewItem(key, map[string]any{"desc": desc})
	if !ok {
		t.Fatalf("%s is no key", key)
	}
	return it
}

func TestControl(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"ready":true,"revision":%d,"rejected":[{"key":"routes/1","reason":"bad"}]}`, 5+asked.Add(1))
	}))
	defer server.Close()
	c, err := remote.NewControl(server.URL, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	rejected, err := c.Await(t.Context(), 8)
	if err != nil || rejected["routes/1"] != "bad" || asked.Load() != 3 {
		t.Errorf("got %v, %v after %d requests, want one rejection after 3", rejected, err, asked.Load())
	}
	for _, address := range []string{"", "127.0.0.1:9180", "ftp://a"} {
		if _, err := remote.NewControl(address, nil); err == nil {
			t.Errorf("control %q: got no error, want one", address)
		}
		if _, err := remote.New(remote.Options{URL: address}); err == nil {
			t.Errorf("admin %q: got no error, want one", address)
		}
	}
}
