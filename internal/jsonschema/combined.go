package jsonschema

import "errors"

// checkCombined checks the schemas that apply to the same value, and returns it as they fill it.
func (r *run) checkCombined(c *combinedRules, v any) (any, error) {
	for i, n := range c.allOf {
		filled, err := r.check(n, v)
		if err != nil {
			return v, r.errorf("allOf %d failed: %w", i+1, err)
		}
		v = filled
	}
	if c.hasAnyOf {
		filled, ok := r.firstMatch(c.anyOf, v)
		if !ok {
			return v, r.errorf("object matches none of the required%s", c.required)
		}
		v = filled
	}
	if c.hasOneOf {
		filled, err := r.onlyMatch(c.oneOf, v)
		if err != nil {
			return v, err
		}
		v = filled
	}
	v, err := r.checkCondition(c, v)
	if err != nil || c.not == nil {
		return v, err
	}
	if _, err := r.try(c.not, v); err == nil {
		return v, errors.New("value wasn't supposed to match schema")
	}
	return v, r.stop
}

// firstMatch tries the alternatives in order.
func (r *run) firstMatch(alternatives []*node, v any) (any, bool) {
	for _, n := range alternatives {
		if filled, err := r.try(n, v); err == nil {
			return filled, true
		}
	}
	return v, false
}

// onlyMatch tries all alternatives.
func (r *run) onlyMatch(alternatives []*node, v any) (any, error) {
	matched := 0
	for i, n := range alternatives {
		filled, err := r.try(n, v)
		if err != nil {
			continue
		}
		if matched > 0 {
			return v, r.errorf("value should match only one schema, but matches both schemas %d and %d", matched, i+1)
		}
		matched, v = i+1, filled
	}
	if matched == 0 {
		return v, errors.New("value should match only one schema, but matches none")
	}
	return v, nil
}

// checkCondition checks if, then and else.
func (r *run) checkCondition(c *combinedRules, v any) (any, error) {
	if c.condition == nil {
		return v, nil
	}
	filled, err := r.try(c.condition, v)
	clause, name := c.whenFalse, "else"
	if err == nil {
		v = filled
		clause, name = c.whenTrue, "then"
	}
	if clause == nil {
		return v, r.stop
	}
	filled, err = r.try(clause, v)
	if err != nil {
		return v, r.errorf("%s clause did not match", name)
	}
	return filled, nil
}
