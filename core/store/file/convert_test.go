package file_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/store/file"
)

func TestFromYAML(t *testing.T) {
	tests := []struct {
		name, text, want, err string
	}{
		{"an object", "routes:\n  - id: 1\n    plugins: {key-auth: }\n", `{"routes":[{"id":1,"plugins":{"key-auth":{}}}]}`, ""},
		{"the end of a file", "a: 1\n#END", `{"a":1}`, ""},
		{"no variables", "a: ${{HOME}}", `{"a":"${{HOME}}"}`, ""},
		{"JSON", `{"a":[1,"b",true,{}]}`, `{"a":[1,"b",true,{}]}`, ""},
		{"several documents", "a: 1\n---\nb: 2\n", `{"a":1}`, ""},
		{"members twice", "a: 1\na: 2\n", `{"a":2}`, ""},
		{"nothing", "", "null", ""},
		{"only comments", "# a\n", "null", ""},
		{"a text", "a", `"a"`, ""},
		{"broken", "invalid: yaml: [", "", "mapping values are not allowed in this context"},
		{"not JSON", "a: .nan", "", ".nan: infinity and not-a-number cannot be used"},
		{"a bomb", "a: &a [x]\nb: &b [*a" + strings.Repeat(",*a", 5000) + "]\nc: [*b" + strings.Repeat(",*b", 5000) + "]", "", "the aliases expand to more than 64 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := file.FromYAML([]byte(tt.text))
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("JSON (-want +got):\n%s", diff)
			}
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestToYAML(t *testing.T) {
	value := `{"routes":[{"id":"1","uri":"/a/*","desc":"two\nlines\n","on":"yes","n":[1,1.50,-2e3,true,null,"1:30","012","~",""," a","#b","é"],"e":{},"l":[]}],"v":3,"80":"on"}`
	want := `routes:
  - id: "1"
    uri: /a/*
    desc: |
      two
      lines
    "on": "yes"
    "n":
      - 1
      - 1.50
      - -2e3
      - true
      - null
      - "1:30"
      - "012"
      - "~"
      - ""
      - ' a'
      - '#b'
      - é
    e: {}
    l: []
v: 3
"80": "on"
`
	got, err := file.ToYAML([]byte(value))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
	if got, err := file.ToYAML([]byte(`{"a":`)); err == nil {
		t.Errorf("not JSON: got %s", got)
	}
}

func FuzzYAML(f *testing.F) {
	for _, text := range []string{
		`{"a":["1:30","0x1","0b11","1_0",".5","no","null","<<","- a","a: b","\u0000\u0085\u2028\ufeff","#","\t","\n","\r\n","a\n b\n"]}`,
		`{"":{"":""},"y":[[],{},[[1]]],"1":1e5,"<<":{"a":1},"~":2}`, `"a"`, `1`, `[]`, `{"a":"x`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		var compact bytes.Buffer
		if json.Compact(&compact, value) != nil || bytes.Contains(value, []byte("null")) || bytes.Contains(value, []byte("<<")) || bytes.Contains(value, []byte("003")) {
			return // what YAML cannot tell apart: null and nothing; a member named "<<" and a merge
		}
		text, err := file.ToYAML(value)
		if err != nil {
			return
		}
		back, err := file.FromYAML(text)
		if err != nil {
			t.Fatalf("%q of %q: %v", text, value, err)
		}
		var want, got any
		if json.Unmarshal(value, &want) != nil || json.Unmarshal(back, &got) != nil {
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q became %q and %q (-want +got):\n%s", value, text, back, diff)
		}
	})
}
