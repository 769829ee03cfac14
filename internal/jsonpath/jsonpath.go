// Package jsonpath finds values in decoded JSON documents. It is the only package that names the library behind it.
package jsonpath

import (
	"fmt"

	"github.com/ohler55/ojg/jp"
)

// Path is a compiled JSONPath. It is safe for concurrent use.
type Path struct{ expr jp.Expr }

// Compile parses a path (RFC 9535, and what Goessner's article has more), for example "$.messages[*].role". A panic of the library
// is an error.
func Compile(text string) (p *Path, err error) {
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("jsonpath %q: %v", text, r)
		}
	}()
	expr, err := jp.ParseString(text)
	if err != nil {
		return nil, fmt.Errorf("jsonpath %q: %w", text, err)
	}
	return &Path{expr}, nil
}

// All returns what the path leads to in a document of map[string]any, []any and scalars.
func (p *Path) All(doc any) (found []any) {
	defer func() {
		if r := recover(); r != nil {
			found = nil
		}
	}()
	return p.expr.Get(doc)
}
