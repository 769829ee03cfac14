package jsonschema

import (
	"errors"

	"github.com/polygate/polygate/internal/luanum"
)

// checkArray checks the items of a table that passes for an array.
func (r *run) checkArray(a *arrayRules, list []any) error {
	if a.min != nil && float64(len(list)) < *a.min {
		return r.errorf("expect array to have at least %s items", luanum.Format(*a.min))
	}
	if a.max != nil && float64(len(list)) > *a.max {
		return r.errorf("expect array to have at most %s items", luanum.Format(*a.max))
	}
	var err error
	if a.tuple != nil {
		err = r.checkTuple(a, list)
	} else if a.each != nil {
		err = r.checkItems(a.each, list, 0, "failed to validate item")
	}
	if err != nil || !a.unique {
		return err
	}
	if i, j, ok := r.duplicates(list); ok {
		return r.errorf("expected unique items but items %d and %d are equal", i+1, j+1)
	}
	return r.stop
}

func (r *run) checkTuple(a *arrayRules, list []any) error {
	for i, n := range a.tuple {
		if i == len(list) {
			return nil
		}
		if err := r.checkItems(n, list[:i+1], i, "failed to validate item"); err != nil {
			return err
		}
	}
	if a.additional == nil || len(list) == len(a.tuple) {
		return nil
	}
	if verdict := a.additional.verdict; verdict != nil && !*verdict {
		return errors.New("found unexpected extra items in array")
	}
	return r.checkItems(a.additional, list, len(a.tuple), "failed to validate additional item")
}

// checkItems checks the items from the one with index first on.
func (r *run) checkItems(n *node, list []any, first int, message string) error {
	for i := first; i < len(list); i++ {
		before := r.changes
		filled, err := r.check(n, list[i])
		if err != nil {
			return r.errorf("%s %d: %w", message, i+1, err)
		}
		if r.changes != before {
			list[i] = filled
		}
	}
	return nil
}

// duplicates returns the indices of two items that are equal: first among those that are no tables, as APISIX does.
func (r *run) duplicates(list []any) (int, int, bool) {
	seen := make(map[string]int, len(list))
	var key []byte
	for i, v := range list {
		if x := inspect(v); x.isTable() {
			continue
		}
		key = r.appendKey(key[:0], v)
		if first, ok := seen[string(key)]; ok {
			return first, i, true
		}
		seen[string(key)] = i
	}
	found, second := -1, -1
	for i, v := range list {
		if x := inspect(v); !x.isTable() {
			continue
		}
		key = r.appendKey(key[:0], v)
		first, ok := seen[string(key)]
		if !ok {
			seen[string(key)] = i
		} else if found < 0 || first < found {
			found, second = first, i
		}
	}
	return found, second, found >= 0 && r.stop == nil
}

// checkContains checks contains.
func (r *run) checkContains(c *containsRule, x *value) error {
	if c.verdict != nil {
		if *c.verdict && x.kind != arrayKind {
			return errors.New("check contains: expect array table")
		}
		if !*c.verdict && x.isTable() {
			return errors.New("check contains: expect table")
		}
		return nil
	}
	if x.kind == emptyKind {
		return errors.New("check contains: empty array is invalid")
	}
	matched := x.kind != arrayKind
	for i, v := range x.array {
		filled, err := r.try(c.node, v)
		x.array[i] = filled
		matched = matched || err == nil
	}
	if !matched {
		return errors.New("failed to check contains")
	}
	return r.stop
}
