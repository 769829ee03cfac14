package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

func documentRules() []rule {
	return []rule{
		{
			name: "packages are documented", check: packageComments,
			bad:    map[string]string{"a/a.go": "package a\n"},
			broken: "a: the package has no comment",
		},
		{
			name: "exported functions are documented", check: exportedComments,
			bad:    map[string]string{"a/a.go": "package a\nfunc F() {}\n"},
			broken: "a/a.go:2: F has no comment",
		},
		{
			name: "exported methods are documented", check: exportedComments,
			bad:    map[string]string{"a/a.go": "package a\ntype t int\n// Says something.\nfunc (*t) M() {}\n// T is.\ntype T int\n// Says.\nfunc (*T) M() {}\n"},
			broken: "a/a.go:8: the comment of M does not begin with it",
		},
		{
			name: "exported types are documented", check: exportedComments,
			bad:    map[string]string{"a/a.go": "package a\n// This is.\ntype T int\n"},
			broken: "a/a.go:3: the comment of T does not begin with it",
		},
		{
			name: "exported values are documented", check: exportedComments,
			bad:    map[string]string{"a/a.go": "package a\nconst C = 1\n"},
			broken: "a/a.go:2: C has no comment",
		},
		{
			name: "methods of the sdk's interfaces are documented", check: interfaceComments,
			bad:    map[string]string{"sdk/a.go": "package sdk\ntype I interface { M() }\n"},
			broken: "sdk/a.go:2: the method M has no comment",
		},
	}
}

func packageComments(t *tree) []string {
	documented := map[string]bool{}
	for _, f := range t.files {
		if !f.test {
			documented[f.dir] = documented[f.dir] || f.ast.Doc != nil || f.generated
		}
	}
	var complaints []string
	for dir, ok := range documented {
		if !ok {
			complaints = append(complaints, dir+": the package has no comment")
		}
	}
	slices.Sort(complaints)
	return complaints
}

func exportedComments(t *tree) []string {
	var complaints []string
	complain := func(n ast.Node, format, name string) {
		complaints = append(complaints, t.at(n)+": "+fmt.Sprintf(format, name))
	}
	document := func(n ast.Node, name string, doc *ast.CommentGroup) {
		switch {
		case !ast.IsExported(name):
		case doc.Text() == "":
			complain(n, "%s has no comment", name)
		case !begins(doc.Text(), name):
			complain(n, "the comment of %s does not begin with it", name)
		}
	}
	for _, f := range t.written() {
		for _, d := range f.ast.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if ast.IsExported(receiver(d)) {
					document(d, d.Name.Name, d.Doc)
				}
			case *ast.GenDecl:
				declared(d, document)
			}
		}
	}
	return complaints
}

// declared visits the names of a declaration that need comments of their own.
func declared(d *ast.GenDecl, document func(n ast.Node, name string, doc *ast.CommentGroup)) {
	for _, spec := range d.Specs {
		switch s := spec.(type) {
		case *ast.TypeSpec:
			document(s, s.Name.Name, either(s.Doc, d))
		case *ast.ValueSpec:
			// A comment over a group speaks for all of it.
			grouped := d.Lparen.IsValid() && (d.Doc.Text() != "" || s.Doc.Text() != "" || s.Comment.Text() != "")
			if !grouped && d.Tok != token.IMPORT {
				document(s, s.Names[0].Name, either(s.Doc, d))
			}
		}
	}
}

// either is the comment of a specification, or that of the declaration if it declares nothing else.
func either(doc *ast.CommentGroup, d *ast.GenDecl) *ast.CommentGroup {
	if doc == nil && !d.Lparen.IsValid() {
		return d.Doc
	}
	return doc
}

// receiver is the name of a method's type; a function's is "F", which counts as exported.
func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil {
		return "F"
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name
		default:
			return ""
		}
	}
}

// begins tells whether a comment begins with the name, after an article if there is one.
func begins(doc, name string) bool {
	for _, article := range []string{"", "A ", "An ", "The "} {
		rest, ok := strings.CutPrefix(doc, article+name)
		if ok && (rest == "" || !isLetter(rest[0])) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

func interfaceComments(t *tree) []string {
	var complaints []string
	for _, f := range t.written() {
		if f.dir != "sdk" {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			i, ok := n.(*ast.InterfaceType)
			if !ok {
				return true
			}
			for _, m := range i.Methods.List {
				if len(m.Names) > 0 && m.Doc == nil && m.Comment == nil {
					complaints = append(complaints, fmt.Sprintf("%s: the method %s has no comment", t.at(m), m.Names[0]))
				}
			}
			return true
		})
	}
	return complaints
}
