package file_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store/file"
)

func env(name string) (string, bool) {
	v, ok := map[string]string{
		"HOST": "10.0.0.1", "PORT": "1980", "FLAG": "true", "EMPTY": "", "CERT": "one\n      two\n      three",
	}[name]
	return v, ok
}

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		file string // default apisix.yaml; "#END" is appended to YAML
		text string
		want map[string]string
		err  string // all lines
	}{
		{
			name: "kinds and identifiers",
			text: `
routes:
  - id: 1
    uri: /a
  - uri: /b
services: [{id: s-1, name: "x"}]
consumers:
  - username: jack
  - {username: jill, id: jill/credentials/one}
plugin_metadata:
  - {id: http-logger, log_format: {a: $host}}
plugins:
  - name: key-auth
  - {name: mqtt-proxy, stream: true}
routes_conf_version: 3
upstreams:
`,
			want: map[string]string{
				"routes/1":                       `{"id":1,"uri":"/a"}`,
				"routes/arr_2":                   `{"uri":"/b"}`,
				"services/s-1":                   `{"id":"s-1","name":"x"}`,
				"consumers/jack":                 `{"username":"jack"}`,
				"consumers/jill/credentials/one": `{"username":"jill","id":"jill/credentials/one"}`,
				"plugin_metadata/http-logger":    `{"id":"http-logger","log_format":{"a":"$host"}}`,
				"plugins":                        `[{"name":"key-auth"},{"name":"mqtt-proxy","stream":true}]`,
			},
		},
		{
			name: "scalars",
			text: `
routes:
  - id: x
    ints: [0, -1, 9007199254740993, 123456789012345678901234567890, 0x1F, 0o17, 017, 08, 1_000, +5, 0b101, 1:30, -1:0:0]
    floats: [1.0, 1.50, 1e3, .5, 5., 1e-400, 1_0.5, 1:30.5, 0x1.8]
    bools: [true, False, yes, "yes", off, 'on']
    nulls: [null, ~, '', !!null x]
    tags: [!!str 1, !!bool y, !!int "7", !!float 0x10, !mine 1, !mine "1"]
    texts: [2001-01-01, "a<b>&c", 1.2.3, y, 0b1, 1:, 0x, e5, inf, "12", 'é', "\u0001"]
    80: port
`,
			want: map[string]string{"routes/x": `{"id":"x","ints":[0,-1,9007199254740993,123456789012345678901234567890,31,"0o17",15,8,1000,5,5,90,-3600],` +
				`"floats":[1.0,1.50,1e3,0.5,5,1e-400,10.5,90.5,1.5],"bools":[true,false,true,"yes",false,"on"],"nulls":[{},{},"",{}],` +
				`"tags":["1",true,7,16,1,"1"],` +
				`"texts":["2001-01-01","a<b>&c","1.2.3","y","0b1","1:","0x","e5","inf","12","é","\u0001"],"80":"port"}`},
		},
		{
			name: "aliases and merged objects",
			text: `
upstreams:
  - &base {id: 1, type: roundrobin, nodes: &nodes {"a:1": 1}}
  - <<: *base
    id: 2
  - {<<: [{type: chash}, *base], id: 3}
routes: [{id: 1, upstream: {nodes: *nodes}}]
`,
			want: map[string]string{
				"upstreams/1": `{"id":1,"type":"roundrobin","nodes":{"a:1":1}}`,
				"upstreams/2": `{"id":2,"type":"roundrobin","nodes":{"a:1":1}}`,
				"upstreams/3": `{"id":3,"type":"chash","nodes":{"a:1":1}}`,
				"routes/1":    `{"id":1,"upstream":{"nodes":{"a:1":1}}}`,
			},
		},
		{
			name: "variables",
			text: "routes:\n  - id: 1\n    host: ${{HOST}}\n    port: ${{ PORT }}\n    text: \"${{PORT}}\"\n    flag: ${{FLAG}}\n" +
				"    other: ${{NONE:= /x }}\n    empty: \"${{EMPTY:=d}}\"\n    twice: ${{HOST}}:${{PORT}}",
			want: map[string]string{"routes/1": `{"id":1,"host":"10.0.0.1","port":1980,"text":"1980","flag":true,"other":"/x","empty":"","twice":"10.0.0.1:1980"}`},
		},
		{
			name: "variables that are missing",
			text: "routes:\n  - uri: ${{NONE}}\n  - uri: ${{ALSO_NONE}}",
			err: "apisix.yaml:2: the environment variable NONE is not set; set it or write ${{NONE:=default}}\n" +
				"apisix.yaml:3: the environment variable ALSO_NONE is not set; set it or write ${{ALSO_NONE:=default}}",
		},
		{
			name: "lines after a value of several lines",
			text: "ssls:\n  - id: 1\n    cert: |\n      ${{CERT}}\n    key: x\nroute: []",
			want: map[string]string{"ssls/1": `{"id":1,"cert":"one\ntwo\nthree\n","key":"x"}`},
			err:  `apisix.yaml:6: unknown key "route"; did you mean "routes"?`,
		},
		{
			name: "what is wrong is left out and the rest applied",
			text: `
routes:
  -
  - text
  - id: [1]
  - id: 5
    x: .inf
  - {id: 6, uri: /a, uri: /b}
  - {id: 6, uri: /c}
  - {[a]: b}
  - <<: 5
  - !!bool maybe
  - {id: 7, b: !!bool maybe, f: !!float x}
nothing_like_it: 1
ssl: []`,
			want: map[string]string{"routes/6": `{"id":6,"uri":"/c"}`},
			err: strings.Join([]string{
				`apisix.yaml:3: routes[0]: the item is not an object; it is left out`,
				`apisix.yaml:4: routes[1]: the item is not an object; it is left out`,
				`apisix.yaml:5: routes[2]: the id is neither a string nor a number; the item is left out`,
				`apisix.yaml:7: routes[3]: .inf: infinity and not-a-number cannot be used`,
				`apisix.yaml:8: "uri" stands here again; the first one is in line 8`,
				`apisix.yaml:9: routes[5]: the id "6" stands here again; the item in line 8 is replaced`,
				`apisix.yaml:10: routes[6]: a key is neither a string nor a number`,
				`apisix.yaml:11: routes[7]: "<<" needs an object or a list of objects`,
				`apisix.yaml:12: routes[8]: the item is not an object; it is left out`,
				`apisix.yaml:13: routes[9]: maybe: neither true nor false`,
				`apisix.yaml:14: unknown key "nothing_like_it"; known are routes, services, upstreams, consumers, consumer_groups, ssls, ` +
					`global_rules, plugin_configs, plugin_metadata, protos, secrets, stream_routes and plugins`,
				`apisix.yaml:15: unknown key "ssl"; did you mean "ssls"?`,
			}, "\n"),
		},
		{name: "nothing but the end", text: "", err: `apisix.yaml:1: the file holds no configuration; to remove everything, write "routes: []"`},
		{name: "null", text: "---\n", err: `apisix.yaml:4: the file holds no configuration; to remove everything, write "routes: []"`},
		{name: "everything removed", text: "routes: []", want: map[string]string{}},
		{name: "a list", text: "- a", err: `apisix.yaml:1: the file is not an object of lists such as "routes"`},
		{name: "a kind that is no list", text: "routes:\n  a: 1", err: "apisix.yaml:2: routes: not a list"},
		{name: "plugins that are no list", text: "plugins:\n  a: 1", err: "apisix.yaml:2: plugins: not a list"},
		{name: "not YAML", text: "routes:\n  - uri: [/a\n", err: "apisix.yaml:2: did not find expected ',' or ']'"},
		{name: "tab", text: "routes:\n\t- uri: /a", err: "apisix.yaml:2: found character that cannot start any token"},
		{name: "two documents", text: "routes: []\n---\nroutes: [{id: 1}]", want: map[string]string{}, err: "apisix.yaml:2: the file has more than one document; only the first one is used"},
		{name: "unknown anchor", text: "routes: *none", err: "apisix.yaml:1: unknown anchor 'none' referenced"},
		{
			name: "JSON", file: "apisix.json",
			text: "{\n \"routes\": [\n {\"id\": 1, \"uri\": \"/a<b\", \"n\": 1.0, \"big\": 9007199254740993, \"e\": {}, \"l\": [true, null]}]}",
			want: map[string]string{"routes/1": `{"id":1,"uri":"/a<b","n":1.0,"big":9007199254740993,"e":{},"l":[true,null]}`},
		},
		{
			name: "JSON with variables", file: "apisix.json",
			text: `{"routes":[{"id":"1","p":"${{PORT}}","h":"${{HOST}}","f":"${{FLAG}}","y":"yes","${{HOST}}":"${{NONE:=inf}}","o":"${{NONE:=010}}"}]}`,
			want: map[string]string{"routes/1": `{"id":"1","p":1980,"h":"10.0.0.1","f":true,"y":"yes","10.0.0.1":"inf","o":10}`},
		},
		{
			name: "JSON with a missing variable and an unknown key", file: "apisix.json",
			text: "{\"routes\":[\n{\"id\":\"${{NONE}}\"}],\n\"route\":[]}",
			err: "apisix.json:2: the environment variable NONE is not set; set it or write ${{NONE:=default}}\n" +
				`apisix.json:3: unknown key "route"; did you mean "routes"?`,
		},
		{name: "not JSON", file: "apisix.json", text: "{\n\"routes\": [\n{]", err: "apisix.json:3: invalid character ']'"},
		{name: "JSON cut off", file: "apisix.json", text: "{\n\"routes\": [\n{\"id\":", err: "apisix.json:3: unexpected end of JSON input"},
		{name: "JSON with a rest", file: "apisix.json", text: "{}\n{}", err: "apisix.json:2: invalid character '{' after top-level value"},
		{name: "empty JSON", file: "apisix.json", text: "", err: `apisix.json:1: the file holds no configuration; to remove everything, write "routes: []"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			name, text := tt.file, tt.text
			if name == "" {
				name, text = "apisix.yaml", tt.text+"\n#END\n"
			}
			items, err := file.Parse(name, []byte(text), env)
			if got := fmt.Sprint(err); err != nil && (tt.err == "" || !strings.HasPrefix(got, tt.err)) || err == nil && tt.err != "" {
				t.Errorf("errors (-want +got):\n%s", cmp.Diff(tt.err, got))
			}
			if tt.want == nil && items != nil {
				t.Errorf("got %d items, want nil", len(items))
			}
			got := map[string]string{}
			for _, it := range items {
				got[it.Key] = string(it.Value)
				if !json.Valid(it.Value) {
					t.Errorf("%s is not JSON: %s", it.Key, it.Value)
				}
			}
			if diff := cmp.Diff(tt.want, got); tt.want != nil && diff != "" {
				t.Errorf("items (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseEnd(t *testing.T) {
	tests := []struct {
		name string
		text string
		good bool
	}{
		{"a line of its own", "routes: []\n#END", true},
		{"with white space behind", "routes: []\n#END \r\n\n", true},
		{"missing", "routes: []\n", false},
		{"not at the end", "#END\nroutes: []\n", false},
		{"empty file", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			items, err := file.Parse("a.yaml", []byte(tt.text), nil)
			if (err == nil) != tt.good || (items != nil) != tt.good {
				t.Errorf("got %v, %v, want good: %v", items, err, tt.good)
			}
		})
	}
}

func TestParseBombs(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x]\n")
	for i := range 40 {
		fmt.Fprintf(&laughs, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	tests := []struct {
		name string
		file string
		text string
		err  string
	}{
		{"aliases of aliases", "a.yaml", laughs.String() + "routes: [{id: 1, x: *a40}]", "the aliases expand to more than"},
		{"a list in itself", "a.yaml", "routes: [{id: 1, x: &a [*a, *a]}]", "levels of nesting"},
		{"an object merged into itself", "a.yaml", "routes: [&a {id: 1, <<: [*a, *a]}]", "levels of nesting"},
		{"merged lists of themselves", "a.yaml", "routes: [{id: 1, <<: &a [*a, *a]}]", "levels of nesting"},
		{"a large text many times", "a.yaml", "x: &a " + strings.Repeat("x", 1<<20) + "\nroutes: [{id: 1, x: [" + strings.Repeat("*a, ", 100) + "]}]", "the aliases expand to more than"},
		{"deep lists", "a.yaml", "routes: [{id: 1, x: " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}]", "levels of nesting"},
		{"deep JSON", "a.json", `{"routes":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + "}", "levels of nesting"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			text := tt.text
			if tt.file == "a.yaml" {
				text += "\n#END"
			}
			items, err := file.Parse(tt.file, []byte(text), nil)
			if items != nil || err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("got %d items and error %.300v, want nil and %q", len(items), err, tt.err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"routes:\n  - id: 1\n    uri: /a\n#END\n", "#END", "routes: [{id: 1, <<: &a {b: *a}}]\n#END",
		"upstreams:\n  - &x {id: ${{A:=1}}, n: 0x10}\n  - {<<: *x, id: 2}\nplugins: [{name: a}]\n#END",
		`{"routes":[{"id":1,"uri":"${{B}}"}],"x":1.5e3}`, "a: !!binary aGk=\nroutes: [!!set {a}]\n#END",
		"routes: [[1]]\nssl: ~\n---\nb: c\n#END", "\xef\xbb\xbf{}",
	} {
		f.Add(text, true)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, text string, isJSON bool) {
		name := "a.yaml"
		if isJSON {
			name = "a.json"
		}
		items, err := file.Parse(name, []byte(text), env)
		if items == nil && err == nil {
			t.Error("got neither items nor an error")
		}
		for i, it := range items {
			if !json.Valid(it.Value) {
				t.Errorf("%s is not JSON: %q", it.Key, it.Value)
			}
			if i > 0 && items[i-1].Key >= it.Key {
				t.Errorf("%q is not before %q", items[i-1].Key, it.Key)
			}
		}
	})
}
