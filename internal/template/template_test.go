package template_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/internal/template"
)

type vars map[string]string

func (v vars) Var(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func TestExecute(t *testing.T) {
	values := vars{"you": "John", "me": "David", "a.b": "dotted", "empty": "", "dollar": "$me", " ": "blank"}
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"no variables", "xx", "xx"},
		{"alone", "$me", "David"},
		{"in a sentence", "tell $me to", "tell David to"},
		{"two", "$you and $me", "John and David"},
		{"unknown", "$eva and $me", " and David"},
		{"escaped", `$you and \$me`, `John and \$me`},
		{"escaped brace", `\${me}`, `\${me}`},
		{"braces", "${you}_${me}", "John_David"},
		{"side by side", "${you}$me$you", "JohnDavidJohn"},
		{"default not needed", "${you??Rose}$me", "JohnDavid"},
		{"default", "${she??Rose}$me", "RoseDavid"},
		{"default with spaces", "${ she   ??     Rose }$me", "RoseDavid"},
		{"default is empty", "${she ?? }.", "."},
		{"value is empty", "${empty ?? Rose}.", "."},
		{"default without name", "${?? Rose}", "Rose"},
		{"only the first default counts", "${she ?? a ?? b}", "a"},
		{"default is not expanded", "${she ?? $me}", "$me"},
		{"question marks outside", "${you ?? Rose}$he??Jack", "John??Jack"},
		{"value is not expanded", "$dollar", "$me"},
		{"dots", "$a.b ${a.b}", "dotted dotted"},
		{"lone dollar", "a$ b$", "a$ b$"},
		{"empty braces", "a${}b", "a${}b"},
		{"unclosed brace", "a${me", "a${me"},
		{"two dollars", "$$me", "$David"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := template.Compile(tt.in).Text(template.Source{Vars: values}); got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
			}
			if got, _ := template.Compile(tt.in).Expand([]byte("> "), template.Source{Vars: values}); string(got) != "> "+tt.want {
				t.Errorf("append %q: got %q, want %q", tt.in, got, "> "+tt.want)
			}
		})
	}
}

func TestText(t *testing.T) {
	src := template.Source{Vars: vars{"v": "a?b\r\n\tc", "1": "one"}, Captures: []string{"all", "x", "$v"}}
	tests := []struct {
		name, in, want string
		escape         template.Escape
		captures       bool
		resolved       int
	}{
		{name: "captures", in: "$1-${2}-$3", captures: true, want: "x-$v-"},
		{name: "captures need no braces behind", in: "${1 and $1x", captures: true, want: "x and xx"},
		{name: "captures and variables", in: "$0$v", captures: true, want: "alla?b\r\n\tc", resolved: 1},
		{name: "no captures", in: "$1", want: "one", resolved: 1},
		{name: "control bytes", in: "\n$v", escape: template.EscapeControl, want: "\na?b%0D%0A\tc", resolved: 1},
		{name: "question marks", in: "?$v", escape: template.EscapeMark, want: "?a%3Fb\r\n\tc", resolved: 1},
		{name: "a default counts", in: "$v$none${none ?? d}", want: "a?b\r\n\tcd", resolved: 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			compiled := template.Compile(tt.in)
			if tt.captures {
				compiled = template.CompileCaptures(tt.in)
			}
			src.Escape = tt.escape
			if got := compiled.Text(src); got != tt.want {
				t.Errorf("text: got %q, want %q", got, tt.want)
			}
			if _, got := compiled.Expand(nil, src); got != tt.resolved {
				t.Errorf("resolved: got %d, want %d", got, tt.resolved)
			}
		})
	}
}

func TestFields(t *testing.T) {
	fields, err := template.Lists(json.RawMessage(`{"X-B":[1.50,"$b",1e20],"X-A":"a","X-N":-0.25}`), template.Compile)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, field := range fields {
		for _, value := range field.Values {
			got[field.Name] = append(got[field.Name], value.String())
		}
	}
	want := map[string][]string{"X-A": {"a"}, "X-B": {"1.5", "$b", "1e+20"}, "X-N": {"-0.25"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	if fields[0].Name != "X-A" {
		t.Errorf("first name: got %s, want X-A", fields[0].Name)
	}
	for _, bad := range []string{`{"":"a"}`, `{"a b":"c"}`, `{"a":"b\n"}`, `{"a":true}`, `{"a":[{}]}`, `[]`, `{"a":null}`} {
		if _, err := template.Lists(json.RawMessage(bad), template.Compile); err == nil {
			t.Errorf("%s: got no error, want one", bad)
		}
	}
}

func TestFieldsAreNoLists(t *testing.T) {
	_, err := template.Fields(json.RawMessage(`{"a":["b"]}`), template.Compile)
	if err == nil || err.Error() != "invalid type as header value" {
		t.Errorf("got %v, want invalid type as header value", err)
	}
}

func TestCut(t *testing.T) {
	src := template.Source{Vars: vars{"v": "a?b"}}
	tests := []struct{ name, in, before, after string }{
		{"static", "/a?b=1?c", "/a", "b=1?c"},
		{"static, nothing behind", "/a?", "/a", ""},
		{"before a variable", "/a?x=$v", "/a", "x=a?b"},
		{"behind a variable", "/$v?x=1", "/a?b", "x=1"},
		{"between variables", "/$v?x=${v}&y=$v", "/a?b", "x=a?b&y=a?b"},
		{"not inside a default", "/${none ?? d}/$v?x", "/d/a?b", "x"},
		{"at the start", "?$v", "", "a?b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, after := template.Compile(tt.in).Cut('?')
			if got := before.Text(src); got != tt.before {
				t.Errorf("before: got %q, want %q", got, tt.before)
			}
			if after == nil || after.Text(src) != tt.after {
				t.Errorf("after: got %v, want %q", after, tt.after)
			}
			if got := before.String() + "?" + after.String(); got != tt.in {
				t.Errorf("texts: got %q, want %q", got, tt.in)
			}
		})
	}
	if before, after := template.Compile("/${a ?? b}").Cut('?'); before.String() != "/${a ?? b}" || after != nil {
		t.Errorf("without a separator: got %v and %v, want the template itself and nil", before, after)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"", "$a", "${a ?? b}", `\$a`, "${", "$1${2}", "${ }", "$$", "${a??}", "\xff$\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		src := template.Source{Vars: vars{"a": "\x00?\r\n"}, Captures: []string{"?"}, Escape: template.EscapeControl}
		for _, compiled := range []*template.Template{template.Compile(in), template.CompileCaptures(in)} {
			if compiled.String() != in {
				t.Errorf("text: got %q, want %q", compiled.String(), in)
			}
			if text, static := compiled.Static(); static && compiled.Text(src) != text {
				t.Errorf("static text: got %q, want %q", compiled.Text(src), text)
			}
			got := compiled.Text(src)
			if strings.Count(got, "\n") > strings.Count(in, "\n") {
				t.Errorf("%q: a value brought a newline: %q", in, got)
			}
			if !strings.Contains(in, "$") && got != in {
				t.Errorf("got %q, want %q", got, in)
			}
		}
	})
}

func BenchmarkText(b *testing.B) {
	src := template.Source{Vars: vars{"remote_addr": "192.0.2.1", "arg_x": "value"}}
	compiled := template.Compile("addr $remote_addr and ${arg_x ?? none}")
	b.ReportAllocs()
	for b.Loop() {
		_ = compiled.Text(src)
	}
}
