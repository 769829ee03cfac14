package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
)

func nameRules() []rule {
	return []rule{
		{
			name: "packages are named for what they do", check: packageNames,
			bad:    map[string]string{"util/a.go": "package util\n"},
			broken: "util/a.go: the package name util says nothing",
		},
		{
			name: "no init functions", check: noInit,
			bad:    map[string]string{"a/a.go": "package a\nfunc init() {}\n"},
			broken: "a/a.go:2: init",
		},
		{
			name: "package variables are not changed", check: constantVariables,
			bad: map[string]string{
				"a/a.go": "package a\nvar n, m int\nfunc f() { m := 1; m++ }\n",
				"a/b.go": "package a\nfunc g() { n++ }\n",
			},
			broken: "a/b.go:2: n is a package variable",
		},
		{
			name: "interfaces are small", check: smallInterfaces,
			bad:    map[string]string{"a/a.go": "package a\ntype I interface { A(); B(); C(); D(); E(); F(); G(); H(); I() }\n"},
			broken: "a/a.go:2: I has 9 methods",
		},
	}
}

func packageNames(t *tree) []string {
	forbidden := map[string]bool{
		"util": true, "utils": true, "common": true, "helper": true, "helpers": true, "manager": true, "types": true,
		"base": true, "misc": true, "shared": true,
	}
	var complaints []string
	for _, f := range t.files {
		if name := f.ast.Name.Name; forbidden[name] || forbidden[path.Base(f.dir)] {
			complaints = append(complaints, fmt.Sprintf("%s: the package name %s says nothing", f.path, name))
		}
	}
	return complaints
}

func noInit(t *tree) []string {
	var complaints []string
	for _, f := range t.files {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" && !f.generated {
				complaints = append(complaints, t.at(fn)+": init functions hide what a program does at its start")
			}
		}
	}
	return complaints
}

// constantVariables finds assignments to variables of the own package.
func constantVariables(t *tree) []string {
	vars := packageVariables(t)
	var complaints []string
	for _, f := range t.written() {
		owned := vars[f.dir]
		ast.Inspect(f.ast, func(n ast.Node) bool {
			for _, target := range assigned(n) {
				id := root(target)
				if id != nil && owned[id.Name] && !local(f.ast, id) {
					complaints = append(complaints, fmt.Sprintf("%s: %s is a package variable and is changed", t.at(n), id.Name))
				}
			}
			return true
		})
	}
	return complaints
}

func packageVariables(t *tree) map[string]map[string]bool {
	vars := map[string]map[string]bool{}
	for _, f := range t.written() {
		if vars[f.dir] == nil {
			vars[f.dir] = map[string]bool{}
		}
		for _, d := range f.ast.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
				for _, spec := range g.Specs {
					for _, name := range spec.(*ast.ValueSpec).Names {
						vars[f.dir][name.Name] = name.Name != "_"
					}
				}
			}
		}
	}
	return vars
}

// assigned returns what a statement changes.
func assigned(n ast.Node) []ast.Expr {
	switch s := n.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return s.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{s.X}
	case *ast.RangeStmt:
		if s.Tok == token.ASSIGN {
			return []ast.Expr{s.Key, s.Value}
		}
	}
	return nil
}

// root is the variable that an expression such as v.f[0] begins with.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// local tells whether a name is declared within a function. The parser resolves names within one file, which is enough for that.
func local(f *ast.File, id *ast.Ident) bool {
	return id.Obj != nil && f.Scope.Lookup(id.Name) != id.Obj
}

func smallInterfaces(t *tree) []string {
	var complaints []string
	for _, f := range t.written() {
		ast.Inspect(f.ast, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if i, ok := spec.Type.(*ast.InterfaceType); ok && i.Methods.NumFields() > maxInterface {
				complaints = append(complaints, fmt.Sprintf("%s: %s has %d methods, at most %d",
					t.at(spec), spec.Name, i.Methods.NumFields(), maxInterface))
			}
			return true
		})
	}
	return complaints
}
