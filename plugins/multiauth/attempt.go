package multiauth

import (
	"iter"

	"github.com/polygate/polygate/sdk"
)

// attempt is the exchange as one of several plugins sees it: what that does to the response's header is only done when it is known
// whether the plugin's answer counts. Otherwise the challenge of one would come with the response that another let through.
type attempt struct {
	sdk.Exchange
	plugin  string
	exit    *sdk.Exit
	changes []func(sdk.Header)
}

// Response implements [sdk.Exchange].
func (a *attempt) Response() sdk.Response { return &response{a.Exchange.Response(), a} }

// replay does what was kept back.
func (a *attempt) replay() {
	if len(a.changes) == 0 {
		return
	}
	header := a.Exchange.Response().Header()
	for _, change := range a.changes {
		change(header)
	}
}

type response struct {
	sdk.Response
	attempt *attempt
}

// Header implements [sdk.Response].
func (r *response) Header() sdk.Header { return &header{r.Response.Header(), r.attempt} }

// header keeps changes back. What is read is the header without them.
type header struct {
	now     sdk.Header
	attempt *attempt
}

// Get implements [sdk.Header].
func (h *header) Get(name string) string { return h.now.Get(name) }

// Values implements [sdk.Header].
func (h *header) Values(name string) []string { return h.now.Values(name) }

// All implements [sdk.Header].
func (h *header) All() iter.Seq2[string, string] { return h.now.All() }

// Set implements [sdk.Header].
func (h *header) Set(name, value string) {
	h.attempt.changes = append(h.attempt.changes, func(to sdk.Header) { to.Set(name, value) })
}

// Add implements [sdk.Header].
func (h *header) Add(name, value string) {
	h.attempt.changes = append(h.attempt.changes, func(to sdk.Header) { to.Add(name, value) })
}

// Del implements [sdk.Header].
func (h *header) Del(name string) {
	h.attempt.changes = append(h.attempt.changes, func(to sdk.Header) { to.Del(name) })
}
