package mocking

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const examples = `{"type":"object","properties":{
	"s":{"type":"string","example":"a<$remote_addr"},"n":{"type":"number","example":1.50},"i":{"type":"Integer","example":7.9},
	"b":{"type":"boolean","example":true},"none":{"type":"array"},"what":{"type":"null"},
	"o":{"type":"object","properties":{"x":{"type":"integer","example":1}}}}}`

func TestAnswer(t *testing.T) {
	tests := []struct {
		name   string
		conf   string
		status int
		header []string
		body   string
	}{
		{
			"an example", `{"response_example":"hello $remote_addr$none","content_type":"text/plain","response_status":201}`,
			201, []string{"Content-Type: text/plain", "x-mock-by: APISIX/3.18.0"}, "hello 127.0.0.1",
		},
		{
			"an empty example", `{"response_example":"","with_mock_header":false}`,
			200, []string{"Content-Type: application/json;charset=utf8"}, "",
		},
		{
			"header fields", `{"response_example":"x","response_headers":{"X-A":"$arg_a","X-B":1}}`,
			200, []string{"Content-Type: application/json;charset=utf8", "x-mock-by: APISIX/3.18.0", "X-A: 1%0A2", "X-B: 1"}, "x",
		},
		{
			"a schema in JSON", `{"response_schema":` + examples + `,"with_mock_header":false}`, 200, nil,
			`{"b":true,"i":7,"n":1.5,"o":{"x":1},"s":"a<127.0.0.1"}`,
		},
		{
			"a schema in XML", `{"response_schema":` + examples + `,"content_type":"text/xml"}`, 200, nil,
			"<data>\n  <b>true</b>\n  <i>7</i>\n  <n>1.5</n>\n  <o>\n    <x>1</x>\n  </o>\n  <s>a&lt;127.0.0.1</s>\n</data>",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, New(), tt.conf, plugintest.New(plugintest.WithTarget("/?a=1%0a2")))
			if out.Err != nil || out.Sent != nil || out.Status != tt.status {
				t.Errorf("got status %d and error %v, want %d", out.Status, out.Err, tt.status)
			}
			if out.Body != tt.body {
				t.Errorf("body: got %q, want %q", out.Body, tt.body)
			}
			if diff := cmp.Diff(tt.header, out.Header.Lines()); tt.header != nil && diff != "" {
				t.Errorf("header (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRandomValues(t *testing.T) {
	const conf = `{"response_schema":{"properties":{"s":{"type":"string"},"n":{"type":"number"},"i":{"type":"integer"},
		"b":{"type":"boolean"},"a":{"type":"array","items":{"type":"array","items":{"type":"string"}}}}}}`
	hooks := plugintest.Configure(t, New(), conf, sdk.Scope{})
	for range 100 {
		var got struct {
			S string
			N float64
			I int
			B *bool
			A [][]string
		}
		if err := json.Unmarshal([]byte(plugintest.Walk(hooks, plugintest.New()).Body), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.S) < 1 || len(got.S) > 10 || got.N < 0 || got.N > 10000 || got.I < 1 || got.I > 10000 || got.B == nil ||
			len(got.A) < 1 || len(got.A) > 3 {
			t.Errorf("got %+v, want values within their ranges", got)
		}
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		out := plugintest.Run(t, New(), `{"response_example":"x","delay":2}`, plugintest.New())
		if took := time.Since(start); out.Status != 200 || took != 2*time.Second {
			t.Errorf("got %d after %v, want 200 after 2s", out.Status, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		out = plugintest.Run(t, New(), `{"response_example":"x","delay":2}`, plugintest.New(plugintest.WithContext(ctx)))
		if took := time.Since(start); !errors.Is(out.Err, context.DeadlineExceeded) || took != time.Second {
			t.Errorf("got error %v after %v, want %v after 1s", out.Err, took, context.DeadlineExceeded)
		}
	})
}

func TestConfigureRefuses(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"type", `{"response_example":"x","content_type":"image/png"}`, "unsupported content type!"},
		{"type with several parameters", `{"response_example":"x","content_type":"text/plain;a;b"}`, "unsupported content type!"},
		{"a schema for HTML", `{"response_schema":{},"content_type":"text/html;charset=utf8"}`, "can not be made from response_schema"},
		{"header", `{"response_example":"x","response_headers":{"a b":"c"}}`, "invalid field character in header"},
		{"not JSON", `{"response_example":1}`, "decode configuration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func BenchmarkAccess(b *testing.B) {
	for name, conf := range map[string]string{
		"example":  `{"response_example":"hello world","content_type":"text/plain"}`,
		"variable": `{"response_example":"hello $remote_addr","content_type":"text/plain"}`,
	} {
		b.Run(name, func(b *testing.B) {
			hooks, err := plugintest.TryConfigure(New(), conf, sdk.Scope{})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			x := plugintest.New()
			for b.Loop() {
				x.Reset()
				_ = hooks.Access(x)
			}
		})
	}
}
