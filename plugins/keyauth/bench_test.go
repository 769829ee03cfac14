package keyauth_test

import (
	"testing"

	"github.com/polygate/polygate/plugins/keyauth"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// bare is an exchange whose parts cost nothing, so that the plugin's own cost shows.
type bare struct {
	sdk.Exchange
	request   request
	consumers consumers
}

func (b *bare) Request() sdk.Request     { return &b.request }
func (b *bare) Consumers() sdk.Consumers { return &b.consumers }

type request struct {
	sdk.Request
	query  string
	header header
}

func (r *request) Header() sdk.Header { return &r.header }
func (r *request) Query() string      { return r.query }

type header struct {
	sdk.Header
	keys []string
}

func (h *header) Values(string) []string { return h.keys }

type consumers struct {
	sdk.Consumers
	found sdk.Consumer
}

func (c *consumers) Find(string, string) (*sdk.Consumer, bool) { return &c.found, true }
func (c *consumers) Attach(*sdk.Consumer)                      {}

func exchanges() map[string]*bare {
	return map[string]*bare{
		"header": {request: request{query: "a=1", header: header{keys: []string{"auth-one"}}}},
		"query":  {request: request{query: "a=1&b=2&apikey=auth-one&c=3"}},
	}
}

func TestAllocations(t *testing.T) {
	hooks := plugintest.Configure(t, keyauth.New(), `{}`, sdk.Scope{})
	for name, x := range exchanges() {
		t.Run(name, func(t *testing.T) {
			got := testing.AllocsPerRun(100, func() {
				if err := hooks.Rewrite(x); err != nil {
					t.Fatal(err)
				}
			})
			if got != 0 {
				t.Errorf("got %v allocations, want 0", got)
			}
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	hooks := plugintest.Configure(b, keyauth.New(), `{}`, sdk.Scope{})
	for name, x := range exchanges() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := hooks.Rewrite(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
