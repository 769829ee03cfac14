package graphql_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/internal/graphql"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name, text string
		want       graphql.Operation
	}{
		{"short form", "{ repo(owner: \"o\") { name } }", graphql.Operation{Kind: "query", RootFields: []string{"repo"}}},
		{"named", "query getRepo($o: String!) { owner { name } repo { created } }",
			graphql.Operation{Kind: "query", Name: "getRepo", RootFields: []string{"owner", "repo"}}},
		{"alias", "mutation { a: create(x: 1) { id } }", graphql.Operation{Kind: "mutation", RootFields: []string{"create"}}},
		{"several", "query a { x } query b { y }", graphql.Operation{Kind: "query", Name: "a", RootFields: []string{"x"}}},
		{"fragment", "query { ...f z } fragment f on T { x }", graphql.Operation{Kind: "query", RootFields: []string{"z"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := graphql.Parse(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("operation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBad(t *testing.T) {
	for name, text := range map[string]string{
		"not closed": "query { a", "words": "hello there", "many tokens": "{" + strings.Repeat("a ", 200_000) + "}",
		"deep": strings.Repeat("{a", 120_000),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := graphql.Parse(text); err == nil {
				t.Error("got no error")
			}
		})
	}
	if _, err := graphql.Parse("fragment f on T { x }"); !errors.Is(err, graphql.ErrEmpty) {
		t.Errorf("got %v, want %v", err, graphql.ErrEmpty)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("query a($x: [Int!] = [1]) @d(a: 1) { b: c(x: $x, s: \"\"\"t\"\"\") { ... on T { d } } }")
	f.Add("{a}")
	f.Fuzz(func(t *testing.T, text string) {
		op, err := graphql.Parse(text)
		if err == nil && op.Kind == "" {
			t.Errorf("got %+v without an error", op)
		}
	})
}
