// Package proxyrewrite is the plugin proxy-rewrite: it changes the path, the query, the method, the host and the header fields of a
// request before it goes to the upstream.
package proxyrewrite

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "proxy-rewrite", Version: "0.1", Priority: 1008, Schema: schema}
}

type config struct {
	URI      *string         `json:"uri"`
	RegexURI []string        `json:"regex_uri"`
	Method   string          `json:"method"`
	Host     string          `json:"host"`
	Headers  json.RawMessage `json:"headers"`
	Unsafe   bool            `json:"use_real_request_uri_unsafe"`
}

// rewriter is one configuration.
type rewriter struct {
	host    string
	method  string
	target  target
	headers *headers // nil where no field is changed
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	r := &rewriter{host: conf.Host, method: conf.Method}
	var err error
	if r.headers, err = newHeaders(conf.Headers); err != nil {
		return sdk.Hooks{}, err
	}
	pairs, err := newPairs(conf.RegexURI)
	if err != nil {
		return sdk.Hooks{}, err
	}
	r.target = newTarget(&conf, pairs, r.headers.useCaptures())
	return sdk.Hooks{Rewrite: r.rewrite}, nil
}

func (r *rewriter) rewrite(x sdk.Exchange) error {
	if r.host != "" {
		x.SetVar("upstream_host", r.host)
	}
	var captures []string
	if r.target != nil {
		var err error
		if captures, err = r.target(x); err != nil {
			return err
		}
	}
	if r.headers != nil {
		r.headers.apply(x.Request().Header(), template.Source{Vars: x, Captures: captures, Escape: template.EscapeControl})
	}
	if r.method != "" {
		x.Request().SetMethod(r.method)
	}
	return nil
}
