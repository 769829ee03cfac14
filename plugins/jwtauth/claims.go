package jwtauth

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// checkClaims tells why a token is not valid at that time; grace is in seconds. The claims that are required must be there; where none is, exp
// and nbf are checked if they are.
func (t *token) checkClaims(required []string, now time.Time, grace int64) error {
	names := required
	if len(names) == 0 {
		names = []string{"nbf", "exp"}
	}
	at, leeway := float64(now.Unix()), float64(grace)
	for _, name := range names {
		raw, ok := t.claims[name]
		if !ok {
			if len(required) > 0 {
				return fmt.Errorf("claim %s is missing", name)
			}
			continue
		}
		seconds, err := number(raw)
		if err != nil {
			return fmt.Errorf("claim %s is not a number", name)
		}
		switch {
		case name == "nbf" && seconds >= at+leeway:
			return fmt.Errorf("'nbf' claim not valid until %s", raw)
		case name == "exp" && seconds <= at-leeway:
			return fmt.Errorf("'exp' claim expired at %s", raw)
		}
	}
	return nil
}

// number reads a JSON number. One that is too large for a float64 is none: what would be read in its place is a matter of taste.
func number(raw json.RawMessage) (float64, error) {
	// Among JSON values only numbers begin with these, and ParseFloat also reads what is not JSON.
	if c := raw[0]; c != '-' && (c < '0' || c > '9') {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(string(raw), 64)
}
