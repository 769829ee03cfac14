package core

import (
	"errors"
	"io"
	"iter"
	"math"
	"strconv"

	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/sdk"
)

// requestView is the request as plugins see it.
type requestView struct{ x *exchange }

// Method returns the method.
func (v *requestView) Method() string { return v.x.req.Method }

// SetMethod replaces the method.
func (v *requestView) SetMethod(method string) {
	if !transport.ValidName(method) || method == "CONNECT" {
		v.x.blame("set the method to %q, which cannot be sent", method)
		return
	}
	v.x.req.Method = method
}

// Path returns the decoded path.
func (v *requestView) Path() string { return v.x.req.Path }

// SetPath replaces the path.
func (v *requestView) SetPath(path string) {
	decoded, raw, err := transport.Canonical(transport.EncodePath(path), v.x.g.limits.PathRules)
	if err != nil {
		v.x.blame("set the path to %q: %v", path, err)
		return
	}
	v.x.req.Path, v.x.req.RawPath = decoded, raw
}

// Query returns the query.
func (v *requestView) Query() string { return v.x.req.Query }

// SetQuery replaces the query.
func (v *requestView) SetQuery(query string) {
	if !sendable(query) {
		v.x.blame("set the query to %q, which is not encoded", query)
		return
	}
	v.x.req.Query = query
}

// Header returns the header fields.
func (v *requestView) Header() sdk.Header { return &v.x.reqHeader }

// Body returns the body.
func (v *requestView) Body() sdk.Body { return &v.x.bodyView }

// bodyView is the request's body as plugins see it.
type bodyView struct{ x *exchange }

// Bytes reads the whole body.
func (v *bodyView) Bytes(limit int64) ([]byte, error) {
	x := v.x
	if x.hasNewBody || x.bodyRead {
		if int64(len(x.newBody)) > limit {
			return nil, sdk.ErrBodyTooLarge
		}
		return x.newBody, nil
	}
	if x.req.ContentLength > limit {
		return nil, sdk.ErrBodyTooLarge
	}
	limit = min(limit, math.MaxInt64-1)
	data, err := io.ReadAll(io.LimitReader(x.stream.Body(), limit+1))
	if err == nil && int64(len(data)) > limit {
		err = sdk.ErrBodyTooLarge
	}
	if err != nil {
		// What has been read is gone: the request cannot go on without it.
		if x.fault = tooLarge(); err != sdk.ErrBodyTooLarge {
			x.fault = x.clientFault(err)
		}
		return nil, x.fault
	}
	x.newBody, x.bodyRead = data, true
	x.req.Continue = false
	return data, nil
}

// Set replaces the body.
func (v *bodyView) Set(body []byte) {
	x := v.x
	x.newBody, x.hasNewBody = body, true
	x.req.ContentLength, x.req.Continue = int64(len(body)), false
	x.req.Fields.Del("Transfer-Encoding")
	x.req.Fields.Set("Content-Length", strconv.Itoa(len(body)))
}

// headerView is a list of header fields as plugins see it. Before the header filter that of the response notes what is to be done to
// the response that is still to come.
type headerView struct {
	x        *exchange
	response bool
}

// earlyField is a change of the response's header that was made before there was a response.
type earlyField struct {
	name, value string
	op          earlyOp
}

type earlyOp uint8

const (
	earlySet earlyOp = iota
	earlyAdd
	earlyDel
)

func (h *headerView) fields() *transport.Fields {
	if h.response {
		return &h.x.resp.Fields
	}
	return &h.x.req.Fields
}

func (h *headerView) early() bool { return h.response && !h.x.responding }

// Get returns the first value.
func (h *headerView) Get(name string) string {
	if h.early() {
		values := h.Values(name)
		if len(values) == 0 {
			return ""
		}
		return values[0]
	}
	if !h.response && transport.EqualFold(name, "host") {
		return orElse(h.x.upstreamHost, h.x.req.Host)
	}
	return h.fields().Get(name)
}

// Values returns all values.
func (h *headerView) Values(name string) []string {
	if !h.early() {
		return h.fields().Values(name)
	}
	var values []string
	for _, f := range h.x.early {
		if !transport.EqualFold(f.name, name) {
			continue
		}
		if f.op != earlyAdd {
			values = nil
		}
		if f.op != earlyDel {
			values = append(values, f.value)
		}
	}
	return values
}

// Set replaces all fields of that name.
func (h *headerView) Set(name, value string) {
	if h.check(name, value) {
		h.change(name, value, earlySet)
	}
}

// Add appends a field.
func (h *headerView) Add(name, value string) {
	if h.check(name, value) {
		h.change(name, value, earlyAdd)
	}
}

// Del removes all fields of that name.
func (h *headerView) Del(name string) { h.change(name, "", earlyDel) }

func (h *headerView) change(name, value string, op earlyOp) {
	if h.response && h.x.phase > sdk.PhaseHeaderFilter {
		return
	}
	if h.early() {
		h.x.early = append(h.x.early, earlyField{name, value, op})
		return
	}
	if h.x.framing(h.response, name, value, op) {
		return
	}
	applyField(h.fields(), name, value, op)
}

func applyField(f *transport.Fields, name, value string, op earlyOp) {
	switch op {
	case earlySet:
		f.Set(name, value)
	case earlyAdd:
		f.Add(name, value)
	case earlyDel:
		f.Del(name)
	}
}

func (h *headerView) check(name, value string) bool {
	if !transport.ValidName(name) {
		h.x.blame("set a header field with the name %q, which is not a token", name)
		return false
	}
	if !transport.ValidValue(value) {
		h.x.blame("set the header field %s to a value with control bytes", name)
		return false
	}
	return true
}

// All ranges over the fields.
func (h *headerView) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if h.early() {
			for _, f := range h.x.early {
				if f.op != earlyDel && !yield(f.name, f.value) {
					return
				}
			}
			return
		}
		for i := range h.fields().List {
			if f := &h.fields().List[i]; !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// framing keeps the fields that say where a message ends in step with what is sent, and tells whether the change is done with. Host
// goes with the request's authority.
func (x *exchange) framing(response bool, name, value string, op earlyOp) bool {
	switch transport.Identify(name) {
	case transport.FieldContentLength:
		if response && op == earlyDel && x.resp.ContentLength >= 0 {
			x.resp.ContentLength = transport.Chunked
		}
		return !response
	case transport.FieldTransferEncoding:
		return true
	case transport.FieldHost:
		if !response && op == earlySet {
			x.setUpstreamHost(value)
		}
		return !response
	default:
		return false
	}
}

// responseView is the response as plugins see it.
type responseView struct{ x *exchange }

// Status returns the status.
func (v *responseView) Status() int {
	if !v.x.responding {
		return 0
	}
	return v.x.resp.Status
}

// SetStatus replaces the status.
func (v *responseView) SetStatus(status int) {
	if status < 200 || status > 599 {
		v.x.blame("set the status to %s, which is not a final one", strconv.Itoa(status))
		return
	}
	if v.x.responding && v.x.phase == sdk.PhaseHeaderFilter {
		v.x.resp.Status = status
	}
}

// Header returns the header fields.
func (v *responseView) Header() sdk.Header { return &v.x.respHeader }

// Origin tells who made the response.
func (v *responseView) Origin() sdk.Origin { return v.x.origin }

// consumersView is the table of consumers as plugins see it.
type consumersView struct{ x *exchange }

// Find returns the consumer with that credential.
func (v *consumersView) Find(plugin, credential string) (*sdk.Consumer, bool) {
	c, ok := v.x.snap.consumers.find(plugin, credential)
	if !ok {
		return nil, false
	}
	return c, true
}

// ByName returns the consumer of that name.
func (v *consumersView) ByName(username string) (*sdk.Consumer, bool) {
	return v.x.snap.consumers.byName(username)
}

// Attach makes c the request's consumer and tells the upstream (apisix/consumer.lua, attach_consumer).
func (v *consumersView) Attach(c *sdk.Consumer) {
	v.x.consumer = c
	f := &v.x.req.Fields
	setOrDel(f, "X-Consumer-Username", c.Username)
	setOrDel(f, "X-Credential-Identifier", c.CredentialID)
	setOrDel(f, "X-Consumer-Custom-Id", c.CustomID)
}

// Attached returns the request's consumer.
func (v *consumersView) Attached() *sdk.Consumer { return v.x.consumer }

func setOrDel(f *transport.Fields, name, value string) {
	if value == "" || !transport.ValidValue(value) {
		f.Del(name)
		return
	}
	f.Set(name, value)
}

var errClientGone = errors.New("the client went away")
