// Package plugintest tests plugins without a gateway: a scripted [Exchange], [Run], which walks it through a plugin's
// phases as the gateway does, and [Conformance], the kit that every runtime passes.
package plugintest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/polygate/polygate/sdk"
)

var _ sdk.Exchange = (*Exchange)(nil)

// Exchange is a request made up by a test. It belongs to one goroutine. Make one with [New].
type Exchange struct {
	ctx       context.Context
	req       request
	resp      response
	vars      map[string]string
	consumers consumers
	logs      recorder
	logger    *slog.Logger
	remote    string
	upstream  Upstream
	failure   error       // the first change that was refused
	exits     []*sdk.Exit // the answers that hooks asked for
}

// New returns a GET request for "/" from 127.0.0.1, changed by opts, whose upstream answers 200 with an empty body.
func New(opts ...Option) *Exchange {
	x := &Exchange{
		ctx:      context.Background(),
		vars:     make(map[string]string),
		remote:   "127.0.0.1",
		upstream: Upstream{Status: 200},
	}
	x.req = request{x: x, method: "GET", path: "/", rawURI: "/"}
	x.req.header.fail = x.refuse
	x.resp = response{x: x}
	x.resp.early = Header{fail: x.refuse, record: true}
	x.resp.header.fail = x.refuse
	x.consumers.x = x
	x.logger = slog.New(&x.logs)
	for _, opt := range opts {
		opt(x)
	}
	return x
}

// Context implements [sdk.Exchange].
func (x *Exchange) Context() context.Context { return x.ctx }

// Request implements [sdk.Exchange].
func (x *Exchange) Request() sdk.Request { return &x.req }

// Response implements [sdk.Exchange].
func (x *Exchange) Response() sdk.Response { return &x.resp }

// Consumers implements [sdk.Exchange].
func (x *Exchange) Consumers() sdk.Consumers { return &x.consumers }

// Log implements [sdk.Exchange].
func (x *Exchange) Log() *slog.Logger { return x.logger }

// SetVar implements [sdk.Exchange].
func (x *Exchange) SetVar(name, value string) { x.vars[name] = value }

// Exit implements [sdk.Exchange]. A status outside of 200..599 gives an error that is not an [sdk.Exit].
func (x *Exchange) Exit(status int, body any) error {
	if status < 200 || status > 599 {
		return fmt.Errorf("exit with invalid status %d", status)
	}
	exit := &sdk.Exit{Status: status, Body: body}
	x.exits = append(x.exits, exit)
	return exit
}

// Exits returns the answers that hooks made with Exit, in order.
func (x *Exchange) Exits() []*sdk.Exit { return slices.Clone(x.exits) }

// Vars returns a copy of the variables that were set.
func (x *Exchange) Vars() map[string]string { return maps.Clone(x.vars) }

// Logs returns the log records so far, in order.
func (x *Exchange) Logs() []Record { return x.logs.all() }

// Failure returns the error of the first change that was refused (a header field, method or status that can not be sent), or nil.
func (x *Exchange) Failure() error { return x.failure }

// Respond makes the upstream's response, so that a header or body filter can be called on its own.
func (x *Exchange) Respond() { x.resp.begin(sdk.OriginUpstream, x.upstream.Status, x.upstream.Header) }

// Reset forgets the response, the answers and what was done to the response's header, so that a benchmark can call a hook again.
func (x *Exchange) Reset() {
	x.exits = x.exits[:0]
	x.resp.origin, x.resp.status = sdk.OriginNone, 0
	x.resp.early.fields, x.resp.early.notes = x.resp.early.fields[:0], x.resp.early.notes[:0]
	x.resp.header.fields = nil
}

func (x *Exchange) refuse(format string, args ...any) {
	if x.failure == nil {
		x.failure = fmt.Errorf(format, args...)
	}
}

// Var implements [sdk.Exchange]: a variable that was set, or one of the request's own.
func (x *Exchange) Var(name string) (string, bool) {
	if v, ok := x.vars[name]; ok {
		return v, true
	}
	if prefix, rest, ok := strings.Cut(name, "_"); ok {
		switch prefix {
		case "arg":
			return x.arg(rest)
		case "http":
			return first(x.req.header.lookup(rest))
		case "cookie":
			return x.cookie(rest)
		case "sent":
			if field, ok := strings.CutPrefix(rest, "http_"); ok {
				return first(x.resp.current().lookup(field))
			}
		}
	}
	return x.builtin(name)
}

func (x *Exchange) builtin(name string) (string, bool) {
	switch name {
	case "request_method":
		return x.req.method, true
	case "uri":
		return x.req.path, true
	case "request_uri":
		return x.req.rawURI, true
	case "args", "query_string":
		return x.req.query, x.req.query != ""
	case "is_args":
		if x.req.query != "" {
			return "?", true
		}
		return "", true
	case "remote_addr":
		return x.remote, true
	case "scheme":
		return "http", true
	case "host":
		return x.req.header.Get("Host"), x.req.header.Has("Host")
	case "status":
		return fmt.Sprint(x.resp.status), x.resp.status != 0
	case "consumer_name":
		if c := x.consumers.attached; c != nil {
			return c.Username, true
		}
	}
	return "", false
}

func (x *Exchange) arg(name string) (string, bool) {
	for part := range strings.SplitSeq(x.req.query, "&") {
		key, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(key, name) {
			if decoded, err := url.QueryUnescape(value); err == nil {
				return decoded, true
			}
			return value, true
		}
	}
	return "", false
}

func (x *Exchange) cookie(name string) (string, bool) {
	for _, line := range x.req.header.Values("Cookie") {
		for part := range strings.SplitSeq(line, ";") {
			if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); key == name {
				return value, true
			}
		}
	}
	return "", false
}

func first(values []string) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// lookup returns the values of the fields whose name is variable, written as in a variable: http_user_agent.
func (h *Header) lookup(variable string) []string {
	var values []string
	for _, f := range h.fields {
		if strings.EqualFold(strings.ReplaceAll(f.Name, "-", "_"), variable) {
			values = append(values, f.Value)
		}
	}
	return values
}
