package cors_test

import (
	"testing"

	"github.com/polygate/polygate/plugins/cors"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// bare is an exchange whose parts cost nothing, so that the plugin's own cost shows.
type bare struct {
	sdk.Exchange
	request  request
	response response
	header   header
}

func newBare(value string) *bare {
	b := &bare{header: header{value: value}}
	b.request.header, b.response.header = &b.header, &b.header
	return b
}

func (b *bare) Request() sdk.Request      { return &b.request }
func (b *bare) Response() sdk.Response    { return &b.response }
func (b *bare) SetVar(string, string)     {}
func (b *bare) Var(string) (string, bool) { return b.header.value, b.header.value != "" }

type request struct {
	sdk.Request
	header *header
}

func (r *request) Header() sdk.Header { return r.header }
func (r *request) Method() string     { return "GET" }

type response struct {
	sdk.Response
	header *header
}

func (r *response) Header() sdk.Header { return r.header }

type header struct {
	sdk.Header
	value string
}

func (h *header) Get(string) string  { return h.value }
func (h *header) Set(string, string) {}
func (h *header) Add(string, string) {}

var benchmarks = []struct{ name, conf, origin string }{
	{"default", `{}`, ""},
	{"list", `{"allow_origins":"http://a.com,http://b.com,http://c.com"}`, "http://b.com"},
	{"all by name", `{"allow_origins":"**","allow_methods":"**"}`, "http://b.com"},
	{"pattern", `{"allow_origins_by_regex":[".*\\.test.com$"]}`, "http://a.test.com"},
}

func run(tb testing.TB, hooks sdk.Hooks, x sdk.Exchange) {
	if err := hooks.Rewrite(x); err != nil {
		tb.Fatal(err)
	}
	if err := hooks.HeaderFilter(x); err != nil {
		tb.Fatal(err)
	}
}

func TestAllocations(t *testing.T) {
	for _, tt := range benchmarks {
		t.Run(tt.name, func(t *testing.T) {
			hooks := plugintest.Configure(t, cors.New(), tt.conf, sdk.Scope{})
			x := newBare(tt.origin)
			if got := testing.AllocsPerRun(100, func() { run(t, hooks, x) }); got != 0 {
				t.Errorf("got %v allocations, want 0", got)
			}
		})
	}
}

func BenchmarkHooks(b *testing.B) {
	for _, tt := range benchmarks {
		b.Run(tt.name, func(b *testing.B) {
			hooks := plugintest.Configure(b, cors.New(), tt.conf, sdk.Scope{})
			x := newBare(tt.origin)
			b.ReportAllocs()
			for b.Loop() {
				run(b, hooks, x)
			}
		})
	}
}
