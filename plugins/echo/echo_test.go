package echo

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestEcho(t *testing.T) {
	chunks := []string{"hello ", "upstream"}
	tests := []struct {
		name   string
		conf   string
		chunks []string
		body   string
		header []string
	}{
		{"before", `{"before_body":"<"}`, chunks, "<hello upstream", []string{"Server: u"}},
		{"after", `{"after_body":">"}`, chunks, "hello upstream>", []string{"Server: u"}},
		{"around", `{"before_body":"<","after_body":">"}`, chunks, "<hello upstream>", []string{"Server: u"}},
		{"around nothing", `{"before_body":"<","after_body":">"}`, nil, "<>", []string{"Server: u"}},
		{"replaced", `{"body":"new"}`, chunks, "new", []string{"Server: u"}},
		{"replaced and around", `{"before_body":"<","body":"new","after_body":">"}`, chunks, "<new>", []string{"Server: u"}},
		{"replaced by nothing", `{"body":""}`, chunks, "", []string{"Server: u"}},
		{"replaced in an answer without a body", `{"body":"new"}`, nil, "new", []string{"Server: u"}},
		{"header fields", `{"body":"new","headers":{"server":"$me","X-N":5}}`, chunks, "new", []string{"server: $me", "X-N: 5"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, New(), tt.conf, plugintest.New(plugintest.WithUpstream(plugintest.Upstream{
				Status: 200,
				Header: []plugintest.Field{
					{Name: "Content-Length", Value: "14"}, {Name: "content-encoding", Value: "gzip"}, {Name: "Server", Value: "u"},
					{Name: "Last-Modified", Value: "x"}, {Name: "ETag", Value: "x"},
				},
				Chunks: tt.chunks,
			})))
			if out.Err != nil || out.Body != tt.body {
				t.Errorf("body: got %q and error %v, want %q", out.Body, out.Err, tt.body)
			}
			if diff := cmp.Diff(tt.header, out.Header.Lines()); diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConfigureRefuses(t *testing.T) {
	for _, conf := range []string{`{"body":1}`, `{"body":"a","headers":{"a":{}}}`, `{"body":"a","headers":{"a b":"c"}}`} {
		if _, err := plugintest.TryConfigure(New(), conf, sdk.Scope{}); err == nil {
			t.Errorf("%s: got no error, want one", conf)
		}
	}
}

func BenchmarkHooks(b *testing.B) {
	hooks, err := plugintest.TryConfigure(New(), `{"body":"hello","headers":{"X-A":"1"}}`, sdk.Scope{})
	if err != nil {
		b.Fatal(err)
	}
	x := plugintest.New()
	x.Respond()
	b.Run("header", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = hooks.HeaderFilter(x)
		}
	})
	b.Run("body", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = hooks.BodyFilter(x, &sdk.Chunk{Last: true})
		}
	})
}
