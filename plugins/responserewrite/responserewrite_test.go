package responserewrite

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func upstream(encoding string, chunks ...string) plugintest.Option {
	u := plugintest.Upstream{
		Status: 200,
		Header: []plugintest.Field{{Name: "X-A", Value: "1"}, {Name: "Content-Length", Value: "12"}, {Name: "ETag", Value: "x"}},
		Chunks: chunks,
	}
	if encoding != "" {
		u.Header = append(u.Header, plugintest.Field{Name: "Content-Encoding", Value: encoding})
	}
	return plugintest.WithUpstream(u)
}

func TestRewrite(t *testing.T) {
	kept := []string{"X-A: 1", "Content-Length: 12", "ETag: x"}
	tests := []struct {
		name   string
		conf   string
		chunks []string
		status int
		header []string
		body   string
	}{
		{"status", `{"status_code":302}`, []string{"a", "b"}, 302, kept, "ab"},
		{"body", `{"body":"new body"}`, []string{"a", "b"}, 200, []string{"X-A: 1"}, "new body"},
		{"body of an empty response", `{"body":"new body"}`, nil, 200, []string{"X-A: 1"}, "new body"},
		{"body in base64", `{"body":"SGVsbG8K","body_base64":true}`, []string{"a"}, 200, []string{"X-A: 1"}, "Hello\n"},
		{"body in base64 without padding", `{"body":"SGVsbG8","body_base64":true}`, []string{"a"}, 200, []string{"X-A: 1"}, "Hello"},
		{"header fields", `{"headers":{"X-A":"$remote_addr","X-B":3.50,"ETag":""}}`, nil, 200,
			[]string{"X-A: 127.0.0.1", "Content-Length: 12", "X-B: 3.5"}, ""},
		{"header fields set, added and removed",
			`{"headers":{"add":["Cache-Control: no-cache","Cache-Control : max-age=0, $arg_x"],"set":{"x-a":"${arg_y ?? none}"},"remove":["etag"]}}`,
			nil, 200, []string{"x-a: none", "Content-Length: 12", "Cache-Control: no-cache", "Cache-Control: max-age=0, 1%0A2"}, ""},
		{"set comes after add, remove comes last", `{"headers":{"add":["X-A: 2","X-B: 1"],"set":{"X-A":"3","X-C":"1"},"remove":["X-C"]}}`,
			nil, 200, []string{"X-A: 3", "Content-Length: 12", "ETag: x", "X-B: 1"}, ""},
		{"a field named set", `{"headers":{"set":"x"}}`, nil, 200, append(kept[:3:3], "set: x"), ""},
		{"condition holds", `{"vars":[["status","==",200]],"status_code":500,"body":"x"}`, []string{"a"}, 500, []string{"X-A: 1"}, "x"},
		{"condition does not hold", `{"vars":[["status","==",404]],"status_code":500,"body":"x","headers":{"X-A":"2"}}`,
			[]string{"a", "b"}, 200, kept, "ab"},
		{"condition does not hold for filters", `{"vars":[["status","==",404]],"filters":[{"regex":"a","replace":"x"}]}`,
			[]string{"a", "b"}, 200, kept, "ab"},
		{"filter", `{"filters":[{"regex":"l","replace":"t"}]}`, []string{"hel", "lo ", "world"}, 200, []string{"X-A: 1"}, "hetlo world"},
		{"filter with a condition", `{"vars":[["status","==",200]],"filters":[{"regex":"hello","replace":"test"}]}`,
			[]string{"hello world"}, 200, []string{"X-A: 1"}, "test world"},
		{"filter all", `{"filters":[{"regex":"l","replace":"t","scope":"global"}]}`, []string{"hel", "lo ", "world"}, 200, []string{"X-A: 1"}, "hetto wortd"},
		{"filter with groups and options", `{"filters":[{"regex":"(HELLO) (world)","replace":"$2 ${1}","options":"joi"}]}`,
			[]string{"hello ", "world"}, 200, []string{"X-A: 1"}, "world hello"},
		{"filters in order", `{"filters":[{"regex":"hello","replace":"HELLO"},{"regex":"L","replace":"T","scope":"global"}]}`,
			[]string{"hello"}, 200, []string{"X-A: 1"}, "HETTO"},
		{"filter without a match", `{"filters":[{"regex":"z","replace":"x"}]}`, []string{"a", "b"}, 200, []string{"X-A: 1"}, "ab"},
		{"filter of nothing", `{"filters":[{"regex":"z*","replace":"x"}]}`, nil, 200, []string{"X-A: 1"}, "x"},
		{"limit", `{"max_resp_body_size":4,"filters":[{"regex":"a","replace":"x","scope":"global"}]}`,
			[]string{"aab", "baa", "aaa"}, 200, []string{"X-A: 1"}, "xxbb"},
		{"limit of a single chunk", `{"max_resp_body_size":4,"filters":[{"regex":"a","replace":"x","scope":"global"}]}`,
			[]string{"aaaaaaa"}, 200, []string{"X-A: 1"}, "xxxx"},
		{"limit is the length", `{"max_resp_body_size":4,"filters":[{"regex":"$","replace":"x"}]}`, []string{"ab", "cd"}, 200, []string{"X-A: 1"}, "abcdx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := plugintest.New(upstream("", tt.chunks...), plugintest.WithTarget("/?x=1%0a2"))
			out := plugintest.Run(t, New(), tt.conf, x)
			if out.Err != nil || out.Status != tt.status {
				t.Errorf("got status %d and error %v, want %d", out.Status, out.Err, tt.status)
			}
			if diff := cmp.Diff(tt.header, out.Header.Lines()); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
			if out.Body != tt.body {
				t.Errorf("body: got %q, want %q", out.Body, tt.body)
			}
		})
	}
}

func compress(t *testing.T, text string, to func(io.Writer) io.WriteCloser) string {
	t.Helper()
	var out bytes.Buffer
	w := to(&out)
	_, err := io.WriteString(w, text)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestEncodings(t *testing.T) {
	zipped := compress(t, "hello world", func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	zlibbed := compress(t, "hello world", func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
	bare := compress(t, "hello world", func(w io.Writer) io.WriteCloser {
		f, err := flate.NewWriter(w, flate.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		return f
	})
	bomb := compress(t, strings.Repeat("\x00", 1<<20), func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	tests := []struct {
		name, encoding, sent, body, left string
		conf                             string
	}{
		{name: "gzip", encoding: "gzip", sent: zipped, body: "test world"},
		{name: "deflate", encoding: "deflate", sent: zlibbed, body: "test world"},
		{name: "deflate without its envelope", encoding: "deflate", sent: bare, body: "test world"},
		{name: "broken", encoding: "gzip", sent: "hello", body: "hello"},
		{name: "unknown", encoding: "br", sent: "hello", body: "hello", left: "br"},
		{name: "bomb", encoding: "gzip", sent: bomb, body: strings.Repeat("\x00", 2000),
			conf: `{"max_resp_body_size":2000,"filters":[{"regex":"hello","replace":"test"}]}`},
		{name: "a new body needs no decoding", encoding: "br", sent: "hello", body: "x", conf: `{"body":"x"}`},
		{name: "header fields only", encoding: "gzip", sent: zipped, body: zipped, left: "gzip", conf: `{"headers":{"X-B":"1"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conf := tt.conf
			if conf == "" {
				conf = `{"filters":[{"regex":"hello","replace":"test"}]}`
			}
			half := len(tt.sent) / 2
			out := plugintest.Run(t, New(), conf, plugintest.New(upstream(tt.encoding, tt.sent[:half], tt.sent[half:])))
			if out.Err != nil || out.Body != tt.body {
				t.Errorf("body: got %q and error %v, want %q", out.Body, out.Err, tt.body)
			}
			if got := out.Header.Get("Content-Encoding"); got != tt.left {
				t.Errorf("Content-Encoding: got %q, want %q", got, tt.left)
			}
		})
	}
}

func TestNothingIsKept(t *testing.T) {
	conf := config{MaxBody: 2, Filters: []filterConfig{{Regex: "a"}}}
	r := &rewriter{max: 2, mark: "mark"}
	if err := r.configure(&conf); err != nil {
		t.Fatal(err)
	}
	for _, chunks := range [][]string{{"a", "b"}, {"a", "b", "c"}, {"abc"}, nil} {
		hooks := sdk.Hooks{HeaderFilter: r.headerFilter, BodyFilter: r.filterBody, Log: r.forget}
		plugintest.Walk(hooks, plugintest.New(upstream("", chunks...)))
	}
	r.bodies.Range(func(key, value any) bool {
		t.Errorf("got a body kept after its response, want none")
		return true
	})
}

func TestConfigureRefuses(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"empty field name", `{"headers":{"":"a"}}`, "invalid field length in header"},
		{"array as value", `{"headers":{"a":["b"]}}`, "invalid type as header value"},
		{"bad field to add", `{"headers":{"add":["a b: c"]}}`, "invalid field character in header"},
		{"field to add without a colon", `{"headers":{"add":["a"]}}`, `header to add "a": want "Name: value"`},
		{"bad base64", `{"body":"1","body_base64":true}`, "invalid base64 content"},
		{"no base64", `{"body_base64":true}`, "invalid base64 content"},
		{"bad expression", `{"vars":[[]]}`, "failed to validate the 'vars' expression: "},
		{"bad options", `{"filters":[{"regex":"hello","replace":"x","options":"h"}]}`, `regex "hello" validation failed: unknown flag "h" (flags "h")`},
		{"bad replacement", `{"filters":[{"regex":"hello","replace":"$x"}]}`, `regex "hello" validation failed: invalid capturing variable`},
		{"body and filters", `{"body":"x","filters":[{"regex":"a","replace":"x"}]}`, "body and filters cannot be specified at the same time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(New(), tt.conf, sdk.Scope{})
			if !strings.HasPrefix(fmt.Sprint(err), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"), "gzip")
	f.Add([]byte("\x78\x9c\x4b\x04\x00\x00\x62\x00\x62"), "deflate")
	f.Add([]byte("a"), "")
	f.Fuzz(func(t *testing.T, body []byte, encoding string) {
		const max = 1 << 12
		decoded, err := decode(body, encoding, max)
		if err == nil && len(decoded) > max && len(decoded) > len(body) {
			t.Errorf("got %d bytes, want at most %d", len(decoded), max)
		}
	})
}

func BenchmarkHooks(b *testing.B) {
	for _, bm := range []struct{ name, conf string }{
		{"header", `{"headers":{"set":{"X-A":"1"}},"status_code":201}`},
		{"vars", `{"vars":[["status","==",404]],"headers":{"set":{"X-A":"1"}}}`},
		{"body", `{"body":"hello"}`},
		{"filter", `{"filters":[{"regex":"hello","replace":"world"}]}`},
	} {
		b.Run(bm.name, func(b *testing.B) {
			hooks, err := plugintest.TryConfigure(New(), bm.conf, sdk.Scope{Resource: "routes/1"})
			if err != nil {
				b.Fatal(err)
			}
			x := plugintest.New(plugintest.WithUpstream(plugintest.Upstream{Status: 200}))
			x.Respond()
			body := []byte("hello, world")
			b.ReportAllocs()
			for b.Loop() {
				_ = hooks.HeaderFilter(x)
				if hooks.BodyFilter != nil {
					_ = hooks.BodyFilter(x, &sdk.Chunk{Data: body, Last: true})
				}
			}
		})
	}
}
