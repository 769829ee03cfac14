// Package echo is the plugin echo: it puts texts before and behind the body of a response, or in its place. It is meant for
// trying things out.
package echo

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

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
	return sdk.Info{Name: "echo", Version: "0.1", Priority: 412, Schema: schema}
}

type config struct {
	Before  *string         `json:"before_body"`
	Body    *string         `json:"body"`
	After   *string         `json:"after_body"`
	Headers json.RawMessage `json:"headers"`
}

type field struct{ name, value string }

// echo is one configuration.
type echo struct {
	before, after []byte
	whole         []byte // stands for the body with all that is put around it; nil where the body is kept
	fields        []field
	begun         string // the variable that tells that the text before the body was sent
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	e := &echo{
		before: bytesOf(conf.Before),
		after:  bytesOf(conf.After),
		begun:  "plugin_echo_body_set:" + sdk.ScopeOf(ctx).Resource,
	}
	if conf.Headers != nil {
		fields, err := template.Fields(conf.Headers, template.Compile)
		if err != nil {
			return sdk.Hooks{}, err
		}
		for _, f := range fields {
			e.fields = append(e.fields, field{f.Name, f.Values[0].String()})
		}
	}
	hooks := sdk.Hooks{HeaderFilter: e.headerFilter}
	switch {
	case conf.Body != nil:
		e.whole = slices.Concat(e.before, []byte(*conf.Body), e.after)
		hooks.BodyFilter = e.replace
	case len(e.before) > 0:
		hooks.BodyFilter = e.surround
	case len(e.after) > 0:
		hooks.BodyFilter = e.append
	}
	return hooks, nil
}

func bytesOf(s *string) []byte {
	if s == nil {
		return nil
	}
	return []byte(*s)
}

func (e *echo) headerFilter(x sdk.Exchange) error {
	header := x.Response().Header()
	for _, name := range [...]string{"Content-Length", "Content-Encoding", "Last-Modified", "ETag"} {
		header.Del(name)
	}
	for i := range e.fields {
		// As in nginx, a field that is set to nothing is removed.
		if f := &e.fields[i]; f.value != "" {
			header.Set(f.name, f.value)
		} else {
			header.Del(f.name)
		}
	}
	return nil
}

func (e *echo) replace(_ sdk.Exchange, chunk *sdk.Chunk) error {
	chunk.Data = nil
	if chunk.Last {
		// Why a copy? Filters behind this one may change the bytes in place.
		chunk.Data = slices.Clone(e.whole)
	}
	return nil
}

func (e *echo) surround(x sdk.Exchange, chunk *sdk.Chunk) error {
	if _, begun := x.Var(e.begun); !begun {
		x.SetVar(e.begun, "1")
		chunk.Data = slices.Concat(e.before, chunk.Data)
	}
	return e.append(x, chunk)
}

func (e *echo) append(_ sdk.Exchange, chunk *sdk.Chunk) error {
	if chunk.Last && len(e.after) > 0 {
		chunk.Data = slices.Concat(chunk.Data, e.after)
	}
	return nil
}
