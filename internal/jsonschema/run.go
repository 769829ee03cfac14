package jsonschema

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

const (
	// maxCost bounds the work of one validation, in schemas and values looked at. A schema with references can ask for work that
	// grows exponentially with the document.
	maxCost = 2_000_000
	// maxRecursion bounds how deep schemas apply schemas.
	maxRecursion = 2_000
	// textPerCost is how many bytes of a text cost as much as a value.
	textPerCost = 64
)

var errTooCostly = errors.New("validation takes too many steps")

// run is one validation.
type run struct {
	budget  int
	depth   int
	changes int   // defaults filled in, and empty tables that changed their type
	quiet   int   // how many alternatives are being tried: then errors need no text
	stop    error // ends the validation, whatever a not or an anyOf would make of it
}

// spend takes cost from the budget and tells whether the validation may go on.
func (r *run) spend(cost int) bool {
	if r.budget -= cost; r.budget < 0 && r.stop == nil {
		r.stop = errTooCostly
	}
	return r.stop == nil
}

// check validates v and returns it, or what replaces it if it is an empty table of the wrong type.
func (r *run) check(n *node, v any) (any, error) {
	if r.depth++; r.depth > maxRecursion && r.stop == nil {
		r.stop = errTooCostly
	}
	defer func() { r.depth-- }()
	if !r.spend(1) {
		return v, r.stop
	}
	if n.verdict != nil {
		if *n.verdict {
			return v, nil
		}
		return v, errAlways
	}
	x := inspect(v)
	if x.kind == textKind && isReference(x.text) && n.takesText() {
		return v, nil
	}
	if !n.hasType(&x) {
		return v, r.typeError(n, &x)
	}
	v = r.retype(n, &x, v)
	done, err := r.checkTables(n, &x, &v)
	if done || err != nil {
		return v, err
	}
	if err := r.checkScalars(n, &x, v); err != nil {
		return v, err
	}
	if v, err = r.checkCombined(&n.combined, v); err != nil {
		return v, err
	}
	x = inspect(v)
	return v, r.checkRest(n, &x, v)
}

var errAlways = errors.New("expect false always")

// takesText tells whether the schema is meant for strings as far as references are concerned.
func (n *node) takesText() bool {
	return len(n.types) == 0 || (len(n.types) == 1 && n.types[0] == "string")
}

// isReference tells whether s is a reference to a secret or an environment variable (apisix/secret.lua, is_secret_ref).
func isReference(s string) bool {
	const env = "$env://"
	return strings.HasPrefix(s, "$secret://") || (len(s) >= len(env) && strings.EqualFold(s[:len(env)], env))
}

func (n *node) hasType(v *value) bool {
	for _, t := range n.types {
		if v.is(t) {
			return true
		}
	}
	return len(n.types) == 0
}

func (r *run) typeError(n *node, v *value) error {
	if len(n.types) == 1 {
		return r.errorf("wrong type: expected %s, got %s", n.types[0], v.kind.name())
	}
	return r.errorf("wrong type: expected one of %s, got %s", strings.Join(n.types, ", "), v.kind.name())
}

// errMismatch is what an alternative fails with: nobody gets to see why.
var errMismatch = errors.New("does not match")

// errorf is fmt.Errorf where somebody gets to see the error.
func (r *run) errorf(format string, args ...any) error {
	if r.quiet > 0 {
		return errMismatch
	}
	return fmt.Errorf(format, args...)
}

// try is check for an alternative.
func (r *run) try(n *node, v any) (any, error) {
	r.quiet++
	filled, err := r.check(n, v)
	r.quiet--
	return filled, err
}

// is tells whether v is of a JSON type.
func (v *value) is(jsonType string) bool {
	switch jsonType {
	case "object":
		return v.isObject()
	case "array":
		return v.isArray()
	case "table":
		return v.isTable()
	case "integer":
		return v.kind == numberKind && math.Trunc(v.number) == v.number && !math.IsInf(v.number, 0)
	case "number":
		return v.kind == numberKind
	case "string":
		return v.kind == textKind
	case "boolean":
		return v.kind == boolKind
	case "null":
		return v.kind == nullKind
	}
	return false
}

// retype replaces an empty table by one of the only type that the schema allows, so that what decodes the document next finds the
// type that it expects.
func (r *run) retype(n *node, x *value, v any) any {
	if x.kind != emptyKind || len(n.types) != 1 {
		return v
	}
	switch {
	case n.types[0] == "object" && x.object == nil:
		return r.becomeObject(x)
	case n.types[0] == "array" && x.array == nil:
		x.object, x.array = nil, []any{}
		r.changes++
		return x.array
	}
	return v
}

// becomeObject makes an empty object of the empty table x.
func (r *run) becomeObject(x *value) any {
	x.object, x.array = map[string]any{}, nil
	r.changes++
	return x.object
}

// checkTables checks properties and items. It returns true if nothing else must be checked.
func (r *run) checkTables(n *node, x *value, v *any) (bool, error) {
	if n.object != nil {
		if x.isObject() {
			if err := r.checkObject(n.object, x, v); err != nil {
				return false, err
			}
			*x = inspect(*v)
		}
		if n.object.mustBeEmpty && x.kind != emptyKind {
			return false, errors.New("the input data should be an empty table")
		}
	}
	if n.array == nil {
		return false, nil
	}
	if n.array.all != nil {
		if *n.array.all || x.kind == emptyKind {
			return true, nil
		}
		return false, errAlways
	}
	if x.isArray() {
		return false, r.checkArray(n.array, x.array)
	}
	return false, nil
}

func (r *run) checkScalars(n *node, x *value, v any) error {
	if n.text != nil && x.kind == textKind {
		if err := r.checkText(n.text, x.text); err != nil {
			return err
		}
	}
	if n.number != nil && x.kind == numberKind {
		if err := n.number.check(x.number); err != nil {
			return err
		}
	}
	if n.hasEnum && !r.isOneOf(n.enum, v) {
		return errors.New("matches none of the enum values")
	}
	return nil
}

func (r *run) isOneOf(values []any, v any) bool {
	for _, want := range values {
		if r.equal(want, v) {
			return true
		}
	}
	return false
}

// checkRest checks what comes behind the combined schemas.
func (r *run) checkRest(n *node, x *value, v any) error {
	if n.names != nil {
		if *n.names || x.kind == emptyKind {
			return nil
		}
		return errAlways
	}
	if n.format != nil && x.kind == textKind {
		r.spend(len(x.text) / textPerCost)
		if !n.format.matches(x.text) {
			return fmt.Errorf("expect valid %s format but got: %s", n.format.name, x.text)
		}
	}
	if n.constant != nil && !r.equal(v, *n.constant) {
		return errors.New("failed to check const value")
	}
	if n.contains != nil {
		return r.checkContains(n.contains, x)
	}
	return nil
}
