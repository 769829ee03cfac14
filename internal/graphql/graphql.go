// Package graphql tells what a GraphQL request is about. It is the only package that names the parser.
package graphql

import (
	"errors"
	"fmt"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
)

// maxTokens bounds what a document may cost.
const maxTokens = 100_000

// Operation is the first operation of a document.
type Operation struct {
	Kind       string   // query, mutation or subscription
	Name       string   // empty: it has none
	RootFields []string // in order
}

// ErrEmpty says that a document has no operation.
var ErrEmpty = errors.New("graphql: the document has no operation")

// Parse reads a document. Further operations are ignored, as APISIX does (apisix/core/ctx.lua, get_parsed_graphql). Its errors name
// the place.
func Parse(document string) (op Operation, err error) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: document}, maxTokens)
	if err != nil {
		return Operation{}, fmt.Errorf("graphql: %w", err)
	}
	if len(doc.Operations) == 0 {
		return Operation{}, ErrEmpty
	}
	first := doc.Operations[0]
	op = Operation{Kind: string(first.Operation), Name: first.Name}
	for _, s := range first.SelectionSet {
		if f, ok := s.(*ast.Field); ok {
			op.RootFields = append(op.RootFields, f.Name)
		}
	}
	return op, nil
}
