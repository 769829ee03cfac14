// Package expr evaluates the conditions of configurations: lists as [["arg_x", ">", 10], ["OR", …]] that compare variables of a
// request with constants. It follows lua-resty-expr 1.3.2, which APISIX uses for vars, _meta.filter and the like, with the same error
// texts.
package expr

// Vars are the variables that an expression reads.
type Vars interface {
	// Var returns the value of a plain variable and whether it is set.
	Var(name string) (string, bool)
	// Value returns the value of a variable that need not be a string: a string, json.Number, float64, bool or []any. It is asked
	// for names that begin with "post_arg." or "graphql_", and for the operator has.
	Value(name string) (any, bool)
}

// Expr is a compiled expression. A nil *Expr and the zero value match always. It is safe for concurrent use.
type Expr struct {
	root *node
}

// Eval tells whether the expression holds for vars. It does not allocate unless vars, a conversion of a value that is no string, or a
// regular expression that needs the backtracking engine does.
func (e *Expr) Eval(vars Vars) bool {
	if e == nil || e.root == nil {
		return true
	}
	return e.root.eval(vars)
}

// logic says how a node joins its children.
type logic uint8

const (
	leaf logic = iota
	and
	or
	notAnd
	notOr
)

// node is a comparison or a list of nodes that are joined by logic.
type node struct {
	logic    logic
	children []*node
	*comparison
}

func (n *node) eval(vars Vars) bool {
	switch n.logic {
	case leaf:
		return n.comparison.eval(vars)
	case and, notAnd:
		return n.all(vars) == (n.logic == and)
	default:
		return n.any(vars) == (n.logic == or)
	}
}

func (n *node) all(vars Vars) bool {
	for _, c := range n.children {
		if !c.eval(vars) {
			return false
		}
	}
	return true
}

func (n *node) any(vars Vars) bool {
	for _, c := range n.children {
		if c.eval(vars) {
			return true
		}
	}
	return false
}
