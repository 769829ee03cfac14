package core

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/sdk"
)

// FaultSource is whose fault a failure is.
type FaultSource string

// The sources of failures.
const (
	FaultClient   FaultSource = "client"
	FaultUpstream FaultSource = "upstream"
	FaultPlugin   FaultSource = "plugin"
	FaultGateway  FaultSource = "gateway"
)

// Fault is a failure of a request: whose it is, what was being done, and what the client is told.
type Fault struct {
	Source FaultSource
	Status int    // for the client; 0: there is nobody to answer
	Op     string // what was being done, for the log
	Public string // the cause as the client may know it
	Plugin string // of a plugin's fault
	Retry  bool   // another node may do better
	Err    error
	Stack  []byte // of a panic
}

// Error tells operation and cause.
func (f *Fault) Error() string {
	if f.Plugin != "" {
		return fmt.Sprintf("plugin %s: %s: %v", f.Plugin, f.Op, f.Err)
	}
	return fmt.Sprintf("%s: %v", f.Op, f.Err)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// errNoRoute is answered as APISIX does.
var errNoRoute = &Fault{Source: FaultClient, Status: http.StatusNotFound, Op: "match", Err: errors.New("404 Route Not Found")}

func (x *exchange) pluginFault(err error) *Fault {
	f := &Fault{Source: FaultPlugin, Status: http.StatusInternalServerError, Op: x.phase.String(), Err: err}
	if x.current != nil {
		f.Plugin = x.current.Name
		f.Public = "the plugin " + f.Plugin + " failed"
	}
	return f
}

// tooLarge is a body that is larger than a plugin reads.
func tooLarge() *Fault {
	return &Fault{Source: FaultClient, Status: http.StatusRequestEntityTooLarge, Op: "read the request's body",
		Public: "the body is too large", Err: sdk.ErrBodyTooLarge}
}

// clientFault is a failure to read the request's body.
func (x *exchange) clientFault(err error) *Fault {
	f := &Fault{Source: FaultClient, Op: "read the request's body", Err: err}
	var refusal *transport.Refusal
	switch {
	case errors.As(err, &refusal):
		f.Status, f.Public = refusal.Status, refusal.Reason
	case isTimeout(err):
		f.Status, f.Public = http.StatusRequestTimeout, "the body did not arrive in time"
	default:
		f.Err = errors.Join(errClientGone, err)
	}
	return f
}

// Error tells who decided what.
func (d *decision) Error() string {
	return fmt.Sprintf("plugin %s exits with status %d", d.plugin, d.Status)
}

// answer makes the response of a request that ended early or failed. It is the one place that turns errors into responses.
func (x *exchange) answer(err error) {
	x.drop()
	x.resp.Begin(nil)
	x.source, x.reply, x.fault = nil, nil, nil
	var d *decision
	if errors.As(err, &d) {
		x.origin = sdk.OriginPlugin
		x.resp.Status = d.Status
		x.setBody(d.Body, d.plugin)
		return
	}
	x.origin = sdk.OriginGateway
	var f *Fault
	if !errors.As(err, &f) {
		f = &Fault{Source: FaultGateway, Status: http.StatusInternalServerError, Op: "serve", Err: err}
	}
	x.resp.Status = f.Status
	if errors.Is(f, errClientGone) || x.cut.Load() {
		x.resp.Status, x.lost = statusClientClosed, true
	}
	if f != errNoRoute {
		x.g.report(x, f)
	}
	x.setReply("application/json", errorBody(x.resp.Status, f))
}

// statusClientClosed is logged for a client that went away before there was a response, as nginx does.
const statusClientClosed = 499

// errorBody is what a client is told of a failure.
func errorBody(status int, f *Fault) []byte {
	if f == errNoRoute {
		return []byte(`{"error_msg":"404 Route Not Found"}` + "\n")
	}
	text := fmt.Sprintf("%d %s", status, phrase(status))
	if f.Public != "" {
		text += ": " + f.Public
	}
	return errorMessage(text)
}

// phrase is what a status is called: as by nginx, since people look for these words in answers and logs of APISIX.
func phrase(status int) string {
	switch status {
	case http.StatusServiceUnavailable:
		return "Service Temporarily Unavailable"
	case http.StatusGatewayTimeout:
		return "Gateway Time-out"
	}
	return http.StatusText(status)
}

func errorMessage(text string) []byte {
	b, err := encodeJSON(map[string]string{"error_msg": text})
	if err != nil {
		return nil
	}
	return b
}

// encodeJSON writes v with a newline behind it. Like APISIX, and unlike what is meant for web pages, it escapes no angle brackets.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return b.Bytes(), err
}

// setBody makes the body of a plugin's answer.
func (x *exchange) setBody(body any, plugin string) {
	switch b := body.(type) {
	case nil:
		if x.resp.Status >= 400 {
			text := fmt.Sprintf("%d %s: refused by the plugin %s", x.resp.Status, phrase(x.resp.Status), plugin)
			x.setReply("application/json", errorMessage(text))
		}
	case string:
		x.setReply("text/plain; charset=utf-8", []byte(b))
	case []byte:
		x.setReply("text/plain; charset=utf-8", b)
	case json.RawMessage:
		x.setReply("application/json", append(b[:len(b):len(b)], '\n'))
	default:
		encoded, err := encodeJSON(b)
		if err != nil {
			x.resp.Status = http.StatusInternalServerError
			encoded = errorMessage("500 Internal Server Error: the plugin " + plugin + " answered with something that is not JSON")
		}
		x.setReply("application/json", encoded)
	}
}

func (x *exchange) setReply(contentType string, body []byte) {
	x.resp.Fields.Set("Content-Type", contentType)
	x.reply = body
	x.resp.ContentLength = int64(len(body))
}

// Refuse makes the answer to a request that is not well-formed. No plugin sees such a request, but the access log does.
func (g *Gateway) Refuse(peer *transport.Peer, e *transport.Refusal) (contentType string, body []byte) {
	g.refused.Add(1)
	g.log.Info("request refused", "client", peer.RemoteIP, "status", e.Status, "reason", e.Reason)
	body = errorMessage(fmt.Sprintf("%d %s: %s", e.Status, phrase(e.Status), e.Reason))
	x := newExchange(g)
	x.snap, x.peer, x.req, x.start = g.current.Load(), peer, &transport.Request{Minor: 1}, time.Now()
	x.remote, x.remoteText = peer.Remote.Addr(), peer.RemoteIP
	x.global, x.plan = emptyPlan, emptyPlan
	x.origin, x.responding, x.resp.Status, x.bodySent = sdk.OriginGateway, true, e.Status, int64(len(body))
	g.account(x)
	return "application/json", body
}

// report writes a failure to the log, once.
func (g *Gateway) report(x *exchange, err error) {
	attrs := []any{"error", err}
	if x.route != nil {
		attrs = append(attrs, "route", x.route.id)
	}
	attrs = append(attrs, "client", x.remoteText, "method", x.req.Method, "path", x.req.Path)
	var f *Fault
	if !errors.As(err, &f) {
		g.log.Error("request failed", attrs...)
		return
	}
	attrs = append(attrs, "source", f.Source)
	if f.Stack != nil {
		attrs = append(attrs, "stack", string(f.Stack))
	}
	switch {
	case f.Source == FaultClient:
		g.log.Debug("request failed", attrs...)
	case f.Source == FaultUpstream:
		g.log.Warn("request failed", attrs...)
	default:
		g.log.Error("request failed", attrs...)
	}
}
