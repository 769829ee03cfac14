package expr

import (
	"strings"

	"github.com/polygate/polygate/internal/ipset"
	"github.com/polygate/polygate/internal/regex"
)

// operator is what a comparison does.
type operator uint8

const (
	equal operator = iota
	notEqual
	greater
	greaterEqual
	less
	lessEqual
	match
	matchFold
	in
	has
	ipMatch
)

// operatorOf returns the operator of that name in lower case.
func operatorOf(name string) (operator, bool) {
	switch name {
	case "==":
		return equal, true
	case "~=":
		return notEqual, true
	case ">":
		return greater, true
	case ">=":
		return greaterEqual, true
	case "<":
		return less, true
	case "<=":
		return lessEqual, true
	case "~~":
		return match, true
	case "~*":
		return matchFold, true
	case "in":
		return in, true
	case "has":
		return has, true
	case "ipmatch":
		return ipMatch, true
	}
	return 0, false
}

// manyStrings is the length from which on a list of strings is searched by hash.
const manyStrings = 8

// comparison compares a variable with a constant.
type comparison struct {
	name    string
	typed   bool // the variable is read with Value
	op      operator
	negated bool

	want    value
	number  float64 // want as a number
	numeric bool    // number is valid
	re      *regex.Regexp
	ips     *ipset.Set
	list    []value             // the elements for in
	strings map[string]struct{} // those of list that are strings, if they are many
}

// isTyped tells whether the value of a variable may be something else than a string.
func isTyped(name string) bool {
	return strings.HasPrefix(name, "post_arg.") || strings.HasPrefix(name, "graphql_")
}

func (c *comparison) eval(vars Vars) bool {
	var have value
	if c.typed {
		if v, ok := vars.Value(c.name); ok {
			have = valueOf(v)
		}
	} else if s, ok := vars.Var(c.name); ok {
		have = value{kind: stringKind, str: s}
	}
	return c.holds(have) != c.negated
}

func (c *comparison) holds(have value) bool {
	switch c.op {
	case equal, notEqual:
		return c.equals(have) == (c.op == equal)
	case match, matchFold:
		s, ok := have.text()
		return ok && c.re.MatchString(s)
	case in:
		return c.contains(have)
	case has:
		return contains(have, c.want)
	case ipMatch:
		if have.kind != stringKind {
			return false
		}
		addr, err := ipset.ParseAddr(have.str)
		return err == nil && c.ips.Contains(addr)
	}
	return c.inOrder(have)
}

// equals is ==. What is not a number differs from every number.
func (c *comparison) equals(have value) bool {
	if c.want.kind != numberKind {
		return have.equal(c.want)
	}
	n, ok := have.number()
	return ok && n == c.number
}

func (c *comparison) inOrder(have value) bool {
	if !c.numeric {
		return false
	}
	n, ok := have.number()
	if !ok {
		return false
	}
	switch c.op {
	case greater:
		return n > c.number
	case greaterEqual:
		return n >= c.number
	case less:
		return n < c.number
	}
	return n <= c.number
}

func (c *comparison) contains(have value) bool {
	if have.kind == stringKind && c.strings != nil {
		_, ok := c.strings[have.str]
		return ok
	}
	for _, v := range c.list {
		if have.kind != nilKind && v.equal(have) {
			return true
		}
	}
	return false
}

// contains tells whether the array have has the element want.
func contains(have, want value) bool {
	if want.kind == nilKind {
		return false
	}
	for _, v := range have.list {
		if valueOf(v).equal(want) {
			return true
		}
	}
	return false
}
