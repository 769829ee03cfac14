package expr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/polygate/polygate/internal/ipset"
	"github.com/polygate/polygate/internal/regex"
)

// maxDepth is how deep expressions may be nested.
const maxDepth = 64

// The texts are those of lua-resty-expr; where it would raise a Lua error instead of returning one, they are the nearest.
var (
	errInvalid   = errors.New("invalid expression")
	errTooShort  = errors.New("rule too short")
	errUnwrapped = errors.New("rule should be wrapped inside brackets")
	errBadNot    = errors.New("bad 'not' expression")
	errBadIP     = errors.New("invalid ip address")
	errTooDeep   = fmt.Errorf("expression is nested more than %d levels deep", maxDepth)
)

// Compile compiles an expression in JSON. Nothing, null and an empty array match always.
func Compile(raw json.RawMessage) (*Expr, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return &Expr{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var rule any
	if err := d.Decode(&rule); err != nil {
		return nil, fmt.Errorf("decode expression: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("decode expression: something stands behind it")
	}
	if rule == nil {
		return &Expr{}, nil
	}
	list, ok := elements(rule)
	if !ok {
		return nil, errUnwrapped
	}
	if len(list) == 0 {
		return &Expr{}, nil
	}
	if _, nested := elements(list[0]); !nested {
		if _, ok := logicOf(list[0]); !ok {
			return nil, errUnwrapped
		}
	}
	root, err := compile(list, 1)
	if err != nil {
		return nil, err
	}
	return &Expr{root: root}, nil
}

// elements returns the elements of an array. An object has none: in Lua it is a table of length 0.
func elements(v any) ([]any, bool) {
	switch v := v.(type) {
	case []any:
		return v, true
	case map[string]any:
		return nil, true
	}
	return nil, false
}

func logicOf(v any) (logic, bool) {
	s, _ := v.(string)
	switch strings.ToUpper(s) {
	case "AND":
		return and, true
	case "OR":
		return or, true
	case "!AND":
		return notAnd, true
	case "!OR":
		return notOr, true
	}
	return leaf, false
}

func compile(rule []any, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	if len(rule) == 0 {
		return nil, errTooShort
	}
	if _, nested := elements(rule[0]); nested {
		return compileList(and, rule, depth)
	}
	if l, ok := logicOf(rule[0]); ok {
		if len(rule) <= 2 {
			return nil, errTooShort
		}
		return compileList(l, rule[1:], depth)
	}
	c, err := compileComparison(rule)
	if err != nil {
		return nil, err
	}
	return &node{comparison: c}, nil
}

func compileList(l logic, rules []any, depth int) (*node, error) {
	n := &node{logic: l, children: make([]*node, 0, len(rules))}
	for _, r := range rules {
		list, ok := elements(r)
		if !ok {
			return nil, errInvalid
		}
		child, err := compile(list, depth+1)
		if err != nil {
			return nil, err
		}
		n.children = append(n.children, child)
	}
	return n, nil
}

func compileComparison(rule []any) (*comparison, error) {
	c := &comparison{}
	if len(rule) == 4 {
		if rule[1] != "!" {
			return nil, errBadNot
		}
		c.negated = true
		rule = []any{rule[0], rule[2], rule[3]}
	}
	name, ok := rule[0].(string)
	if !ok || len(rule) < 2 {
		return nil, errInvalid
	}
	c.name = name
	opText, ok := valueOf(rule[1]).text()
	if !ok {
		return nil, errInvalid
	}
	opText = strings.ToLower(opText)
	op, known := operatorOf(opText)
	var operand any
	switch {
	case len(rule) > 2:
		operand = rule[2]
		if !known {
			return nil, fmt.Errorf("invalid operator '%s'", opText)
		}
	case !known:
		// The short form [name, value]. The value was read as an operator and is in lower case by now: lua-resty-expr's
		// behaviour, and configurations may rely on it.
		op, operand = equal, opText
	}
	c.op = op
	c.typed = op == has || isTyped(name)
	if err := c.prepare(operand); err != nil {
		return nil, err
	}
	return c, nil
}

// prepare compiles the constant of the comparison.
func (c *comparison) prepare(operand any) error {
	c.want = valueOf(operand)
	c.number, c.numeric = c.want.number()
	switch c.op {
	case match, matchFold:
		return c.prepareRegex()
	case ipMatch:
		return c.prepareIPs(operand)
	case in:
		c.prepareList()
	}
	return nil
}

func (c *comparison) prepareRegex() error {
	pattern, ok := c.want.text()
	if !ok {
		return errInvalid
	}
	options := "jo"
	if c.op == matchFold {
		options = "joi"
	}
	re, err := regex.Compile(pattern, options)
	if err != nil {
		return fmt.Errorf("compile operand of %q: %w", c.name, err)
	}
	c.re = re
	return nil
}

func (c *comparison) prepareIPs(operand any) error {
	var entries []string
	switch v := operand.(type) {
	case string:
		entries = []string{v}
	case []any:
		for _, e := range v {
			s, ok := valueOf(e).text()
			if !ok {
				return errBadIP
			}
			entries = append(entries, s)
		}
	}
	if len(entries) == 0 || operand == "" {
		return errBadIP
	}
	set, err := ipset.Parse(entries)
	if err != nil {
		return err
	}
	c.ips = set
	return nil
}

func (c *comparison) prepareList() {
	found := map[string]struct{}{}
	for _, e := range c.want.list {
		v := valueOf(e)
		c.list = append(c.list, v)
		if v.kind == stringKind {
			found[v.str] = struct{}{}
		}
	}
	if len(found) >= manyStrings {
		c.strings = found
	}
}
