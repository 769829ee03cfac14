package requestid_test

import (
	"testing"

	"github.com/polygate/polygate/plugins/requestid"
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
func (b *bare) Var(string) (string, bool) { return b.header.value, true }

type request struct {
	sdk.Request
	header *header
}

func (r *request) Header() sdk.Header { return r.header }

type response struct {
	sdk.Response
	header *header
}

func (r *response) Header() sdk.Header { return r.header }

type header struct {
	sdk.Header
	value string
}

func (h *header) Get(string) string   { return "" }
func (h *header) Set(_, value string) { h.value = value }

var algorithms = []string{"uuid", "uuidv7", "nanoid", "range_id", "ksuid"}

func TestAllocations(t *testing.T) {
	for _, algorithm := range algorithms {
		t.Run(algorithm, func(t *testing.T) {
			hooks := plugintest.Configure(t, requestid.New(), `{"algorithm":"`+algorithm+`"}`, sdk.Scope{})
			x := newBare("")
			got := testing.AllocsPerRun(100, func() {
				if err := hooks.Rewrite(x); err != nil {
					t.Fatal(err)
				}
				if err := hooks.HeaderFilter(x); err != nil {
					t.Fatal(err)
				}
			})
			if got > 1 {
				t.Errorf("got %v allocations, want 1 for the id", got)
			}
		})
	}
}

func BenchmarkHooks(b *testing.B) {
	for _, algorithm := range algorithms {
		b.Run(algorithm, func(b *testing.B) {
			hooks := plugintest.Configure(b, requestid.New(), `{"algorithm":"`+algorithm+`"}`, sdk.Scope{})
			x := newBare("")
			b.ReportAllocs()
			for b.Loop() {
				if err := hooks.Rewrite(x); err != nil {
					b.Fatal(err)
				}
				if err := hooks.HeaderFilter(x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
