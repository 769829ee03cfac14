package admin

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/embedded"
)

// TestServer drives the API over a real connection, with bodies of unknown length and many clients.
func TestServer(t *testing.T) {
	w := newWorld(t, nil)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	do := func(method, path, body string) (int, string, error) {
		// A reader that is not one of the known ones makes the client send chunks.
		r, err := http.NewRequest(method, server.URL+"/apisix/admin/"+path, io.MultiReader(strings.NewReader(body)))
		if err != nil {
			return 0, "", err
		}
		r.Header.Set("X-API-KEY", adminKey)
		resp, err := server.Client().Do(r)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(data), err
	}
	code, got, err := do("PUT", "routes/1", strings.Repeat(" ", MaxBody+5))
	if err != nil || code != 400 || !strings.Contains(got, "is greater than the maximum size 1572864 allowed") {
		t.Errorf("got %d %s, %v, want 400", code, got, err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	keys := map[string]bool{}
	for range 4 {
		wg.Go(func() {
			for range 25 {
				code, got, err := do("POST", "routes", `{"uri":"/a",`+upstream+`}`)
				key, _, _ := strings.Cut(got, ",")
				mu.Lock()
				if keys[key] || err != nil || code != 201 {
					t.Errorf("got %d %s, %v, want 201 and a new id", code, got, err)
				}
				keys[key] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if _, got, err := do("GET", "routes", ""); err != nil || !strings.HasPrefix(got, `{"total":100,`) {
		t.Errorf("got %.80s, %v, want 100 routes", got, err)
	}
}

// TestEmbeddedStore is a life over the store that a gateway has by default.
func TestEmbeddedStore(t *testing.T) {
	db, err := embedded.Open(embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	w := newWorld(t, func(o *Options) { o.Store = db })
	for _, s := range []step{
		{"PUT", "routes/1", `{"uri":"/a",` + upstream + `}`, 201, `{"key":"/apisix/routes/1","value":{"uri":"/a"`},
		{"PUT", "routes/1", `{"uri":"/b",` + upstream + `}`, 200, `{"key":"/apisix/routes/1","value":{"uri":"/b"`},
		{"PATCH", "routes/1", `{"uri":"/c"}`, 200, `{"key":"/apisix/routes/1","value":{"uri":"/c"`},
		{"POST", "routes", `{"uri":"/d",` + upstream + `}`, 201, `{"key":"/apisix/routes/000000000000000000`},
		{"GET", "routes", ``, 200, `{"total":2,"list":[{"key":"/apisix/routes/000000000000000000`},
		{"DELETE", "routes/1", ``, 200, `{"deleted":"1","key":"/apisix/routes/1"}`},
		{"GET", "routes/1", ``, 404, noKey},
	} {
		rec := w.do(s.method, "/apisix/admin/"+s.path, s.body)
		if rec.Code != s.status || !strings.HasPrefix(rec.Body.String(), s.want) {
			t.Errorf("%s %s: got %d %s, want %d %s", s.method, s.path, rec.Code, rec.Body, s.status, s.want)
		}
	}
}

func BenchmarkList(b *testing.B) {
	w := newWorld(b, nil)
	for i := range 10_000 {
		value := fmt.Appendf(nil, `{"id":"%d","uri":"/a/%d/*","plugins":{"low":{"n":1}},%s,%s}`, i, i, upstream, times)
		if _, err := w.store.Put(b.Context(), fmt.Sprintf("routes/%d", i), value, store.Cond{}); err != nil {
			b.Fatal(err)
		}
	}
	for _, query := range []string{"", "?label=x", "?page=3&page_size=50"} {
		b.Run("query"+query, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if rec := w.do("GET", "/apisix/admin/routes"+query, ""); rec.Code != 200 {
					b.Fatal(rec.Code)
				}
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	w := newWorld(b, nil)
	b.ReportAllocs()
	for b.Loop() {
		if rec := w.do("PUT", "/apisix/admin/routes/1", `{"uri":"/a","plugins":{"low":{"n":1}},`+upstream+`}`); rec.Code >= 300 {
			b.Fatal(rec.Code)
		}
	}
}

func FuzzServe(f *testing.F) {
	for _, seed := range []struct{ method, path, body string }{
		{"PUT", "/apisix/admin/routes/1", `{"uri":"/a","plugins":{"low":{}}}`},
		{"PATCH", "/apisix/admin/routes/1/plugins/low", `{"n":1}`},
		{"GET", "/apisix/admin/routes?page=1&page_size=10&name=(a", ``},
		{"POST", "/apisix/admin/schema/validate/upstreams", `{"nodes":[]}`},
		{"DELETE", "/apisix/admin/consumers/a%2e%2e", ``},
		{"PUT", "/apisix/admin/plugin_metadata/high", `[]`},
		{"GET", "/apisix/admin/%00/../x?ttl=1e400", `[[`},
	} {
		f.Add(seed.method, seed.path, seed.body)
	}
	f.Fuzz(func(t *testing.T, method, path, body string) {
		r, err := http.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		w := newWorld(t, nil)
		if _, err := w.store.Put(t.Context(), "routes/1", []byte(`{"id":"1","uri":"/a"}`), store.Cond{}); err != nil {
			t.Fatal(err)
		}
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("X-API-KEY", adminKey)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code >= 500 || rec.Code < 200 {
			t.Errorf("got %d %s", rec.Code, rec.Body)
		}
	})
}
