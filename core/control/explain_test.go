package control

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExplanationText(t *testing.T) {
	full := &Explanation{
		Request: ExplainedRequest{Method: "GET", Scheme: "http", Host: "a.com", Port: "9080", Path: "/a\x00", Query: "b=1", RemoteAddr: "10.0.0.1"},
		Matched: &MatchedRoute{ID: "1", Name: "first", URI: "/a", Host: "a.com", Priority: 2, Fault: "no service"},
		Candidates: []Candidate{
			{ID: "1", URI: "/a", Priority: 2, Verdict: "matched", Detail: "the path is /a"},
			{ID: "22", URI: "/*", Verdict: "shorter path", Detail: "it is\nshorter"},
		},
		More: 3,
		Plugins: []ExplainedPlugin{
			{Name: "cors", Priority: 4000, From: "global_rule/1", Phases: []string{"rewrite", "header_filter"}},
			{Name: "echo", Priority: 412, From: "route", Disabled: true, Overridden: []string{"service/s"}, Note: "n"},
		},
		Upstream: &ExplainedUpstream{ID: "u", From: "service/s", Scheme: "http", Type: "roundrobin", Nodes: []ExplainedNode{
			{Host: "[::1]", Port: 80, Weight: 1}, {Host: "b.com", Weight: 0, Priority: -1},
		}},
		Consumer: &ExplainedConsumer{Username: "jack", Fault: "no group"},
		Notes:    []string{"one", "two"},
	}
	tests := []struct {
		name string
		e    *Explanation
		want string
	}{
		{"everything", full, `GET http://a.com/a ?b=1 from 10.0.0.1 to port 9080

route 1 (first): a.com/a, priority 2
  it cannot be served: no service

candidates
  ROUTE  URI  PRIORITY  VERDICT       WHY
  1      /a   2         matched       the path is /a
  22     /*   0         shorter path  it is shorter
  and 3 more

plugins
  PLUGIN  PRIORITY  FROM           PHASES                 NOTE
  cors    4000      global_rule/1  rewrite,header_filter
  echo    412       route          -                      disabled; instead of service/s; n

upstream u of the service/s: http, roundrobin
  NODE      WEIGHT  PRIORITY
  [::1]:80  1       0
  b.com     0       -1

consumer jack, group none
  its requests cannot be served: no group

notes
  one
  two
`},
		{"nothing", &Explanation{}, " :// from  to port \n\nno route\n\ncandidates: none\n\nplugins: none\n\nno upstream\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, string(explanationText(tt.e))); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzQuestion reads questions from anything.
func FuzzQuestion(f *testing.F) {
	for _, seed := range []string{"uri=/a&host=b", "uri=%2F%00&header.=1&header.a=b&cookie.c=d", "port=65536&uri=/", "&&=;%zz"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := questionOf(query)
		if err == nil && (q.URI == "" || q.Port < 0 || q.Port > 65535) {
			t.Errorf("got %+v of %q", q, query)
		}
	})
}
