package core

import (
	"fmt"
	"testing"

	"github.com/polygate/polygate/core/control"
)

// FuzzExplain asks questions that no client would send.
func FuzzExplain(f *testing.F) {
	f.Add("/1?x=1", "x.com", "GET", "127.0.0.1", "http", 80, "A", "b", "jack")
	f.Add("https://[::1]:9/%2e%2e//1;a?", "", "PURGE", "::ffff:1.2.3.4%eth0", "https", -1, ":authority", "\r\n", "none")
	f.Add("", "[", "", "", "ftp", 1<<20, "", "", "")
	f.Add("/2?post_arg.a=1", "a:b:c", "CONNECT", "10.0.0.1", "", 0, "Content-Length", "-1", "jill")
	g := modelGateway(f)
	g.takeOver(puts(1,
		"services/s", `{"upstream":{"type":"chash","key":"arg_a","nodes":{"127.0.0.1:1":1}},"plugins":{"b":{},"gone":{}}}`,
		"consumer_groups/g", `{"id":"g","plugins":{"a":{"_meta":{"disable":true}}}}`, "consumers/jack", `{"username":"jack","group_id":"g","plugins":{"keyed":{"key":"k"},"c":{}}}`,
		"consumers/jill", `{"username":"jill","group_id":"none"}`, "global_rules/1", `{"id":"1","plugins":{"c":{},"a":{}}}`,
		"routes/1", `{"uri":"/1","service_id":"s","plugins":{"keyed":{},"c":{}}}`, "routes/2", `{"uri":"/*","plugins":{},"vars":[["post_arg.a","==","1"],["arg_x","~~","^1"]]}`,
		"routes/3", `{"uri":"/*","plugins":{"a":{}},"status":0,"vars":["OR",["http_a","has","b"],["graphql_name","==","q"]]}`, "routes/4", `{"uri":"/*","service_id":"none"}`,
	))
	f.Fuzz(func(t *testing.T, uri, host, method, remote, scheme string, port int, name, value, consumer string) {
		q := control.Question{URI: uri, Host: host, Method: method, RemoteAddr: remote, Scheme: scheme, Port: port, Consumer: consumer}
		if name != "" {
			q.Header = []control.Field{{Name: name, Value: value}}
		}
		if e, err := g.Explain(q); (e == nil) == (err == nil) {
			t.Errorf("got %v and %v, want one of them", e, err)
		}
	})
}

// TestExplainAmongManyRoutes looks through routes that are switched off. Nothing can be changed meanwhile, so only those are made ready
// that the request could lead to.
func TestExplainAmongManyRoutes(t *testing.T) {
	g := modelGateway(t)
	const count = 10_000
	var keysAndValues []string
	for i := range count {
		keysAndValues = append(keysAndValues, fmt.Sprint("routes/", i), fmt.Sprintf(`{"uri":"/%d","status":0,"upstream":{"type":"roundrobin","nodes":{"127.0.0.1:1":1}}}`, i))
	}
	g.takeOver(puts(1, keysAndValues...))
	allocations := testing.AllocsPerRun(3, func() {
		e, err := g.Explain(control.Question{URI: "/77"})
		if err != nil || len(e.Candidates) != 1 || e.Candidates[0].ID != "77" {
			t.Fatalf("got %+v %v, want route 77 alone", e, err)
		}
	})
	if allocations > count/10 {
		t.Errorf("got %v allocations among %d routes, want them not to depend on these", allocations, count)
	}
}
