package health

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	usual := active{
		kind: "http", timeout: time.Second, concurrency: 10, verify: true, method: "GET", path: "/",
		healthy:   rule{statuses: setOf([]int{200, 302}), successes: 2},
		unhealthy: rule{statuses: setOf([]int{429, 404, 500, 501, 502, 503, 504, 505}), failures: 5, refusals: 2, timeouts: 3},
	}
	always := passive{
		kind: "http",
		healthy: rule{statuses: setOf([]int{
			200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306, 307, 308}), successes: 5},
		unhealthy: rule{statuses: setOf([]int{429, 500, 503}), failures: 5, refusals: 2, timeouts: 7},
	}
	tests := []struct {
		name, raw string
		active    func(*active)
		passive   func(*passive)
	}{
		{"nothing said", `{"active":{}}`, nil, nil},
		{"empty rules", `{"active":{"healthy":{},"unhealthy":{}},"passive":{}}`,
			func(a *active) { a.healthy.interval, a.unhealthy.interval = time.Second, time.Second },
			func(p *passive) { p.statuses = true }},
		{"everything", `{"active":{"type":"https","timeout":0.5,"concurrency":3,"host":"h","port":9,"http_method":"POST","http_path":"a b\r\n",
			"http_req_body":"x","https_verify_certificate":false,"req_headers":["A:  b ","C:"],
			"healthy":{"interval":2,"http_statuses":[204],"successes":1},
			"unhealthy":{"interval":3,"http_statuses":[500],"http_failures":6,"tcp_failures":7,"timeouts":8}},
			"passive":{"type":"tcp","healthy":{"http_statuses":[200],"successes":0},
			"unhealthy":{"http_statuses":[599],"http_failures":0,"tcp_failures":1,"timeouts":2}}}`,
			func(a *active) {
				*a = active{kind: "https", timeout: 500 * time.Millisecond, concurrency: 3, host: "h", port: 9, method: "POST",
					path: "/a%20b%0D%0A", body: "x", headers: []header{{"A", "b"}, {"C", ""}},
					healthy:   rule{interval: 2 * time.Second, statuses: setOf([]int{204}), successes: 1},
					unhealthy: rule{interval: 3 * time.Second, statuses: setOf([]int{500}), failures: 6, refusals: 7, timeouts: 8}}
			},
			func(p *passive) {
				*p = passive{kind: "tcp", statuses: true, healthy: rule{statuses: setOf([]int{200})},
					unhealthy: rule{statuses: setOf([]int{599}), refusals: 1, timeouts: 2}}
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := parse(t, tt.raw)
			want := Checks{raw: got.raw, active: usual, passive: always}
			if tt.active != nil {
				tt.active(&want.active)
			}
			if tt.passive != nil {
				tt.passive(&want.passive)
			}
			if diff := cmp.Diff(&want, got, cmp.AllowUnexported(Checks{}, active{}, passive{}, rule{}, header{})); diff != "" {
				t.Errorf("checks (-want +got):\n%s", diff)
			}
		})
	}
	for _, none := range []string{"", "null"} {
		if got, err := Parse(json.RawMessage(none)); got != nil || err != nil {
			t.Errorf("%q: got %v %v, want nothing", none, got, err)
		}
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"no object", `[]`, "checks: "},
		{"passive alone", `{"passive":{}}`, "checks: active is required"},
		{"type", `{"active":{"type":"icmp"}}`, `checks.active.type: unknown type "icmp"`},
		{"header", `{"active":{"req_headers":["A: b","no colon"]}}`, `checks.active.req_headers: item 2: "no colon" is not a header field`},
		{"header name", `{"active":{"req_headers":["A b: c"]}}`, "is not a header field"},
		{"header value", `{"active":{"req_headers":["A: b\r\nX: y"]}}`, "the value of A has control bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(json.RawMessage(tt.raw)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"least", `{"active":{}}`, "GET / HTTP/1.1\r\nHost: h:1\r\nConnection: close\r\n\r\n"},
		{"most", `{"active":{"http_method":"POST","http_path":"/x?y","http_req_body":"body","req_headers":["User-Agent: u"]}}`,
			"POST /x?y HTTP/1.1\r\nUser-Agent: u\r\nHost: h:1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody"},
		{"fields of one's own", `{"active":{"http_req_body":"b","req_headers":["host: o","CONNECTION: x","Content-length: 1"]}}`,
			"GET / HTTP/1.1\r\nhost: o\r\nCONNECTION: x\r\nContent-length: 1\r\n\r\nb"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := parse(t, tt.raw)
			if got := string(request(&c.active, "h:1")); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzParse checks that no checks make a request that is more than one.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"active":{"healthy":{},"http_path":"/\r\n","req_headers":["A: b\n"]},"passive":{}}`))
	f.Add([]byte(`{"active":{"timeout":1e300,"concurrency":-1,"healthy":null,"unhealthy":{"http_statuses":[-1,640,1e9]}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Parse(raw)
		if err != nil || c == nil {
			return
		}
		if c.active.timeout <= 0 || c.active.concurrency < 1 {
			t.Fatalf("got timeout %v and concurrency %d", c.active.timeout, c.active.concurrency)
		}
		c.active.method, c.active.body = "GET", ""
		head := string(request(&c.active, "h"))
		lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
		if strings.Count(lines[0], " ") != 2 || strings.ContainsAny(strings.Join(lines, ""), "\r\n\x00") {
			t.Fatalf("got the request %q", head)
		}
	})
}
