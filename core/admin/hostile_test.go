package admin

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core/store"
)

func TestConfigsRoles(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.Configs = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "document") })
	})
	const (
		editor = `{"error_msg":"role editor may not replace the whole configuration, which may bring code"}`
		viewer = `{"error_msg":"role viewer may not read the whole configuration, which has secrets"}`
	)
	for _, tt := range []struct {
		name, method, key string
		status            int
		want              string
	}{
		{"admin reads", "GET", adminKey, 200, "document"},
		{"admin writes", "PUT", adminKey, 200, "document"},
		{"editor reads", "GET", editorKey, 200, "document"},
		{"editor asks for the version", "HEAD", editorKey, 200, "document"},
		{"editor writes", "PUT", editorKey, 403, editor},
		{"viewer reads", "GET", viewerKey, 403, viewer},
		{"viewer writes", "PUT", viewerKey, 401, `{"error_msg":"failed to check token","description":"invalid method for role viewer"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do(tt.method, "/apisix/admin/configs", "{}", "X-API-KEY", tt.key)
			if got := strings.TrimSpace(rec.Body.String()); rec.Code != tt.status || got != tt.want {
				t.Errorf("got %d %s, want %d %s", rec.Code, got, tt.status, tt.want)
			}
		})
	}
}

// TestRebinding asks as a page does whose owner lets its name point to this machine: it has no other site's Origin, only its own Host.
func TestRebinding(t *testing.T) {
	open := newWorld(t, func(o *Options) { o.KeyRequired, o.Keys = false, nil })
	closed := newWorld(t, nil)
	for _, tt := range []struct {
		name, host, local string
		w                 *world
		want              int
	}{
		{"a name that leads here", "evil.example:9180", "127.0.0.1", open, 403},
		{"a name that leads here over IPv6", "evil.example:9180", "::1", open, 403},
		{"localhost", "localhost:9180", "127.0.0.1", open, 200},
		{"an address", "127.0.0.1:9180", "127.0.0.1", open, 200},
		{"a name of the network", "gateway.example:9180", "192.0.2.1", open, 200},
		{"with a key", "gateway.example:9180", "127.0.0.1", closed, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "http://"+tt.host+"/apisix/admin/routes", http.NoBody)
			r.RemoteAddr = "127.0.0.1:5555"
			r.Header.Set("X-API-KEY", adminKey)
			local := &net.TCPAddr{IP: net.ParseIP(tt.local), Port: 9180}
			rec := httptest.NewRecorder()
			tt.w.handler.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local)))
			if rec.Code != tt.want {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.want)
			}
		})
	}
}

func TestSlowPatterns(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 40 {
		w.put(fmt.Sprintf("routes/%d", i), `{"name":"`+strings.Repeat("a", 60)+`","uri":"/a",`+upstream+`}`)
	}
	begun := time.Now()
	rec := w.do("GET", "/apisix/admin/routes?name=%28%3F%3Da%29%28a%2B%29%2Bb", "")
	const want = `{"error_msg":"invalid argument name: the pattern takes too long to match"}`
	if got := strings.TrimSpace(rec.Body.String()); rec.Code != 400 || got != want {
		t.Errorf("got %d %s, want 400 %s", rec.Code, got, want)
	}
	if took := time.Since(begun); took > filterTime+2*time.Second {
		t.Errorf("got an answer after %v", took)
	}
}

// interloper does something once, right after the first look for a key or below a prefix.
type interloper struct {
	store.Writer
	at string // "get <key>", "list <prefix>" or "before list <prefix>"
	do func()
}

func (i *interloper) now(what string) {
	if f := i.do; f != nil && what == i.at {
		i.do = nil
		f()
	}
}

func (i *interloper) Get(ctx context.Context, key string) (store.Item, error) {
	defer i.now("get " + key)
	return i.Writer.Get(ctx, key)
}

func (i *interloper) List(ctx context.Context, prefix string) ([]store.Item, int64, error) {
	i.now("before list " + prefix)
	defer i.now("list " + prefix)
	return i.Writer.List(ctx, prefix)
}

// TestNoOrphans deletes a consumer while somebody gives it a credential, which must not be there for the next one of that name.
func TestNoOrphans(t *testing.T) {
	const credential = `{"plugins":{"key-auth":{"key":"k"}}}`
	for _, tt := range []struct {
		name, at      string
		first, second [3]string // method, path, body
		want          int       // of the first
	}{
		{"deleted before the credential is written", "get consumers/jack",
			[3]string{"PUT", "consumers/jack/credentials/c", credential}, [3]string{"DELETE", "consumers/jack", ""}, 404},
		{"deleted while the credential is written", "list consumers/jack/",
			[3]string{"DELETE", "consumers/jack", ""}, [3]string{"PUT", "consumers/jack/credentials/c", credential}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			between := &interloper{at: tt.at}
			w := newWorld(t, func(o *Options) { between.Writer, o.Store = o.Store, between })
			w.put("consumers/jack", `{"username":"jack"}`)
			between.do = func() { w.do(tt.second[0], "/apisix/admin/"+tt.second[1], tt.second[2]) }
			if rec := w.do(tt.first[0], "/apisix/admin/"+tt.first[1], tt.first[2]); rec.Code != tt.want {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.want)
			}
			items, _, err := w.store.List(t.Context(), "consumers/")
			if err != nil || len(items) > 0 {
				t.Errorf("got %v, %v, want nothing left", items, err)
			}
		})
	}
}

// TestReclaim makes a service whose id had one before, while somebody decorates the new one.
func TestReclaim(t *testing.T) {
	const decorations = "services/1/graphql_cost_decorations/"
	between := &interloper{at: "before list services/1/"}
	w := newWorld(t, func(o *Options) { between.Writer, o.Store = o.Store, between })
	if _, err := w.store.Put(t.Context(), decorations+"old", []byte(`{"field_path":"Query.a"}`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	between.do = func() { w.put(decorations+"new", `{"field_path":"Query.b"}`) }
	w.put("services/1", `{}`)
	for id, want := range map[string]int{"old": 404, "new": 200} {
		if got := w.do("GET", "/apisix/admin/"+decorations+id, "").Code; got != want {
			t.Errorf("%s: got %d, want %d", id, got, want)
		}
	}
}

// TestForeignValues changes what other programs have put into the store.
func TestForeignValues(t *testing.T) {
	for _, tt := range []struct {
		name, key, value   string
		method, path, body string
		status             int
		want               string // what is stored then under the key, without times; "": nothing
	}{
		{"an empty array is an empty object", "services/1", `[]`, "PATCH", "services/1", `{"name":"a"}`, 200, `{"name":"a","id":"1"}`},
		{"also on the way", "services/1", `[]`, "PATCH", "services/1/name", `"a"`, 200, `{"name":"a","id":"1"}`},
		{"a text is none", "services/1", `"x"`, "PATCH", "services/1", `{"name":"a"}`, 400, `"x"`},
		{"what is below a key by chance stays", "routes/1/x", `{}`, "DELETE", "routes/1", ``, 404, `{}`},
		{"credentials of nobody", "consumers/jack/credentials/c", `{}`, "DELETE", "consumers/jack", ``, 404, ``},
		{"decorations of nothing", "services/1/graphql_cost_decorations/d", `{}`, "DELETE", "services/1", ``, 404, ``},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			if _, err := w.store.Put(t.Context(), tt.key, []byte(tt.value), store.Cond{}); err != nil {
				t.Fatal(err)
			}
			if rec := w.do(tt.method, "/apisix/admin/"+tt.path, tt.body); rec.Code != tt.status {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.status)
			}
			item, err := w.store.Get(t.Context(), tt.key)
			if err != nil && !isNotFound(err) {
				t.Fatal(err)
			}
			got := regexp.MustCompile(`,"(create|update)_time":\d+`).ReplaceAllString(string(item.Value), "")
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestForeignKeys deletes a resource below whose key another program keeps something.
func TestForeignKeys(t *testing.T) {
	w := newWorld(t, nil)
	w.put("routes/1", `{"uri":"/a",`+upstream+`}`)
	if _, err := w.store.Put(t.Context(), "routes/1/x", []byte(`{}`), store.Cond{}); err != nil {
		t.Fatal(err)
	}
	if rec := w.do("DELETE", "/apisix/admin/routes/1", ""); rec.Code != 200 {
		t.Errorf("got %d %s, want 200", rec.Code, rec.Body)
	}
	if _, err := w.store.Get(t.Context(), "routes/1/x"); err != nil {
		t.Errorf("got %v, want it still there", err)
	}
}
