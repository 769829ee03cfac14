package core_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/sdk"
)

// layered is a gateway whose route 1 has plugins from every layer.
func layered(t *testing.T) *gateway {
	var j journal
	shy := scribe("shy", 5, &j).(testPlugin)
	shy.info.PreferRoute = true
	g := start(t, []sdk.Plugin{
		keyed(), scribe("a", 20, &j), scribe("b", 10, &j), scribe("c", 8, &j), scribe("d", 7, &j), shy, native("late", 1, sdk.Hooks{Log: func(sdk.Exchange) {}}),
	})
	g.puts(
		"upstreams/u", `{"id":"u","type":"roundrobin","nodes":{"127.0.0.1:1":1,"127.0.0.2:1":0}}`,
		"services/s", `{"id":"s","name":"svc","upstream_id":"u","plugins":{"a":{},"b":{},"c":{}}}`,
		"plugin_configs/p", `{"id":"p","plugins":{"b":{},"d":{"_meta":{"disable":true}}}}`,
		"routes/1", `{"uri":"/a/one","name":"one","service_id":"s","plugin_config_id":"p","priority":3,`+
			`"plugins":{"keyed":{},"c":{"_meta":{"priority":99,"filter":[["arg_q","==","1"]]}},"shy":{},"gone":{}}}`,
		"routes/2", `{"uri":"/a/*","methods":["PUT"],"priority":9,"upstream":`+upstreamOf("127.0.0.1:9")+`}`,
		"routes/3", `{"uri":"/a/*","vars":[["arg_v","==","1"],["http_x_y","~~","^z"]],"upstream":`+upstreamOf("127.0.0.1:9")+`}`,
		"routes/4", `{"uri":"/a/*","priority":8,"status":0,"remote_addr":"::1","upstream":`+upstreamOf("127.0.0.1:9")+`}`,
		"routes/5", `{"uri":"/b","service_id":"none","plugins":{}}`,
		"routes/6", `{"uri":"/*","host":"x.com","remote_addr":"10.0.0.0/8","upstream":`+upstreamOf("127.0.0.1:9")+`}`,
		"global_rules/g", `{"id":"g","plugins":{"a":{},"shy":{},"late":{}}}`,
		"consumer_groups/cg", `{"id":"cg","plugins":{"a":{"as":"cg"},"late":{}}}`,
		"consumers/jack", `{"username":"jack","group_id":"cg","plugins":{"keyed":{"key":"k"},"late":{}}}`,
		"routes/bad", `{"uri":7}`,
	)
	return g
}

// summary is an explanation in lines.
func summary(e *control.Explanation) []string {
	out := []string{"no route"}
	if m := e.Matched; m != nil {
		out = []string{fmt.Sprintf("%s %s %s%s %d %v%s", m.ID, m.Name, m.Host, m.URI, m.Priority, m.Params, m.Fault)}
	}
	for _, c := range e.Candidates {
		out = append(out, fmt.Sprintf("%s %s: %s", c.ID, c.Verdict, c.Detail))
	}
	for _, p := range e.Plugins {
		line := fmt.Sprintf("%s %d %s [%s]", p.Name, p.Priority, p.From, strings.Join(p.Phases, " "))
		if p.Disabled {
			line += " off"
		}
		if len(p.Overridden) > 0 {
			line += " over " + strings.Join(p.Overridden, ",")
		}
		if p.Note != "" {
			line += "; " + p.Note
		}
		out = append(out, line)
	}
	if u := e.Upstream; u != nil {
		out = append(out, fmt.Sprintf("upstream %s of %s %s %s %v", u.ID, u.From, u.Scheme, u.Type, u.Nodes))
	}
	if c := e.Consumer; c != nil {
		out = append(out, fmt.Sprintf("consumer %s %s %v %v", c.Username, c.Group, c.Plugins, c.Shared))
	}
	return append(out, e.Notes...)
}

func TestExplain(t *testing.T) {
	t.Parallel()
	g := layered(t)
	const all = "[rewrite access before_proxy header_filter body_filter log]"
	rejected := "resources that are not in service as the store has them: 1, see /v1/sync"
	tests := []struct {
		name     string
		question control.Question
		want     []string
	}{
		{
			"layers", control.Question{URI: "/a/one?v=1&q=2", Host: "X.com:80", RemoteAddr: "1.2.3.4"},
			[]string{
				"1 one /a/one 3 map[]",
				"1 matched: the path is /a/one",
				"4 disabled: its status is 0, and besides the client's address 1.2.3.4 is not in ::1",
				"6 remote_addr: the client's address 1.2.3.4 is not in 10.0.0.0/8",
				"2 method: the method GET is not PUT",
				`3 vars: ["http_x_y","~~","^z"] does not hold: the request has no http_x_y`,
				"5 path: the path /a/one does not fit /b",
				"a 20 global_rule/g " + all,
				"late 1 global_rule/g [log]",
				"keyed 100 route [rewrite]",
				"c 99 route " + all + " over service/s; it runs only for requests that its _meta.filter matches",
				"a 20 service/s " + all,
				"b 10 plugin_config/p " + all + " over service/s",
				"shy 5 route " + all,
				"shy 5 global_rule/g []; it gives way to the same plugin of the route",
				"d 7 plugin_config/p [] off",
				"gone 0 route []; plugin gone of routes/1 is unknown or not enabled and does not run",
				"upstream u of service/s http roundrobin [{127.0.0.1 1 1 0} {127.0.0.2 1 0 0}]",
				rejected,
			},
		},
		{
			"values of variables", control.Question{URI: "/a/x?v=1", Header: []control.Field{{Name: "X-Y", Value: strings.Repeat("y", 300)}}},
			[]string{
				"no route",
				"4 disabled: its status is 0, and besides the client's address 127.0.0.1 is not in ::1",
				"2 method: the method GET is not PUT",
				`3 vars: ["http_x_y","~~","^z"] does not hold: http_x_y is "` + strings.Repeat("y", 200) + `…"`,
			},
		},
		{
			"a route that cannot be served", control.Question{URI: "http://y.com/b"},
			[]string{
				`5  /b 0 map[]merge the route: there is no service "none"`,
				"5 matched: the path is /b",
				`6 host: the host "y.com" is not x.com`,
				"1 path: the path /b does not fit /a/one",
				"2 path: the path /b does not fit /a/*",
				"3 path: the path /b does not fit /a/*",
				"a 20 global_rule/g " + all,
				"shy 5 global_rule/g " + all,
				"late 1 global_rule/g [log]",
				rejected,
			},
		},
		{
			"a trusted peer", control.Question{
				URI: "/q", Host: "x.com", RemoteAddr: "127.0.0.1", Header: []control.Field{{Name: "X-Real-IP", Value: "10.1.1.1"}},
			},
			[]string{"6  x.com/* 0 map[:ext:q]", "6 matched: the path fits /*, the host fits x.com"},
		},
		{
			"a consumer where nobody is asked for", control.Question{URI: "/q", Host: "x.com", RemoteAddr: "10.0.0.1", Consumer: "jack"},
			[]string{"6  x.com/* 0 map[:ext:q]", "6 matched: the path fits /*, the host fits x.com"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := g.Explain(tt.question)
			if err != nil {
				t.Fatal(err)
			}
			got := summary(e)
			if diff := cmp.Diff(tt.want, got[:min(len(got), max(len(tt.want), 1))]); diff != "" {
				t.Errorf("explanation (-want +got):\n%s\nof\n%s", diff, strings.Join(got, "\n"))
			}
		})
	}
}

func TestExplainConsumer(t *testing.T) {
	t.Parallel()
	e, err := layered(t).Explain(control.Question{URI: "/a/one", Consumer: "jack", Scheme: "https", Port: 8443})
	if err != nil {
		t.Fatal(err)
	}
	const all = "access before_proxy header_filter body_filter log]"
	got := strings.Join(summary(e), "\n")
	for _, want := range []string{
		"a 20 consumer_group/cg [rewrite_in_consumer " + all + " over service/s",
		"late 1 consumer/jack [log] over consumer_group/cg",
		"keyed 100 route [rewrite]\n",
		"consumer jack cg [late] [a late]",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got\n%s\nwant it to have %s", got, want)
		}
	}
	if e.Request.Scheme != "https" || e.Request.Port != "8443" {
		t.Errorf("got %+v, want https on port 8443", e.Request)
	}
}

// TestExplainAgrees compares what is explained with what is served.
func TestExplainAgrees(t *testing.T) {
	t.Parallel()
	show := native("show", 1, sdk.Hooks{Access: func(x sdk.Exchange) error {
		id, _ := x.Var("route_id")
		return x.Exit(200, id)
	}})
	g := start(t, []sdk.Plugin{show})
	for id, conditions := range map[string]string{
		"1": `"uri":"/*"`, "2": `"uri":"/a/*","host":"gw.test"`, "3": `"uri":"/a/*","host":"*.test","methods":["PUT"]`,
		"4": `"uri":"/a/b","vars":[["arg_x","==","1"]]`, "5": `"uri":"/c/*","vars":[["http_y","~~","^a"],["cookie_k","==","v"]]`,
		"6": `"uri":"/c/*","priority":5,"remote_addr":"10.0.0.0/8"`, "7": `"uri":"/c/d","vars":[["scheme","==","https"]]`,
	} {
		g.put("routes/"+id, `{#,"plugins":{"show":{}}}`, conditions)
	}
	header := []control.Field{{Name: "Y", Value: "ab"}, {Name: "Cookie", Value: "j=1; k=v"}}
	for _, method := range []string{"GET", "PUT"} {
		for _, uri := range []string{"/", "/a/b?x=1", "/a/b?x=2", "/a/./c", "/c/d", "/c//e", "/%63/d"} {
			for _, fields := range [][]control.Field{nil, header} {
				var lines []string
				for _, f := range fields {
					lines = append(lines, f.Name+": "+f.Value)
				}
				served := g.do(method, uri, "", lines...)
				e, err := g.Explain(control.Question{Method: method, URI: uri, Host: "gw.test", Header: fields})
				if err != nil {
					t.Fatal(err)
				}
				if e.Matched == nil || e.Matched.ID != strings.TrimSpace(served.body) {
					t.Errorf("%s %s %v: got %+v, want route %s", method, uri, lines, e.Matched, served.body)
				}
			}
		}
	}
}

// TestExplainWhileChanging explains while the configuration changes.
func TestExplainWhileChanging(t *testing.T) {
	t.Parallel()
	g := layered(t)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := g.Explain(control.Question{URI: "/a/one", Host: "x.com"}); err != nil {
					t.Errorf("got %v", err)
					return
				}
			}
		})
	}
	for i := range 50 {
		g.put("routes/1", `{"uri":"/a/one","service_id":"s","status":#}`, i%2)
	}
	close(done)
	wg.Wait()
}

func TestExplainRefuses(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	tests := []struct {
		name     string
		question control.Question
		want     string
	}{
		{"uri", control.Question{URI: "a"}, `uri: "a" does not begin with a slash`},
		{"path", control.Question{URI: "/%2f"}, "uri: the path is ambiguous"},
		{"query", control.Question{URI: "/?a b"}, "uri: the query has a byte"},
		{"method", control.Question{URI: "/", Method: "a b"}, `method: "a b" is not a method`},
		{"host", control.Question{URI: "/", Host: "a b"}, `host: "a b" is not a host`},
		{"header", control.Question{URI: "/", Header: []control.Field{{Name: "a b"}}}, "header.a b: not a header field"},
		{"remote_addr", control.Question{URI: "/", RemoteAddr: "x"}, `remote_addr: "x" is not an IP address`},
		{"scheme", control.Question{URI: "/", Scheme: "ftp"}, `scheme: "ftp" is neither http nor https`},
		{"port", control.Question{URI: "/", Port: 70000}, "port: 70000 is not one"},
		{"consumer", control.Question{URI: "/", Consumer: "jack"}, `consumer: there is no consumer "jack"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := g.Explain(tt.question)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %+v, %v, want %s…", e, err, tt.want)
			}
		})
	}
}
