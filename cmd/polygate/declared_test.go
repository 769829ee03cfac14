package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what commands print into the pages that show them")

// managed is a gateway that commands change through its Admin API.
type managed struct {
	*gateway
	admin, control, key string
}

func startManaged(t *testing.T) *managed {
	t.Helper()
	dir := t.TempDir()
	silent := strings.Replace(anywhere, "nginx_config:\n", "nginx_config:\n  http: {enable_access_log: false}\n", 1)
	config := write(t, filepath.Join(dir, "config.yaml"), silent)
	g := &managed{gateway: startGateway(t, "-c", config, "--data-dir", filepath.Join(dir, "data"))}
	g.key = g.log.submatch(t, `\n    ([A-Za-z0-9_-]{43})\n`)
	g.admin = "http://" + g.log.submatch(t, `address=(\S+) for="the Admin API`)
	g.control = "http://" + g.log.submatch(t, `address=(\S+) for="the Control API`)
	return g
}

// run runs a command against the gateway and returns its exit code and what it prints.
func (g *managed) run(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out output
	env := func(name string) (string, bool) { return g.key, name == keyVariable }
	if args[0] != "validate" {
		args = append(slices.Clone(args), "--admin", g.admin)
	}
	code := execute(t.Context(), args, console{&out, &out, env})
	return code, out.String()
}

// must runs a command that is expected to end with a code.
func (g *managed) must(t *testing.T, code int, args ...string) string {
	t.Helper()
	got, text := g.run(t, args...)
	if got != code {
		t.Fatalf("%v: got exit code %d, want %d\n%s", args, got, code, text)
	}
	return text
}

// TestPageOfDeclarative runs the commands on the page, each block in order, and compares what they print.
func TestPageOfDeclarative(t *testing.T) {
	page, err := filepath.Abs(filepath.Join(root, "docs", "declarative.md"))
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, page)
	g := startManaged(t)
	t.Chdir(t.TempDir())
	var out strings.Builder
	kind, block := "", ""
	for line := range strings.Lines(text) {
		switch fence, ok := strings.CutPrefix(line, "```"); {
		case !ok && kind != "":
			block += line
			continue
		case ok && kind == "":
			kind, block = strings.TrimSpace(fence), ""
		case ok:
			if name, isFile := strings.CutPrefix(kind, "yaml "); isFile {
				write(t, name, block)
			}
			if kind == "console" {
				block = g.console(t, block)
			}
			out.WriteString(block)
			kind = ""
		}
		out.WriteString(line)
	}
	if *update {
		write(t, page, out.String())
		return
	}
	if diff := cmp.Diff(text, out.String()); diff != "" {
		t.Errorf("-page +printed:\n%s", diff)
	}
	g.end(t)
}

// console runs the commands of a block and returns it with what they print.
func (g *managed) console(t *testing.T, block string) string {
	t.Helper()
	out := ""
	for line := range strings.Lines(block) {
		if command, ok := strings.CutPrefix(line, "$ polygate "); ok {
			_, text := g.run(t, strings.Fields(command)...)
			out += line + text
		}
	}
	return out
}

const everything = `
secrets: [{id: vault/1, uri: "http://127.0.0.1:1", prefix: kv, token: "yes"}]
upstreams: [{id: u, type: roundrobin, nodes: {"127.0.0.1:1": 1}}, {id: v, type: chash, key: uri, nodes: [{host: "[::1]", port: 80, weight: 1}]}]
services: [{id: s, upstream_id: u, graphql_cost_decorations: [{id: d, field_path: Query.a}]}]
plugin_configs: [{id: p, plugins: {request-id: {}}}]
routes:
  - {id: 1, uri: /a, service_id: s, plugin_config_id: p, desc: "${{X:=two\nlines}}", vars: [[arg_x, "==", "yes"], [arg_y, in, []]]}
  - {id: 10, uris: [/b, /c], upstream_id: v, methods: [GET], status: 0, priority: -5, labels: {team: a}}
consumer_groups: [{id: gold, plugins: {}}]
consumers:
  - {username: jack, group_id: gold, credentials: [{id: c1, plugins: {key-auth: {key: "0x10"}}}]}
  - {username: jill, plugins: {key-auth: {key: k}}}
global_rules: [{id: g, plugins: {cors: {}}}]
protos: [{id: 1, content: "syntax = \"proto3\";\npackage a;\nmessage M {}\n"}]
plugin_metadata: [{id: request-id, x: "on"}]
`

// TestDumpAndSync holds that what one gateway has becomes what another one has, to the byte.
func TestDumpAndSync(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "all.yaml"), everything)
	first, second := startManaged(t), startManaged(t)
	first.must(t, exitDifference, "diff", file)
	first.must(t, exitOK, "sync", file, "--wait", "20s", "--control", first.control)
	first.must(t, exitOK, "diff", file)
	dump := filepath.Join(t.TempDir(), "dump.yaml")
	first.must(t, exitOK, "dump", "--output", dump)
	if got := first.must(t, exitOK, "sync", dump); got != "nothing to do\n" {
		t.Errorf("sync of what was dumped: got %q, want nothing to do", got)
	}
	second.must(t, exitOK, "sync", dump)
	if diff := cmp.Diff(read(t, dump), second.must(t, exitOK, "dump")); diff != "" {
		t.Errorf("the second gateway: -want +got:\n%s", diff)
	}
	empty := write(t, filepath.Join(t.TempDir(), "empty.yaml"), "routes: []\n")
	second.must(t, exitOK, "sync", empty)
	if got := second.must(t, exitOK, "dump"); got != "routes: []\n#END\n" {
		t.Errorf("after everything was deleted: got\n%s", got)
	}
	first.end(t)
	second.end(t)
}

func TestSync(t *testing.T) {
	g := startManaged(t)
	dir := t.TempDir()
	file := func(text string) string { return write(t, filepath.Join(dir, "file.yaml"), text) }
	const up = "upstreams: [{id: u, type: roundrobin, nodes: {\"127.0.0.1:1\": 1}}]\n"
	steps := []struct {
		name string
		text string
		args []string
		code int
		want []string // in what is printed
	}{
		{"keys of consumers", "consumers: [{username: a, plugins: {key-auth: {key: x}}}, {username: b, plugins: {key-auth: {key: y}}}]", nil, exitOK, []string{"2 created"}},
		{"a key that moves", "consumers: [{username: a, plugins: {key-auth: {key: y}}}, {username: c, plugins: {key-auth: {key: x}}}]", nil, exitOK,
			[]string{"- consumers/b", "~ consumers/a: plugins.key-auth.key", "1 created, 1 updated, 1 deleted"}},
		{"mistakes", "routes: [{id: 1, uri: 5}, {id: 2, uri: /a, upstream_id: none}]", nil, exitConfig, []string{"file.yaml:1:23: routes/1", "1 error"}},
		{"what is not there", "routes: [{id: 2, uri: /a, upstream_id: none}]", nil, exitConfig, []string{`there is no upstream "none"`}},
		{"what would be gone", "routes: [{id: 2, uri: /a, upstream_id: u}]", []string{"--no-delete"}, exitConfig, []string{`there is no upstream "u"`}},
		{"what the gateway refuses", up + "routes: [{id: 1, uri: /a, plugins: {nonesuch: {}}}]", nil, exitConfig, []string{"the gateway refuses it: ", "unknown plugin [nonesuch]", "^^^^^^^^"}},
		{"a rehearsal", up, []string{"--dry-run"}, exitOK, []string{"+ upstreams/u", "- consumers/c"}},
		{"nothing is deleted", up, []string{"--no-delete"}, exitOK, []string{"1 created, 0 updated, 0 deleted"}},
		{"references to what is there", "routes: [{id: 1, uri: /a, upstream_id: u, labels: {team: a}}]", []string{"--no-delete"}, exitOK, []string{"1 created"}},
		{"what is referred to", "routes: [{id: 1, uri: /a, upstream_id: u, labels: {team: a}}]", nil, exitConfig, []string{`there is no upstream "u"`}},
		{"a team", "routes: [{id: 2, uri: /b, upstream_id: u, labels: {team: a}}]", []string{"--select", "team=a"}, exitOK, []string{"+ routes/2", "- routes/1", "1 created, 0 updated, 1 deleted"}},
		{"another team", "routes: [{id: 2, uri: /b, upstream_id: u, labels: {team: b}}]", []string{"--select", "team=b"}, exitConfig, []string{"belongs to somebody else"}},
		{"waiting for what", up, []string{"--wait", "1s"}, exitUsage, []string{"--wait needs --control"}},
		{"certificate without its key", "ssls: [{id: 1, cert: c, sni: a.com}]", nil, exitRuntime, []string{"the private key is not in the file", "could not be given to the gateway in full"}},
		{"a warning", "routes: [{id: 1, uri: /a, plugins: {key-auth: {hedaer: x}}}]", nil, exitOK, []string{`plugin key-auth has no attribute "hedaer"`, "+ routes/1"}},
		{"all is gone", "routes: []", nil, exitOK, nil},
	}
	for _, tt := range steps {
		t.Run(tt.name, func(t *testing.T) {
			text := g.must(t, tt.code, append([]string{"sync", file(tt.text)}, tt.args...)...)
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
		})
	}
	g.end(t)
}

// TestStandardInput also holds that diff in JSON is JSON.
func TestStandardInput(t *testing.T) {
	g := startManaged(t)
	var out bytes.Buffer
	cmd := newRoot(console{&out, &out, func(name string) (string, bool) { return g.key, name == keyVariable }})
	cmd.SetIn(strings.NewReader(`{"routes":[{"id":1,"uri":"/a","plugins":{}}]}`))
	cmd.SetArgs([]string{"diff", "-", "--format", "json", "--admin", g.admin})
	_ = cmd.ExecuteContext(t.Context()) // it says by its code that there are differences
	var list []difference
	if err := json.Unmarshal(out.Bytes(), &list); err != nil || len(list) != 1 || list[0].Op != "create" || list[0].Key != "routes/1" {
		t.Errorf("got %v, %v from\n%s", list, err, &out)
	}
	g.end(t)
}

// TestKeyOfDataFolder holds that the key of a gateway on this machine is sent to no other.
func TestKeyOfDataFolder(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, keyFile), "made\n")
	tests := []struct{ name, url, flag, env, want string }{
		{"this machine", "http://127.0.0.1:9180", "", "", "made"},
		{"by name", "http://localhost:9180", "", "", "made"},
		{"another machine", "http://gateway.example.com:9180", "", "", ""},
		{"environment", "http://127.0.0.1:9180", "", "env", "env"},
		{"flag", "http://127.0.0.1:9180", "flag", "env", "flag"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := adminFlags{url: tt.url, key: tt.flag, data: dir}
			got, err := f.adminKey(console{env: func(string) (string, bool) { return tt.env, tt.env != "" }})
			if got != tt.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestValidateFormats(t *testing.T) {
	file := write(t, filepath.Join(t.TempDir(), "a,b.yaml"), "routes:\n  - {id: 1, uri: 5}\n")
	tests := []struct {
		format string
		code   int
		want   string
	}{
		{"json", exitConfig, `"line": 2,`},
		{"github", exitConfig, "a%2Cb.yaml,line=2,col=18,endColumn=19,title=routes/1::property \"uri\" validation failed"},
		{"xml", exitUsage, `--format is "xml"`},
	}
	for _, tt := range tests {
		t.Run(tt.format, func(t *testing.T) {
			var out output
			if code := execute(t.Context(), []string{"validate", "--format", tt.format, file}, console{&out, &out, noEnv}); code != tt.code {
				t.Errorf("exit code: got %d, want %d", code, tt.code)
			}
			if !strings.Contains(out.String(), tt.want) {
				t.Errorf("%q is missing in\n%s", tt.want, &out)
			}
		})
	}
}

// TestValidateWatchedFile holds that a file that a gateway would wait for is not valid.
func TestValidateWatchedFile(t *testing.T) {
	t.Chdir(t.TempDir())
	config := write(t, "config.yaml", "deployment: {role: data_plane, role_data_plane: {config_provider: yaml}}\n")
	if err := os.Mkdir("conf", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"apisix.yaml", filepath.Join("conf", "apisix.yaml")} {
		write(t, path, "routes: []\n")
	}
	var out output
	if code := execute(t.Context(), []string{"validate", "-c", config}, console{&out, &out, noEnv}); code != exitConfig || !strings.Contains(out.String(), "#END") {
		t.Errorf("got exit code %d, want 3\n%s", code, &out)
	}
}

// TestExampleOfDeclarative holds that the files of the example are right.
func TestExampleOfDeclarative(t *testing.T) {
	var out output
	if code := execute(t.Context(), []string{"validate", filepath.Join(root, "examples", "declarative", "gateway")}, console{&out, &out, noEnv}); code != exitOK {
		t.Errorf("got exit code %d, want 0\n%s", code, &out)
	}
}

// manyRoutes is a file with 10,000 routes.
func manyRoutes(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	text.WriteString("upstreams: [{id: u, type: roundrobin, nodes: {\"127.0.0.1:1\": 1}}]\nroutes:\n")
	for i := range 10_000 {
		fmt.Fprintf(&text, "  - {id: r%d, name: route %d, uri: /service%d/*, host: h%d.example.com, methods: [GET, POST], upstream_id: u, plugins: {limit-count: {count: %d, time_window: 60}}}\n",
			i, i, i, i%100, i%50+1)
	}
	return write(t, filepath.Join(t.TempDir(), "many.yaml"), text.String())
}

// TestManyRoutes bounds what 10,000 routes may take: 3 s to validate and 30 s to sync, on a machine that does nothing else. The limits
// here are for one that does.
func TestManyRoutes(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("it takes a while, and much longer with the race detector")
	}
	file := manyRoutes(t)
	g := startManaged(t)
	steps := []struct {
		name  string
		limit time.Duration
		args  []string
	}{
		{"validate", 15 * time.Second, []string{"validate", file}},
		{"sync", 60 * time.Second, []string{"sync", "-q", file}},
		{"sync without changes", 30 * time.Second, []string{"sync", file}},
	}
	for _, tt := range steps {
		start := time.Now()
		g.must(t, exitOK, tt.args...)
		took := time.Since(start)
		t.Logf("%s: %v", tt.name, took.Round(time.Millisecond))
		if took > tt.limit {
			t.Errorf("%s: got %v, want less than %v", tt.name, took, tt.limit)
		}
	}
	if code, body := do(t, http.MethodGet, g.admin+"/apisix/admin/routes/r9999", g.key, ""); code != http.StatusOK {
		t.Errorf("the last route: got %d %s", code, body)
	}
	g.end(t)
}
