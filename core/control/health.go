package control

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/store"
)

// checkerState is how one health checker is shown.
type checkerState struct {
	Name  string        `json:"name"`
	Type  string        `json:"type,omitempty"`
	Nodes []CheckedNode `json:"nodes"`
}

// checked are the kinds of resources that can have health checks, in the order in which they are listed.
func checked() []string { return []string{"routes", "stream_routes", "services", "upstreams"} }

// health answers with the state of every resource that has checks. Nodes are known from the first request on that goes to them.
func (a *api) health(r *http.Request) reply {
	live := a.checkers()
	states := []checkerState{}
	for _, kind := range checked() {
		for _, item := range a.source.Items(kind) {
			if typ, has := checkType(item.Value); has {
				states = append(states, a.checkerState(item, typ, live))
			}
		}
	}
	if wantsHTML(r) {
		return page(states)
	}
	return ok(listOf(states))
}

// healthOf answers with the state of one resource.
func (a *api) healthOf(path string, r *http.Request) reply {
	kind, rest, _ := strings.Cut(path, "/")
	id, _, _ := strings.Cut(rest, "/")
	switch {
	case id == "":
		return notFound("missing src id for src type " + kind)
	case !slices.Contains(checked(), kind):
		return fail(http.StatusBadRequest, "invalid src type "+kind)
	}
	item, found := a.find(kind, id)
	if !found {
		return notFound(kind + "[" + id + "] not found")
	}
	typ, has := checkType(item.Value)
	if !has {
		return notFound("no checker for " + kind + "[" + id + "]")
	}
	state := a.checkerState(item, typ, a.checkers())
	if wantsHTML(r) {
		return page([]checkerState{state})
	}
	return ok(state)
}

func (a *api) checkers() map[string]Checker {
	live := map[string]Checker{}
	for _, c := range a.source.Health() {
		live[c.Key] = c
	}
	return live
}

func (a *api) checkerState(item store.Item, typ string, live map[string]Checker) checkerState {
	c := live[item.Key]
	nodes := slices.Clone(c.Nodes)
	slices.SortFunc(nodes, func(x, y CheckedNode) int {
		return cmp.Or(cmp.Compare(x.IP, y.IP), cmp.Compare(x.Port, y.Port), cmp.Compare(x.Host, y.Host))
	})
	if nodes == nil {
		nodes = []CheckedNode{}
	}
	return checkerState{Name: a.prefix + item.Key, Type: cmp.Or(c.Type, typ), Nodes: nodes}
}

// checkType returns the type of the checks that a resource has, its own or those of its upstream.
func checkType(value []byte) (typ string, has bool) {
	if !bytes.Contains(value, []byte(`"checks"`)) {
		return "", false
	}
	type checks struct {
		Active, Passive *struct{ Type string }
	}
	var doc struct {
		Checks   *checks
		Upstream struct{ Checks *checks }
	}
	if json.Unmarshal(value, &doc) != nil {
		return "", false
	}
	c := cmp.Or(doc.Checks, doc.Upstream.Checks)
	switch {
	case c == nil:
		return "", false
	case c.Active != nil:
		return cmp.Or(c.Active.Type, "http"), true
	case c.Passive != nil:
		return cmp.Or(c.Passive.Type, "http"), true
	}
	return "", true
}

func wantsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// page shows checkers as a table for people, with the columns of APISIX's.
func page(states []checkerState) reply {
	var b bytes.Buffer
	b.WriteString(`<html xmlns="http://www.w3.org/1999/xhtml">
<head>
  <title>Upstream check status</title>
</head>
<body>
<h1>Upstream check status</h1>
<table style="background-color:white" cellspacing="0" cellpadding="3" border="1">
`)
	row(&b, "#C0C0C0", "th", "Index", "Upstream", "Check type", "Host", "Status", "Success counts", "TCP Failures", "HTTP Failures", "TIMEOUT Failures")
	index := 0
	for _, s := range states {
		for _, n := range s.Nodes {
			index++
			colour := "#FF0000"
			if n.Status == "healthy" || n.Status == "mostly_healthy" {
				colour = ""
			}
			row(&b, colour, "td", strconv.Itoa(index), s.Name, s.Type, n.IP+":"+strconv.Itoa(n.Port), n.Status, strconv.Itoa(n.Counter.Success),
				strconv.Itoa(n.Counter.TCPFailure), strconv.Itoa(n.Counter.HTTPFailure), strconv.Itoa(n.Counter.TimeoutFailure))
		}
	}
	b.WriteString("</table>\n</body>\n</html>\n")
	return reply{status: http.StatusOK, text: b.Bytes(), media: "text/html"}
}

func row(b *bytes.Buffer, colour, tag string, cells ...string) {
	b.WriteString("  <tr")
	if colour != "" {
		b.WriteString(` bgcolor="` + colour + `"`)
	}
	b.WriteString(">\n")
	for _, c := range cells {
		b.WriteString("    <" + tag + ">" + html.EscapeString(c) + "</" + tag + ">\n")
	}
	b.WriteString("  </tr>\n")
}
