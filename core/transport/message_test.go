package transport

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOwnRequest(t *testing.T) {
	head := []byte("GET /path?query Host: example.com X: hop")
	s := View(head)
	var r Request
	r.Begin(head)
	r.Method, r.Target, r.Path, r.RawPath, r.Query, r.Host = s[:3], s[4:15], s[4:9], "/ordinary", s[10:15], s[22:33]
	r.Fields.Add(s[16:20], s[22:33])
	r.Hops = append(r.Hops, s[37:])
	want := []string{"GET", "/path?query", "/path", "/ordinary", "query", "example.com", "Host", "example.com", "hop"}

	r.Own()
	allocs := testing.AllocsPerRun(10, r.Own)
	clear(head)

	got := []string{r.Method, r.Target, r.Path, r.RawPath, r.Query, r.Host, r.Fields.List[0].Name, r.Fields.List[0].Value, r.Hops[0]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if allocs != 0 {
		t.Errorf("got %v allocations when called again, want none", allocs)
	}
}

func TestOwnResponse(t *testing.T) {
	head := []byte("Name: value")
	s := View(head)
	var r Response
	r.Begin(head)
	r.Fields.Add(s[:4], s[6:])
	r.Fields.Add("Other", "ordinary")
	r.Own()
	clear(head)
	if diff := cmp.Diff([]string{"Name: value", "Other: ordinary"}, lines(&r.Fields)); diff != "" {
		t.Error(diff)
	}
	r.Begin(nil)
	r.Own()
	if len(r.Fields.List) != 0 || r.Status != 0 {
		t.Errorf("got %v after Begin, want an empty response", r)
	}
}

func TestRequestBeginForgets(t *testing.T) {
	r := Request{Method: "GET", Hops: []string{"X"}, Continue: true, ContinueAsked: true, WebSocket: true, ContentLength: 3}
	r.Fields.Add("A", "b")
	r.Begin(nil)
	if r.Method != "" || len(r.Hops) != 0 || r.Continue || r.ContinueAsked || r.WebSocket || r.ContentLength != 0 || len(r.Fields.List) != 0 {
		t.Errorf("got %+v, want nothing of the former request", r)
	}
}
