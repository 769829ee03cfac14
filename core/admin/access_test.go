package admin

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestAuthentication(t *testing.T) {
	const (
		missing = `{"error_msg":"failed to check token","description":"missing apikey"}`
		wrong   = `{"error_msg":"failed to check token","description":"wrong apikey"}`
		viewer  = `{"error_msg":"failed to check token","description":"invalid method for role viewer"}`
	)
	w := newWorld(t, nil)
	w.put("routes/1", `{"uri":"/a",`+upstream+`}`)
	tests := []struct {
		name, method, path string
		header             []string
		status             int
		want               string // "": anything
	}{
		{"none", "GET", "routes", []string{"X-API-KEY", ""}, 401, missing},
		{"wrong", "GET", "routes", []string{"X-API-KEY", "x"}, 401, wrong},
		{"well-known", "GET", "routes", []string{"X-API-KEY", "edd1c9f034335f136f87ad84b625c8f1"}, 401, wrong},
		{"well-known viewer", "GET", "routes", []string{"X-API-KEY", "4054f7cf07e344346cd3f287985e76a2"}, 401, wrong},
		{"in the query", "GET", "routes?api_key=" + adminKey, []string{"X-API-KEY", ""}, 401, missing},
		{"in a cookie", "GET", "routes", []string{"X-API-KEY", "", "Cookie", "x_api_key=" + adminKey}, 401, missing},
		{"admin", "GET", "routes", nil, 200, ""},
		{"editor", "GET", "routes", []string{"X-API-KEY", editorKey}, 200, ""},
		{"viewer", "GET", "routes", []string{"X-API-KEY", viewerKey}, 200, ""},
		{"viewer writes", "DELETE", "routes/1", []string{"X-API-KEY", viewerKey}, 401, viewer},
		{"viewer validates", "POST", "schema/validate/routes", []string{"X-API-KEY", viewerKey}, 401, viewer},
		{"unknown paths tell nothing", "GET", "nothing", []string{"X-API-KEY", ""}, 401, missing},
		{"schemas too", "GET", "schema/route", []string{"X-API-KEY", ""}, 401, missing},
		{"plugins too", "GET", "plugins/list", []string{"X-API-KEY", ""}, 401, missing},
		{"other site", "GET", "routes", []string{"Origin", "http://evil"}, 403, `{"error_msg":"cross-site request: set enable_admin_cors to allow them"}`},
		{"other site without a name", "GET", "routes", []string{"Origin", "null"}, 403, ""},
		{"fetched for another site", "GET", "routes", []string{"Sec-Fetch-Site", "cross-site"}, 403, ""},
		{"fetched for a sister site", "GET", "routes", []string{"Sec-Fetch-Site", "same-site"}, 403, ""},
		{"own page", "GET", "routes", []string{"Origin", "http://127.0.0.1:9180", "Sec-Fetch-Site", "same-origin"}, 200, ""},
		{"typed by a person", "GET", "routes", []string{"Sec-Fetch-Site", "none"}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do(tt.method, "/apisix/admin/"+tt.path, "", tt.header...)
			got := strings.TrimSuffix(rec.Body.String(), "\n")
			if rec.Code != tt.status || tt.want != "" && got != tt.want {
				t.Errorf("got %d %s, want %d %s", rec.Code, got, tt.status, tt.want)
			}
		})
	}
	if got := w.do("GET", "/apisix/admin/routes/1", "").Code; got != 200 {
		t.Errorf("got %d, want the route still there", got)
	}
}

func TestOpenAPI(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.KeyRequired, o.Keys = false, nil })
	if got := w.do("GET", "/apisix/admin/routes", "", "X-API-KEY", "").Code; got != 200 {
		t.Errorf("got %d, want 200 without a key", got)
	}
	if got := w.do("GET", "/apisix/admin/routes", "", "X-API-KEY", "", "Origin", "http://evil").Code; got != 403 {
		t.Errorf("got %d, want 403 for another site", got)
	}
}

func TestKeyAnywhere(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.KeyAnywhere = true })
	for _, tt := range []struct {
		name, method, query string
		header              []string
		want                int
	}{
		{"header", "GET", "", nil, 200},
		{"query", "GET", "?api_key=" + adminKey, []string{"X-API-KEY", ""}, 200},
		{"cookie", "GET", "", []string{"X-API-KEY", "", "Cookie", "x_api_key=" + adminKey}, 200},
		{"header with underscores", "GET", "", []string{"X-API-KEY", "", "x_api_key", adminKey}, 200},
		{"query first", "GET", "?api_key=wrong", nil, 401},
		{"header before cookie", "GET", "", []string{"Cookie", "x_api_key=wrong"}, 200},
		{"viewer in the query", "DELETE", "?api_key=" + viewerKey, []string{"X-API-KEY", ""}, 401},
		{"nowhere", "GET", "", []string{"X-API-KEY", ""}, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := w.do(tt.method, "/apisix/admin/routes"+tt.query, "", tt.header...).Code; got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestHeader(t *testing.T) {
	w := newWorld(t, nil)
	for _, tt := range []struct{ name, path, key, version string }{
		{"list", "/apisix/admin/routes", adminKey, "v3"},
		{"not found", "/apisix/admin/routes/1", adminKey, "v3"},
		{"outside of the API", "/nothing", adminKey, ""},
		{"wrong key", "/apisix/admin/routes", "wrong", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := w.do("GET", tt.path, "", "X-API-KEY", tt.key).Header()
			for name, want := range map[string]string{
				"Server": "APISIX/3.18.0", "X-API-VERSION": tt.version, "Content-Type": "application/json", "Access-Control-Allow-Origin": "",
			} {
				if got := header.Get(name); got != want {
					t.Errorf("%s: got %q, want %q", name, got, want)
				}
			}
		})
	}
}

func TestCORS(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.CORS, o.ServerHeader = true, "polygate" })
	pre := w.do("OPTIONS", "/apisix/admin/routes", "", "X-API-KEY", "", "Origin", "http://ui")
	if pre.Code != 200 || pre.Header().Get("Access-Control-Allow-Methods") != "POST, GET, PUT, OPTIONS, DELETE, PATCH" {
		t.Errorf("got %d %v, want a preflight's answer", pre.Code, pre.Header())
	}
	rec := w.do("GET", "/apisix/admin/routes", "", "Origin", "http://ui")
	if rec.Code != 200 || rec.Header().Get("Access-Control-Allow-Origin") != "*" || rec.Header().Get("Server") != "polygate" {
		t.Errorf("got %d %v, want 200 for all origins", rec.Code, rec.Header())
	}
	if got := w.do("GET", "/apisix/admin/routes", "", "Origin", "http://ui", "X-API-KEY", "").Code; got != 401 {
		t.Errorf("got %d, want 401 without a key", got)
	}
}

func TestAllow(t *testing.T) {
	tests := []struct {
		name  string
		allow []string
		addr  string
		want  int
	}{
		{"all", nil, "192.0.2.1:1", 200},
		{"all, socket", nil, "@", 200},
		{"inside", []string{"127.0.0.0/24", "2001:db8::/32"}, "127.0.0.9:1", 200},
		{"inside IPv6", []string{"127.0.0.0/24", "2001:db8::/32"}, "[2001:db8::1]:1", 200},
		{"mapped", []string{"127.0.0.0/24"}, "[::ffff:127.0.0.1]:1", 200},
		{"outside", []string{"127.0.0.0/24"}, "192.0.2.1:1", 403},
		{"socket not named", []string{"127.0.0.0/24"}, "@", 403},
		{"socket", []string{"unix:"}, "@", 200},
		{"only sockets", []string{"unix:"}, "127.0.0.1:1", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.Allow = tt.allow })
			rec := w.do("GET", "/apisix/admin/routes", "", "RemoteAddr", tt.addr, "X-Real-IP", "127.0.0.1", "X-Forwarded-For", "127.0.0.1")
			if rec.Code != tt.want {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	tests := []struct {
		name string
		keys []Key
		addr []string
		want string
	}{
		{"no key", nil, nil, "no key is configured"},
		{"empty key", []Key{{Name: "a"}}, nil, `key "a" is empty`},
		{"well-known", []Key{{Name: "a", Key: "edd1c9f034335f136f87ad84b625c8f1"}}, nil, `key "a" is APISIX's published default key`},
		{"well-known viewer", []Key{{Name: "v", Key: "4054f7cf07e344346cd3f287985e76a2"}}, nil, `key "v" is APISIX's published`},
		{"doubled", []Key{{Name: "a", Key: "k"}, {Name: "b", Key: "k"}}, nil, `keys "a" and "b" are the same`},
		{"role", []Key{{Name: "a", Key: "k", Role: "god"}}, nil, `unknown role "god"`},
		{"address", []Key{{Name: "a", Key: "k"}}, []string{"localhost"}, "allow_admin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			_, err := New(Options{Store: w.store, Catalog: testCatalog(t), KeyRequired: true, Keys: tt.keys, Allow: tt.addr})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := New(Options{}); err == nil {
		t.Error("got no error without a store")
	}
}

func TestBruteForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		try := func(addr, key string) int {
			return w.do("GET", "/apisix/admin/routes", "", "RemoteAddr", addr, "X-API-KEY", key).Code
		}
		for i := range maxFailures {
			if got := try("192.0.2.1:1", fmt.Sprint("guess", i)); got != 401 {
				t.Fatalf("guess %d: got %d, want 401", i, got)
			}
		}
		if got := try("192.0.2.1:2", adminKey); got != 429 {
			t.Errorf("got %d, want 429 even for the right key", got)
		}
		if got := try("192.0.2.2:1", adminKey); got != 200 {
			t.Errorf("got %d, want 200 for another address", got)
		}
		rec := w.do("GET", "/apisix/admin/routes", "", "RemoteAddr", "192.0.2.1:1")
		if got := rec.Header().Get("Retry-After"); got != "60" {
			t.Errorf("got Retry-After %q, want 60", got)
		}
		time.Sleep(failureWindow)
		if got := try("192.0.2.1:1", adminKey); got != 200 {
			t.Errorf("got %d, want 200 a minute later", got)
		}
	})
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter()
	for i := range maxAddresses + 100 {
		l.fail(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	}
	if got := len(l.failures); got > maxAddresses {
		t.Errorf("got %d addresses, want at most %d", got, maxAddresses)
	}
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff")
	for range maxFailures {
		l.fail(a)
	}
	if l.blocked(b) == 0 {
		t.Error("got another address of the same /64 through")
	}
}

func TestLimiterHammer(t *testing.T) {
	l := newLimiter()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
				if l.fail(addr); g%2 == 0 {
					l.blocked(addr)
				}
			}
		})
	}
	wg.Wait()
	if got := len(l.failures); got != 2000 {
		t.Errorf("got %d addresses, want 2000", got)
	}
}

func TestEditor(t *testing.T) {
	w := newWorld(t, nil)
	w.put("routes/2", `{"uri":"/a","plugins":{"serverless-pre-function":{}}}`)
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"plain", "PUT", "routes/1", `{"uri":"/a","plugins":{"low":{}}}`, 201},
		{"script", "PUT", "routes/3", `{"uri":"/x","script":"local _M={} function _M.access() os.execute('id') end return _M",` + upstream + `}`, 403},
		{"filter function", "PUT", "routes/3", `{"uri":"/a","filter_func":"function(vars) return true end",` + upstream + `}`, 403},
		{"serverless", "PUT", "routes/3", `{"uri":"/a","plugins":{"serverless-pre-function":{}}}`, 403},
		{"pre-function", "PUT", "routes/3", `{"uri":"/a","plugins":{"low":{"_meta":{"pre_function":"return function() end"}}}}`, 403},
		{"in a service", "POST", "services", `{"plugins":{"serverless-pre-function":{}}}`, 403},
		{"by a patch", "PATCH", "routes/1/plugins", `{"serverless-pre-function":{}}`, 403},
		{"what is there already", "PATCH", "routes/2", `{"desc":"x"}`, 403},
		{"removed", "PATCH", "routes/2", `{"plugins":{"serverless-pre-function":null,"low":{}}}`, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rec := w.do(tt.method, "/apisix/admin/"+tt.path, tt.body, "X-API-KEY", editorKey)
			if rec.Code != tt.status {
				t.Errorf("got %d %s, want %d", rec.Code, rec.Body, tt.status)
			}
		})
	}
}

func TestAudit(t *testing.T) {
	w := newWorld(t, nil)
	w.put("routes/1", `{"uri":"/a",`+upstream+`,"plugins":{"high":{"token":"s3cret"}}}`)
	w.do("DELETE", "/apisix/admin/routes/1", "")
	w.do("DELETE", "/apisix/admin/routes/1", "", "X-API-KEY", viewerKey)
	got := w.log.String()
	for _, want := range []string{
		`"msg":"admin change","key_name":"root","ip":"127.0.0.1","method":"PUT","path":"/apisix/admin/routes/1","resource":"routes/1","status":201,"revision":2`,
		`"msg":"admin change","key_name":"root","ip":"127.0.0.1","method":"DELETE","path":"/apisix/admin/routes/1","resource":"routes/1","status":200,"revision":3`,
		`"msg":"admin request refused","key_name":"guest","ip":"127.0.0.1","method":"DELETE","path":"/apisix/admin/routes/1","reason":"failed to check token: invalid method for role viewer"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	if strings.Contains(got, "s3cret") || strings.Contains(got, adminKey) {
		t.Errorf("got a secret in the log: %s", got)
	}
}
