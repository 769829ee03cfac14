package jsonschema

import (
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/polygate/polygate/internal/luanum"
	"github.com/polygate/polygate/internal/regex"
)

func (r *run) checkText(t *textRules, s string) error {
	if !r.spend(len(s) / textPerCost) {
		return r.stop
	}
	if t.min != nil || t.max != nil {
		length := utf8.RuneCountInString(s)
		if t.min != nil && float64(length) < *t.min {
			return r.errorf("string too short, expected at least %s, got %d", luanum.Format(*t.min), length)
		}
		if t.max != nil && float64(length) > *t.max {
			return r.errorf("string too long, expected at most %s, got %d", luanum.Format(*t.max), length)
		}
	}
	if t.re != nil && !r.match(t.re, s) {
		if r.stop != nil {
			return r.stop
		}
		return r.errorf("failed to match pattern %s with %s", quote(t.re.String()), quote(s))
	}
	return nil
}

// match tells whether re matches s. A match that runs out of time ends the validation, for many of them would take
// forever.
func (r *run) match(re *regex.Regexp, s string) bool {
	r.spend(len(s) / textPerCost)
	ok, err := re.Match(s)
	if err != nil && r.stop == nil {
		r.stop = fmt.Errorf("match pattern %s: %w", quote(re.String()), err)
	}
	return ok
}

func (n *numberRules) check(f float64) error {
	switch {
	case n.min != nil && f < *n.min:
		return outOfRange(f, "at least", *n.min)
	case n.above != nil && f <= *n.above:
		return outOfRange(f, "greater than", *n.above)
	case n.max != nil && f > *n.max:
		return outOfRange(f, "at most", *n.max)
	case n.below != nil && f >= *n.below:
		return outOfRange(f, "smaller than", *n.below)
	case n.multipleOf != nil && !isMultiple(f, *n.multipleOf):
		return outOfRange(f, "a multiple of", *n.multipleOf)
	}
	return nil
}

func outOfRange(f float64, relation string, limit float64) error {
	return fmt.Errorf("expected %s to be %s %s", luanum.Format(f), relation, luanum.Format(limit))
}

// isMultiple allows for rounding if of is a fraction: 1.13 is a multiple of 0.01.
func isMultiple(f, of float64) bool {
	if of == math.Trunc(of) {
		return math.Mod(f, of) == 0
	}
	quotient := f / of
	rounded := math.Round(quotient)
	return math.Abs(quotient-rounded) <= 1e-12*math.Max(1, math.Abs(rounded))
}

// quote writes s as LuaJIT's %q does.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"' || c == '\\' || c == '\n':
			b = append(b, '\\', c)
		case c < ' ' || c == 0x7f:
			b = append(b, '\\')
			if i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				// Three digits, so that the next one does not count among them.
				b = append(b, '0'+c/100, '0'+c/10%10, '0'+c%10)
			} else {
				b = strconv.AppendUint(b, uint64(c), 10)
			}
		default:
			b = append(b, c)
		}
	}
	return string(append(b, '"'))
}
