package limitconn

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/polygate/polygate/internal/luanum"
	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// maxAmount is the greatest number that APISIX takes from a variable: 2^53 - 1.
const maxAmount = 1<<53 - 1

// amount is a number of requests, or a template of one.
type amount struct {
	fixed    int64
	template *template.Template // nil for a fixed one
	zero     bool               // nothing is a valid amount, too
}

func newAmount(raw json.RawMessage, zero bool) (amount, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		return amount{template: template.Compile(text), zero: zero}, nil
	}
	var n float64
	if err := json.Unmarshal(raw, &n); err != nil {
		return amount{}, fmt.Errorf("decode %s: %w", raw, err)
	}
	return amount{fixed: int64(min(n, maxAmount)), zero: zero}, nil
}

func (a *amount) resolve(x sdk.Exchange) (int64, error) {
	if a.template == nil {
		return a.fixed, nil
	}
	return parseAmount(a.template.Text(template.Source{Vars: x}), a.zero)
}

// parseAmount reads an integer, however Lua lets it be written. The texts of the errors are APISIX's.
func parseAmount(text string, zero bool) (int64, error) {
	n, ok := luanum.Parse(text)
	switch {
	case !ok:
		return 0, fmt.Errorf("resolved value is not a number: %s", text)
	case zero && n < 0:
		return 0, fmt.Errorf("resolved value must be a non-negative number, got: %s", luanum.Format(n))
	case !zero && n <= 0:
		return 0, fmt.Errorf("resolved value must be a positive number, got: %s", luanum.Format(n))
	case n != math.Floor(n): // also where it is none
		return 0, fmt.Errorf("resolved value must be an integer, got: %s", luanum.Format(n))
	case n > maxAmount:
		return 0, fmt.Errorf("resolved value exceeds safe integer range (2^53-1), got: %s", luanum.Format(n))
	}
	return int64(n), nil
}
