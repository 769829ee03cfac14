package faultinjection

import (
	"encoding/json"
	"math/rand/v2"
	"slices"

	"github.com/polygate/polygate/internal/expr"
	"github.com/polygate/polygate/sdk"
)

// conditions say which requests are meant, as they are configured.
type conditions struct {
	Percentage *int              `json:"percentage"`
	Vars       []json.RawMessage `json:"vars"`
}

// chance tells which requests are meant.
type chance struct {
	percentage int
	vars       []*expr.Expr // nil: all; one of them must hold
}

func (c *conditions) compile() (chance, error) {
	out := chance{percentage: 100}
	if c.Percentage != nil {
		out.percentage = *c.Percentage
	}
	if c.Vars != nil {
		// A list without expressions has none that holds.
		out.vars = make([]*expr.Expr, 0, len(c.Vars))
	}
	for _, raw := range c.Vars {
		compiled, err := expr.Compile(raw)
		if err != nil {
			return chance{}, err
		}
		out.vars = append(out.vars, compiled)
	}
	return out, nil
}

func (c *chance) hits(x sdk.Exchange) bool {
	if c.percentage < 100 && rand.IntN(100) >= c.percentage {
		return false
	}
	if c.vars == nil {
		return true
	}
	vars := variablesOf(x)
	return slices.ContainsFunc(c.vars, func(e *expr.Expr) bool { return e.Eval(vars) })
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
