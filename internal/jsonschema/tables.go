package jsonschema

import (
	"errors"
	"fmt"

	"github.com/polygate/polygate/internal/luanum"
)

// checkObject checks the properties of the table x, which is *v. It replaces *v if x is an empty array that gets properties.
func (r *run) checkObject(o *objectRules, x *value, v *any) error {
	if !r.spend(len(o.properties)/8 + len(x.object)/8) {
		return r.stop
	}
	for i := range o.properties {
		if err := r.checkProperty(&o.properties[i], x, v); err != nil {
			return err
		}
	}
	for _, name := range o.required {
		if _, ok := x.object[name]; !ok {
			return fmt.Errorf("property \"%s\" is required", name)
		}
	}
	for i := range o.dependencies {
		d := &o.dependencies[i]
		if _, ok := x.object[d.name]; !ok {
			continue
		}
		if err := r.checkDependency(d, x.object); err != nil {
			return err
		}
	}
	if err := r.checkOpenProperties(o, x.object); err != nil {
		return err
	}
	if o.min != nil && float64(len(x.object)) < *o.min {
		return fmt.Errorf("expect object to have at least %s properties", luanum.Format(*o.min))
	}
	if o.max != nil && float64(len(x.object)) > *o.max {
		return fmt.Errorf("expect object to have at most %s properties", luanum.Format(*o.max))
	}
	return nil
}

func (r *run) checkProperty(p *property, x *value, v *any) error {
	have, ok := x.object[p.name]
	if !ok {
		if p.required {
			return fmt.Errorf("property \"%s\" is required", p.name)
		}
		if p.fallback == nil {
			return nil
		}
		if x.object == nil {
			*v = r.becomeObject(x)
		}
		x.object[p.name] = clone(p.fallback)
		r.changes++
		return nil
	}
	if err := r.checkMember(p.node, x.object, p.name, have); err != nil {
		return fmt.Errorf("property \"%s\" validation failed: %w", p.name, err)
	}
	if p.dependency != nil {
		return r.checkDependency(p.dependency, x.object)
	}
	return nil
}

// checkMember checks one member of m and stores what replaces it.
func (r *run) checkMember(n *node, m map[string]any, name string, have any) error {
	before := r.changes
	filled, err := r.check(n, have)
	if r.changes != before {
		m[name] = filled
	}
	return err
}

// checkDependency checks what the presence of a property demands.
func (r *run) checkDependency(d *dependency, m map[string]any) error {
	for _, name := range d.required {
		if _, ok := m[name]; !ok {
			return fmt.Errorf("property \"%s\" is required when \"%s\" is set", name, d.name)
		}
	}
	if d.node == nil {
		return nil
	}
	if _, err := r.check(d.node, m); err != nil {
		return fmt.Errorf("failed to validate dependent schema for \"%s\": %w", d.name, err)
	}
	return nil
}

// checkOpenProperties checks patternProperties and additionalProperties.
func (r *run) checkOpenProperties(o *objectRules, m map[string]any) error {
	if len(o.patterns) == 0 && (o.additional == nil || !o.hasAdditional(m)) {
		return nil
	}
	for _, name := range sortedKeys(m) {
		matched, err := r.checkPatterns(o, m, name)
		if err != nil {
			return err
		}
		if _, known := o.known[name]; known || matched || o.additional == nil {
			continue
		}
		if verdict := o.additional.verdict; verdict != nil && !*verdict {
			return fmt.Errorf("additional properties forbidden, found %s", name)
		}
		if err := r.checkMember(o.additional, m, name, m[name]); err != nil {
			return fmt.Errorf("failed to validate additional property %s: %w", name, err)
		}
	}
	return nil
}

// hasAdditional tells whether m has a property that is not among the known ones. It saves sorting the names in the usual case.
func (o *objectRules) hasAdditional(m map[string]any) bool {
	for name := range m {
		if _, ok := o.known[name]; !ok {
			return true
		}
	}
	return false
}

// checkPatterns checks the patternProperties of one property and tells whether any pattern matched.
func (r *run) checkPatterns(o *objectRules, m map[string]any, name string) (matched bool, err error) {
	for _, p := range o.patterns {
		if !r.match(p.re, name) {
			continue
		}
		matched = true
		if err := r.checkMember(p.node, m, name, m[name]); err != nil {
			return true, fmt.Errorf("failed to validate %s (matching \"%s\"): %w", name, p.re, err)
		}
	}
	return matched, r.stop
}

func (r *run) checkArray(a *arrayRules, list []any) error {
	if a.min != nil && float64(len(list)) < *a.min {
		return fmt.Errorf("expect array to have at least %s items", luanum.Format(*a.min))
	}
	if a.max != nil && float64(len(list)) > *a.max {
		return fmt.Errorf("expect array to have at most %s items", luanum.Format(*a.max))
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
		return fmt.Errorf("expected unique items but items %d and %d are equal", i+1, j+1)
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
			return fmt.Errorf("%s %d: %w", message, i+1, err)
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
		filled, err := r.check(c.node, v)
		x.array[i] = filled
		matched = matched || err == nil
	}
	if !matched {
		return errors.New("failed to check contains")
	}
	return r.stop
}
