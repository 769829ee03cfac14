// Package uriblocker is the plugin uri-blocker: it refuses requests whose path and query match a regular expression.
package uriblocker

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/polygate/polygate/internal/regex"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "uri-blocker", Version: "0.1", Priority: 2900, Schema: schema}
}

type config struct {
	Rules           []string `json:"block_rules"`
	Status          int      `json:"rejected_code"`
	Message         *string  `json:"rejected_msg"`
	CaseInsensitive bool     `json:"case_insensitive"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	if conf.Status > 599 {
		return sdk.Hooks{}, fmt.Errorf("rejected_code %d can not be sent: use one of 200 to 599", conf.Status)
	}
	b := &blocker{status: conf.Status}
	if conf.Message != nil {
		b.body = refusal{*conf.Message}
	}
	options := "jo"
	if conf.CaseInsensitive {
		options = "joi"
	}
	for _, rule := range conf.Rules {
		re, err := regex.Compile(rule, options)
		if err != nil {
			return sdk.Hooks{}, &ruleError{rule, err}
		}
		b.rules = append(b.rules, re)
	}
	if len(b.rules) == 0 {
		return sdk.Hooks{}, nil
	}
	return sdk.Hooks{Rewrite: b.rewrite}, nil
}

// ruleError says that a rule is no regular expression, in the words of APISIX's engine.
type ruleError struct {
	rule  string
	cause error
}

// Error gives the text.
func (e *ruleError) Error() string {
	cause := e.cause
	if inner := errors.Unwrap(cause); inner != nil {
		cause = inner // without the rule, which is named here
	}
	return "pcre_compile() failed: " + cause.Error() + ` in "` + e.rule + `"`
}

// Unwrap returns the cause.
func (e *ruleError) Unwrap() error { return e.cause }

// refusal is the body of a refusal.
type refusal struct {
	Message string `json:"error_msg"`
}

// blocker is one configuration.
type blocker struct {
	rules  []*regex.Regexp
	status int
	body   any // nil: none
}

func (b *blocker) rewrite(x sdk.Exchange) error {
	req := x.Request()
	// The decoded path is what routes are found by and what other plugins see; an escape cannot hide anything in it.
	target := req.Path()
	if query := req.Query(); query != "" {
		target += "?" + query
	}
	for _, rule := range b.rules {
		matched, err := rule.Match(target)
		if err != nil {
			// What cannot be ruled out in time is refused, and at once, so that a request costs one time limit at most.
			x.Log().Warn("a block rule cannot be decided: the request is refused", "rule", rule.String(), "error", err)
			matched = true
		}
		if matched {
			return x.Exit(b.status, b.body)
		}
	}
	return nil
}
