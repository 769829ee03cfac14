package jsonschema

import (
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
			return r.errorf("property \"%s\" is required", name)
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
		return r.errorf("expect object to have at least %s properties", luanum.Format(*o.min))
	}
	if o.max != nil && float64(len(x.object)) > *o.max {
		return r.errorf("expect object to have at most %s properties", luanum.Format(*o.max))
	}
	return nil
}

func (r *run) checkProperty(p *property, x *value, v *any) error {
	have, ok := x.object[p.name]
	if !ok {
		if p.required {
			return r.errorf("property \"%s\" is required", p.name)
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
		return r.errorf("property \"%s\" validation failed: %w", p.name, err)
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
			return r.errorf("property \"%s\" is required when \"%s\" is set", name, d.name)
		}
	}
	if d.node == nil {
		return nil
	}
	if _, err := r.check(d.node, m); err != nil {
		return r.errorf("failed to validate dependent schema for \"%s\": %w", d.name, err)
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
			return r.errorf("additional properties forbidden, found %s", name)
		}
		if err := r.checkMember(o.additional, m, name, m[name]); err != nil {
			return r.errorf("failed to validate additional property %s: %w", name, err)
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
			return true, r.errorf("failed to validate %s (matching \"%s\"): %w", name, p.re, err)
		}
	}
	return matched, r.stop
}
