package accesslog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/polygate/polygate/core/settings"
)

type vars map[string]string

func (v vars) Var(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func TestAppend(t *testing.T) {
	v := vars{"uri": "/a b", "status": "200", "empty": "", "odd": "q\"b\\n\nt\tnul\x00del\x7fü", "a": "1"}
	tests := []struct {
		name, format, escape, want string
	}{
		{"text", "no variables", "", "no variables"},
		{"empty", "", "", ""},
		{"variables", "$uri|$status", "default", "/a b|200"},
		{"braces", "${a}b$a", "default", "1b1"},
		{"longest name", "$a-$ab", "", "1--"},
		{"missing", `"$none"`, "default", `"-"`},
		{"missing in json", `"$none"`, "json", `""`},
		{"missing without escape", `"$none"`, "none", `""`},
		{"empty value", "<$empty>", "default", "<>"},
		{"escaped", "$odd", "default", `q\x22b\x5Cn\x0At\x09nul\x00del\x7F\xC3\xBC`},
		{"json", "$odd", "json", "q\\\"b\\\\n\\nt\\tnul\\u0000del\x7fü"},
		{"not escaped", "$odd", "none", "q\"b\\n\nt\tnul\x00del\x7fü"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Compile(tt.format, tt.escape)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(f.Append([]byte("> "), v)); got != "> "+tt.want {
				t.Errorf("got %q, want %q", got, "> "+tt.want)
			}
		})
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct{ name, format, escape, want string }{
		{"no name", "a $ b", "", "byte 3 of the log format: a $ needs the name of a variable behind it"},
		{"at the end", "a$", "", "byte 2 of the log format: a $ needs the name of a variable behind it"},
		{"open brace", "${a", "", "byte 1 of the log format: a $ needs the name of a variable behind it"},
		{"empty braces", "${}", "", "byte 1 of the log format: a $ needs the name of a variable behind it"},
		{"name in braces", "${a-b}", "", "byte 1 of the log format: a $ needs the name of a variable behind it"},
		{"escape", "", "xml", `escape "xml" of the log format is not one of default, json, none`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(tt.format, tt.escape)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// requestVars has what a request has in APISIX's format.
func requestVars() vars {
	return vars{
		"remote_addr": "127.0.0.1", "time_local": "01/Jan/2026:00:00:00 +0000", "http_host": "localhost", "request": "GET / HTTP/1.1",
		"status": "200", "body_bytes_sent": "12", "request_time": "0.001", "http_user_agent": "curl/8", "upstream_addr": "127.0.0.1:80",
		"upstream_status": "200", "upstream_response_time": "0.001", "upstream_scheme": "http", "upstream_host": "localhost",
		"apisix_request_id": "x",
	}
}

func TestDefaultFormat(t *testing.T) {
	f, err := Compile(settings.AccessLogFormat, "default")
	if err != nil {
		t.Fatal(err)
	}
	got := string(f.Append(nil, requestVars()))
	want := `127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] localhost "GET / HTTP/1.1" 200 12 0.001 "-" "curl/8" 127.0.0.1:80 200 0.001 "http://localhost-" "x"`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	f, err := Compile(settings.AccessLogFormat, "default")
	if err != nil {
		t.Fatal(err)
	}
	var v Vars = requestVars()
	buf := make([]byte, 0, 1024)
	if got := testing.AllocsPerRun(100, func() { buf = f.Append(buf[:0], v) }); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkAppend(b *testing.B) {
	f, err := Compile(settings.AccessLogFormat, "default")
	if err != nil {
		b.Fatal(err)
	}
	var v Vars = requestVars()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = f.Append(buf[:0], v)
	}
}

func FuzzFormat(f *testing.F) {
	for _, seed := range []string{settings.AccessLogFormat, "${a}$", "$$a", "${", "$a$b${c}"} {
		f.Add(seed, "a\"\\\n")
	}
	f.Fuzz(func(t *testing.T, format, value string) {
		for _, escape := range []Escape{EscapeDefault, EscapeJSON, EscapeNone} {
			compiled, err := Compile(format, string(escape))
			if err != nil {
				continue
			}
			line := compiled.Append(nil, constant(value))
			if escape == EscapeDefault && strings.Count(string(line), "\n") > strings.Count(format, "\n") {
				t.Errorf("a value broke the line: %q", line)
			}
		}
		quoted, err := Compile(`"$a"`, "json")
		if err != nil {
			t.Fatal(err)
		}
		if line := quoted.Append(nil, constant(value)); !json.Valid(line) {
			t.Errorf("not JSON: %q", line)
		}
	})
}

type constant string

func (c constant) Var(string) (string, bool) { return string(c), true }
