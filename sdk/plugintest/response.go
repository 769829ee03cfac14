package plugintest

import (
	"slices"

	"github.com/polygate/polygate/sdk"
)

var _ sdk.Response = (*response)(nil)

type response struct {
	x      *Exchange
	status int
	origin sdk.Origin
	early  Header // what is done before there is a response
	header Header
}

func (r *response) Status() int { return r.status }

func (r *response) SetStatus(status int) {
	if status < 200 || status > 599 {
		r.x.refuse("invalid status %d", status)
		return
	}
	if r.origin != sdk.OriginNone {
		r.status = status
	}
}

func (r *response) Header() sdk.Header { return r.current() }

func (r *response) Origin() sdk.Origin { return r.origin }

func (r *response) current() *Header {
	if r.origin == sdk.OriginNone {
		return &r.early
	}
	return &r.header
}

// begin makes the response that the header filter sees: what was done to the header before is done to it now.
func (r *response) begin(origin sdk.Origin, status int, fields []Field) {
	r.origin, r.status = origin, status
	r.header.fields = slices.Clone(fields)
	for _, c := range r.early.notes {
		c.do(&r.header, c.name, c.value)
	}
}

// answer makes a response that did not come from the upstream.
func (r *response) answer(origin sdk.Origin, exit *sdk.Exit) ([]byte, error) {
	body, err := encode(exit.Body)
	if err != nil {
		return nil, err
	}
	r.begin(origin, exit.Status, nil)
	return body, nil
}
