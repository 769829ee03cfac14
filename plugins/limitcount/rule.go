package limitcount

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/polygate/polygate/internal/luanum"
	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// The kinds of keys; the first three are values of key_type.
const (
	kindVar         = "var"
	kindCombination = "var_combination"
	kindConstant    = "constant"
	kindRule        = "rule" // a template, and without a value the rule does not apply
)

var errNoRule = errors.New("no rule applies to the request")

// rule is one limit.
type rule struct {
	count    amount
	window   amount
	kind     string
	key      string
	template *template.Template // of key
	names    headerNames
	scope    uint64 // of its counters
}

// limit resolves the rule's limit for a request.
func (r *rule) limit(x sdk.Exchange) (limit, error) {
	count, err := r.count.resolve(x)
	if err != nil {
		return limit{}, err
	}
	window, err := r.window.resolve(x)
	return limit{count: count, window: window}, err
}

// keyText returns the key of a request, the client's address where it has none.
func (r *rule) keyText(x sdk.Exchange) string {
	switch r.kind {
	case kindConstant:
		return r.key
	case kindCombination:
		if text, ok := r.ruleKey(x); ok {
			return text
		}
	default:
		if text, ok := x.Var(r.key); ok {
			return text
		}
	}
	text, _ := x.Var("remote_addr")
	return text
}

// ruleKey fills the key's template and tells whether any of its variables had a value.
func (r *rule) ruleKey(x sdk.Exchange) (string, bool) {
	var buf [128]byte
	text, resolved := r.template.Expand(buf[:0], template.Source{Vars: x})
	if resolved == 0 {
		return "", false
	}
	return string(text), true
}

// amount is a positive number, or a template of one.
type amount struct {
	fixed    int64
	template *template.Template // nil for a fixed one
	text     string             // of a fixed one
}

func newAmount(name string, raw json.RawMessage) (amount, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		return amount{template: template.Compile(text)}, nil
	}
	n, err := parseAmount(string(raw))
	if err != nil {
		return amount{}, fmt.Errorf("%s: %w", name, err)
	}
	return amount{fixed: n, text: strconv.FormatInt(n, 10)}, nil
}

func (a *amount) resolve(x sdk.Exchange) (int64, error) {
	if a.template == nil {
		return a.fixed, nil
	}
	return parseAmount(a.template.Text(template.Source{Vars: x}))
}

// maxAmount is the greatest number that APISIX takes: 2^53 - 1.
const maxAmount = 1<<53 - 1

// parseAmount reads a positive integer, however Lua lets it be written.
func parseAmount(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		f, ok := luanum.Parse(text)
		if !ok {
			return 0, fmt.Errorf("resolved value %q is not a number", text)
		}
		if f != math.Trunc(f) || math.Abs(f) > maxAmount {
			return 0, fmt.Errorf("resolved value must be an integer within 2^53-1, got %q", text)
		}
		n = int64(f)
	}
	if n <= 0 || n > maxAmount {
		return 0, fmt.Errorf("resolved value must be a positive number within 2^53-1, got %q", text)
	}
	return n, nil
}
