package plugintest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/polygate/polygate/sdk"
)

var _ sdk.Plugin = referencePlugin{}

// Reference returns the conformance plugin, written in Go. What it does is told by its configuration:
//
//	{
//	  "refuse": "…",          // Configure returns this error
//	  "close": "…",           // Close returns this error
//	  "rewrite": [STEP, …],   // likewise access, before_proxy, header_filter, body_filter, log
//	}
//
// A phase without steps has a nil hook. Steps run in order; a step is an object whose "do" names what is done, with these other
// members, all strings but "status", "limit" and "json":
//
//	do                      members        what it does
//	method, path, query     to             the request's method, decoded path, encoded query into a variable
//	set_method, set_path,
//	set_query               value          replaces them
//	get, values, fields     in name to     into a variable: the first value, or all values joined by "|", or all "Name=value" joined by "|"
//	set, add, del           in name value  changes header fields; "in" is "request" or "response", here and above
//	body                    limit to       the request's body, or "too large", into a variable
//	set_body                value          replaces it
//	var                     name to        copies a variable; "(none)" where there is none
//	set_var                 name value     sets a variable
//	status, origin          to             the response's status, or origin as a number, into a variable
//	set_status              status         replaces the status
//	find                    name value to  finds a consumer by plugin and credential and attaches it; "to" gets "username conf" or "(none)"
//	by_name                 value to       finds a consumer by its username and attaches it; likewise
//	attached                to             the attached consumer's username, or "(none)"
//	scope                   to             the name of the resource that Configure was called for
//	exit                    status         answers with an empty body
//	exit_text, exit_bytes   status value   answers with a string, or with bytes
//	exit_json               status json    answers with a JSON value
//	fail, panic             value          returns that error; panics with that text
//	log                     value          logs at info level with the attribute phase="…"
//	chunk                   value          body_filter: replaces the data
//	wrap                    value          body_filter: puts value before and after the data
//	last                    value          body_filter: appends value to the last chunk
//	seen                    to             body_filter: appends the data, and "$" for the last chunk, to a variable
func Reference() sdk.Plugin { return referencePlugin{} }

type referencePlugin struct{}

// Info implements [sdk.Plugin].
func (referencePlugin) Info() sdk.Info {
	return sdk.Info{Name: "conformance", Version: "0.1", Priority: 1000, Schema: json.RawMessage(`{"type":"object"}`)}
}

type script struct {
	Refuse       string `json:"refuse"`
	Close        string `json:"close"`
	Rewrite      []step `json:"rewrite"`
	Access       []step `json:"access"`
	BeforeProxy  []step `json:"before_proxy"`
	HeaderFilter []step `json:"header_filter"`
	BodyFilter   []step `json:"body_filter"`
	Log          []step `json:"log"`
}

type step struct {
	Do     string          `json:"do"`
	In     string          `json:"in"`
	Name   string          `json:"name"`
	Value  string          `json:"value"`
	To     string          `json:"to"`
	Status int             `json:"status"`
	Limit  int64           `json:"limit"`
	JSON   json.RawMessage `json:"json"`
}

// Configure implements [sdk.Plugin].
func (referencePlugin) Configure(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	var s script
	if err := json.Unmarshal(conf, &s); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	if s.Refuse != "" {
		return sdk.Hooks{}, errors.New(s.Refuse)
	}
	resource := sdk.ScopeOf(ctx).Resource
	hook := func(phase sdk.Phase, steps []step) func(sdk.Exchange) error {
		if len(steps) == 0 {
			return nil
		}
		return func(x sdk.Exchange) error {
			return runSteps(&state{x: x, phase: phase, resource: resource}, steps)
		}
	}
	hooks := sdk.Hooks{
		Rewrite:      hook(sdk.PhaseRewrite, s.Rewrite),
		Access:       hook(sdk.PhaseAccess, s.Access),
		BeforeProxy:  hook(sdk.PhaseBeforeProxy, s.BeforeProxy),
		HeaderFilter: hook(sdk.PhaseHeaderFilter, s.HeaderFilter),
	}
	if len(s.BodyFilter) > 0 {
		hooks.BodyFilter = func(x sdk.Exchange, chunk *sdk.Chunk) error {
			return runSteps(&state{x: x, phase: sdk.PhaseBodyFilter, resource: resource, chunk: chunk}, s.BodyFilter)
		}
	}
	if log := hook(sdk.PhaseLog, s.Log); log != nil {
		hooks.Log = func(x sdk.Exchange) {
			if err := log(x); err != nil {
				x.Log().Error(err.Error())
			}
		}
	}
	if s.Close != "" {
		hooks.Close = func() error { return errors.New(s.Close) }
	}
	return hooks, nil
}
