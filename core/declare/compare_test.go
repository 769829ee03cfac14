package declare_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/declare"
)

// stored returns the items of a text as a gateway has them.
func stored(t testing.TB, text string) []declare.Item {
	t.Helper()
	items := load(t, text).Items
	for i := range items {
		items[i].Revision = int64(i + 1)
	}
	return items
}

// told returns changes as text.
func told(changes []declare.Change) []string {
	var out []string
	for i := range changes {
		c := &changes[i]
		line := fmt.Sprintf("%s %s", c.Op, c.Item.Key)
		if len(c.Paths) > 0 {
			line += ": " + strings.Join(c.Paths, " ")
		}
		if c.Patch != nil {
			patch, _ := json.Marshal(c.Patch)
			line += " " + string(patch)
		}
		out = append(out, line)
	}
	return out
}

func TestCompare(t *testing.T) {
	const up = "upstreams: [{id: u, type: roundrobin, nodes: {a: 1}}]\n"
	tests := []struct {
		name       string
		want, have string
		scope      declare.Scope
		changes    []string
		problems   []string
	}{
		{
			name: "order", want: "routes: [{id: 1, uri: /a, service_id: s}]\nservices: [{id: s}]\nconsumers: [{username: j, credentials: [{id: c, plugins: {}}]}]",
			have:    up + "routes: [{id: 2, uri: /b, upstream_id: u}]\nconsumers: [{username: k, credentials: [{id: c, plugins: {}}]}]",
			changes: []string{"create services/s", "create routes/1", "create consumers/j", "create consumers/j/credentials/c", "delete consumers/k", "delete routes/2", "delete upstreams/u"},
		},
		{name: "the same", want: up, have: up},
		{
			name: "defaults and spellings that mean the same",
			want: "routes: [{id: 1, uri: /a, priority: 1.0, methods: [], plugins: {limit: {count: 1, window: 1, code: 503}, key-auth: {}}}]",
			have: "routes: [{id: 1, uri: /a, priority: 1, status: 1, methods: {}, plugins: {limit: {count: 1, window: 1}, key-auth: {header: apikey}}, create_time: 5}]",
		},
		{
			name: "paths", want: "routes: [{id: 1, uri: /a, uris: [/x, /y], labels: {a: b}, vars: [[a, '==', b]]}]",
			have:    "routes: [{id: 1, uri: /b, uris: [/x, /z], name: n, vars: []}]",
			changes: []string{"update routes/1: labels name uri uris[1] vars"},
		},
		{name: "nothing is deleted", want: up, have: up + "routes: [{id: 1, uri: /a}]", scope: declare.Scope{Keep: true}},
		{
			name: "selection", scope: declare.Scope{Labels: map[string]string{"team": "a"}},
			want:    "routes: [{id: 1, uri: /a, labels: {team: a}}]\nglobal_rules: [{id: g, plugins: {}}]\nconsumers: [{username: a, labels: {team: a}, credentials: [{id: c, plugins: {}}]}]",
			have:    "consumers: [{username: a, labels: {team: a}, credentials: [{id: d, plugins: {}}]}, {username: b, credentials: [{id: c, plugins: {}}]}]\nroutes: [{id: 2, uri: /b, labels: {team: a}}, {id: 3, uri: /c, labels: {team: b}}, {id: 4, uri: /d}]\nglobal_rules: [{id: h, plugins: {}}]",
			changes: []string{"create routes/1", "create consumers/a/credentials/c", "create global_rules/g", "delete consumers/a/credentials/d", "delete routes/2"},
		},
		{
			name: "what does not belong to a selection", scope: declare.Scope{Labels: map[string]string{"team": "a"}},
			want: "routes: [{id: 1, uri: /a}, {id: 2, uri: /b, labels: {team: a}}]", have: "routes: [{id: 2, uri: /b, labels: {team: b}}]",
			problems: []string{
				"a.yaml:1:10: routes/1: it does not have the labels team=a that are selected; add them, so that it is found again",
				"a.yaml:1:28: routes/2: the gateway has it without the labels team=a: it belongs to somebody else",
			},
		},
		{
			name: "certificates", want: "ssls: [{id: 1, cert: c, sni: b, snis: [x]}, {id: 2, cert: c, key: k, sni: a}, {id: 3, cert: d, sni: a}, {id: 4, cert: d, key: k, sni: a}]",
			have:    "ssls: [{id: 1, cert: c, sni: a, desc: x}, {id: 2, cert: c, sni: a}, {id: 4, cert: c, sni: a}]",
			changes: []string{`update ssls/1: desc sni snis {"desc":null,"sni":"b","snis":["x"]}`, "update ssls/4: cert"},
			problems: []string{
				`a.yaml:1:79: warning: ssls/3: the private key is not in the file, and the gateway does not have the certificate: it is left out; write the property "key"`,
			},
		},
		{
			name: "rewritten keys", scope: declare.Scope{Keys: true},
			want: "ssls: [{id: 1, cert: c, sni: a}, {id: 2, cert: c, key: k, sni: a}]", have: "ssls: [{id: 1, cert: c, sni: a}, {id: 2, cert: c, sni: a}]",
			changes: []string{"update ssls/2"},
		},
		{
			name: "the key of a client is shown encrypted",
			want: "upstreams: [{id: 1, tls: {client_cert: c, client_key: '-----BEGIN'}}, {id: 2, tls: {client_cert: d, client_key: '-----BEGIN'}}]",
			have: "upstreams: [{id: 1, tls: {client_cert: c, client_key: Zm9v}}, {id: 2, tls: {client_cert: c, client_key: Zm9v}}]",
			changes: []string{
				"update upstreams/2: tls.client_cert tls.client_key",
			},
		},
		{
			name: "a list of plugins", want: "plugins: [{name: limit}]",
			problems: []string{"warning: plugins: the Admin API cannot say which plugins are enabled; the list is left out; write it into config.yaml"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.scope.Catalog = catalog(t)
			have := tt.have
			if have == "" {
				have = "routes: []"
			}
			changes, problems := declare.Compare(load(t, tt.want), stored(t, have), tt.scope)
			if diff := cmp.Diff(tt.changes, told(changes)); diff != "" {
				t.Errorf("changes: -want +got:\n%s", diff)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			if diff := cmp.Diff(tt.problems, got); diff != "" {
				t.Errorf("problems: -want +got:\n%s", diff)
			}
		})
	}
}

// TestLines shows a change: what only one side spells out is no difference.
func TestLines(t *testing.T) {
	want := `routes: [{id: 1, uri: /a, desc: "x", plugins: {limit: {count: 2, window: 1, code: 503}}, vars: [[a], [b], [c], [d], [e], [f]]}]`
	have := `routes: [{id: 1, uri: /a, desc: "y", priority: 0, plugins: {limit: {count: 1, window: 1}}, vars: [[a], [b], [c], [d], [e], [g]]}]`
	changes, _ := declare.Compare(load(t, want), stored(t, have), declare.Scope{Catalog: catalog(t)})
	if len(changes) != 1 {
		t.Fatalf("got %d changes, want 1", len(changes))
	}
	var got strings.Builder
	for _, l := range changes[0].Lines() {
		got.WriteString(string(l.Sign) + l.Text + "\n")
	}
	const text = `-desc: "y"
+desc: x
 uri: /a
 plugins:
   limit:
     code: 503
-    count: 1
+    count: 2
     window: 1
 vars:
   - - a
@… 1 more that are the same
   - - c
   - - d
   - - e
-  - - g
+  - - f
`
	if diff := cmp.Diff(text, got.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := declare.Summary(changes) + "; " + declare.Summary(nil); got != "1 to update; nothing" {
		t.Errorf("summary: got %q", got)
	}
}

func TestRemaining(t *testing.T) {
	have := stored(t, "services: [{id: s}, {id: r}]")
	changes, _ := declare.Compare(load(t, "services: [{id: s}]"), have, declare.Scope{Catalog: catalog(t)})
	has := declare.Remaining(have, changes)
	if !has("services", "s") || has("services", "r") {
		t.Errorf("got s %v and r %v, want true and false", has("services", "s"), has("services", "r"))
	}
}

func TestParseLabels(t *testing.T) {
	got, err := declare.ParseLabels([]string{"a=b", "c=d=e"})
	if diff := cmp.Diff(map[string]string{"a": "b", "c": "d=e"}, got); diff != "" || err != nil {
		t.Errorf("got error %v, -want +got:\n%s", err, diff)
	}
	for _, bad := range []string{"", "a", "=b", "a="} {
		if _, err := declare.ParseLabels([]string{bad}); err == nil {
			t.Errorf("%q: got no error, want one", bad)
		}
	}
}
