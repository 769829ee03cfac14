// Package responserewrite is the plugin response-rewrite: it changes the status, the header fields and the body of a response.
package responserewrite

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/polygate/polygate/internal/expr"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "response-rewrite", Version: "0.1", Priority: 899, Schema: schema}
}

type config struct {
	MaxBody int             `json:"max_resp_body_size"`
	Headers json.RawMessage `json:"headers"`
	Body    *string         `json:"body"`
	Base64  bool            `json:"body_base64"`
	Status  int             `json:"status_code"`
	Vars    json.RawMessage `json:"vars"`
	Filters []filterConfig  `json:"filters"`
}

// rewriter is one configuration.
type rewriter struct {
	status  int
	headers *headers // nil where no field is changed
	body    []byte
	newBody bool
	vars    *expr.Expr // nil where every response is rewritten
	filters []filter
	max     int // of a body that is filtered

	// mark is the variable that tells the body filter what the header filter found; an exchange has no other memory of ours.
	mark string
	// bodies are those that are being collected: *held by sdk.Exchange.
	bodies sync.Map
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	r := &rewriter{status: conf.Status, max: conf.MaxBody, mark: "response_rewrite:" + sdk.ScopeOf(ctx).Resource}
	if err := r.configure(&conf); err != nil {
		return sdk.Hooks{}, err
	}
	hooks := sdk.Hooks{HeaderFilter: r.headerFilter}
	switch {
	case len(r.filters) > 0:
		hooks.BodyFilter, hooks.Log = r.filterBody, r.forget
	case r.newBody:
		hooks.BodyFilter = r.replaceBody
	}
	return hooks, nil
}

// configure checks and compiles. The texts of errors are APISIX's.
func (r *rewriter) configure(conf *config) error {
	var err error
	if r.headers, err = newHeaders(conf.Headers); err != nil {
		return err
	}
	if conf.Base64 && (conf.Body == nil || *conf.Body == "") {
		return errors.New("invalid base64 content")
	}
	if conf.Body != nil {
		r.newBody, r.body = true, []byte(*conf.Body)
	}
	if conf.Base64 {
		if r.body, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(*conf.Body, "=")); err != nil {
			return errors.New("invalid base64 content")
		}
	}
	if conf.Vars != nil {
		if r.vars, err = expr.Compile(conf.Vars); err != nil {
			return fmt.Errorf("failed to validate the 'vars' expression: %w", err)
		}
	}
	if r.newBody && len(conf.Filters) > 0 {
		return errors.New("body and filters cannot be specified at the same time")
	}
	r.filters, err = newFilters(conf.Filters)
	return err
}

func (r *rewriter) headerFilter(x sdk.Exchange) error {
	if r.vars != nil {
		matched := r.vars.Eval(variablesOf(x))
		if r.newBody || len(r.filters) > 0 {
			x.SetVar(r.mark, markOf(matched))
		}
		if !matched {
			return nil
		}
	}
	resp := x.Response()
	header := resp.Header()
	if r.status != 0 {
		resp.SetStatus(r.status)
	}
	if len(r.filters) > 0 {
		encoding := header.Get("Content-Encoding")
		if !decodable(encoding) {
			x.Log().Error("filters may not work as expected due to unsupported compression encoding type: " + encoding)
			x.SetVar(r.mark, skip)
			r.headers.apply(header, x)
			return nil
		}
		if encoding != "" {
			x.SetVar(r.mark, encoding)
		}
	}
	if r.newBody || len(r.filters) > 0 {
		for _, name := range [...]string{"Content-Length", "Content-Encoding", "Last-Modified", "ETag"} {
			header.Del(name)
		}
	}
	r.headers.apply(header, x)
	return nil
}

// What a mark says; anything else is the encoding of the body.
const (
	skip  = "skip"
	plain = "identity"
)

func markOf(matched bool) string {
	if matched {
		return plain
	}
	return skip
}

func (r *rewriter) replaceBody(x sdk.Exchange, chunk *sdk.Chunk) error {
	if r.vars != nil {
		if mark, _ := x.Var(r.mark); mark == skip {
			return nil
		}
	}
	chunk.Data = nil
	if chunk.Last {
		// Why a copy? Filters behind this one may change the bytes in place.
		chunk.Data = slices.Clone(r.body)
	}
	return nil
}

// variablesOf gives an expression the variables of an exchange; one of the gateway's own also has those that are no text.
func variablesOf(x sdk.Exchange) expr.Vars {
	if vars, ok := x.(expr.Vars); ok {
		return vars
	}
	return variables{x}
}

// variables lets an expression read the variables of an exchange.
type variables struct{ sdk.Exchange }

// Value implements [expr.Vars].
func (v variables) Value(name string) (any, bool) {
	value, ok := v.Var(name)
	return value, ok
}
