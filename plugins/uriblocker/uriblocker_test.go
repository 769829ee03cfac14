package uriblocker_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/plugins/uriblocker"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestRewrite(t *testing.T) {
	tests := []struct {
		name, conf, target string
		status             int
		body               string
	}{
		{"path", `{"block_rules":["^/a"]}`, "/a/b", 403, ""},
		{"query", `{"block_rules":["aa=1$"]}`, "/?aa=1", 403, ""},
		{"path and query", `{"block_rules":["^/a\\?b"]}`, "/a?b", 403, ""},
		{"query without a mark", `{"block_rules":["^/a$"]}`, "/a", 403, ""},
		{"no match", `{"block_rules":["^a","b$"]}`, "/a?b=1", 200, ""},
		{"second rule", `{"block_rules":["x","b"]}`, "/a?b=1", 403, ""},
		{"escaped path", `{"block_rules":["^/internal"]}`, "/%69nternal", 403, ""},
		{"dot segments", `{"block_rules":["^/internal"]}`, "/a/../internal", 403, ""},
		{"query as it is sent", `{"block_rules":["select.+(from|limit)"]}`, "/?a=select%20x%20from", 403, ""},
		{"letters", `{"block_rules":["ABC"]}`, "/abc", 200, ""},
		{"any letters", `{"block_rules":["ABC"],"case_insensitive":true}`, "/abc", 403, ""},
		{"look-ahead", `{"block_rules":["^/(?!public)"]}`, "/private", 403, ""},
		{"look-ahead lets pass", `{"block_rules":["^/(?!public)"]}`, "/public", 200, ""},
		{"out of time", `{"block_rules":["(?=x)(x+x+)+y"]}`, "/" + strings.Repeat("x", 60), 403, ""},
		{"message", `{"block_rules":["a"],"rejected_msg":"no <a>"}`, "/a", 403, `{"error_msg":"no <a>"}` + "\n"},
		{"status", `{"block_rules":["a"],"rejected_code":404}`, "/a", 404, ""},
		{"no rules", `{"block_rules":[]}`, "/a", 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, uriblocker.New(), tt.conf, plugintest.New(plugintest.WithTarget(tt.target)))
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
		})
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"rule", `{"block_rules":["a","^b("]}`, `pcre_compile() failed: missing ) in "^b("`},
		{"other rule", `{"block_rules":["[a"]}`, `pcre_compile() failed: `},
		{"status", `{"block_rules":["a"],"rejected_code":600}`, "rejected_code 600"},
		{"type", `{"block_rules":"a"}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(uriblocker.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	if info := uriblocker.New().Info(); info.Name != "uri-blocker" || info.Priority != 2900 {
		t.Errorf("got info %+v", info)
	}
}

func TestAllocations(t *testing.T) {
	hooks := plugintest.Configure(t, uriblocker.New(), `{"block_rules":["^/internal","root\\.exe"]}`, sdk.Scope{})
	x := plugintest.New(plugintest.WithTarget("/a/long/path"))
	got := testing.AllocsPerRun(100, func() {
		if err := hooks.Rewrite(x); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkRewrite(b *testing.B) {
	hooks := plugintest.Configure(b, uriblocker.New(), `{"block_rules":["^/internal","root\\.exe","select.+(from|limit)"]}`, sdk.Scope{})
	x := plugintest.New(plugintest.WithTarget("/a/long/path?with=a&query=b"))
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Rewrite(x); err != nil {
			b.Fatal(err)
		}
	}
}
