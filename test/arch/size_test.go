package arch

import (
	"fmt"
	"go/ast"
	"strings"
)

// The limits of style; interfaces larger than this are two.
const (
	maxFile      = 500 // lines
	maxFunc      = 80  // lines
	maxInterface = 8   // methods
)

func sizeRules() []rule {
	return []rule{
		{
			name: "files are short", check: fileSizes,
			bad:    map[string]string{"a/a.go": "package a\n" + strings.Repeat("// x\n", maxFile)},
			broken: "a/a.go: 501 lines",
		},
		{
			name: "functions are short", check: funcSizes,
			bad:    map[string]string{"a/a.go": "package a\nfunc f() {\n" + strings.Repeat("f()\n", maxFunc) + "}\n"},
			broken: "a/a.go:2: f has 82 lines",
		},
	}
}

func fileSizes(t *tree) []string {
	var complaints []string
	for _, f := range t.written() {
		if n := f.lines(); n > maxFile {
			complaints = append(complaints, fmt.Sprintf("%s: %d lines, at most %d", f.path, n, maxFile))
		}
	}
	return complaints
}

func funcSizes(t *tree) []string {
	var complaints []string
	for _, f := range t.written() {
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			n := t.fset.Position(fn.End()).Line - t.fset.Position(fn.Pos()).Line + 1
			if n > maxFunc {
				complaints = append(complaints, fmt.Sprintf("%s: %s has %d lines, at most %d", t.at(fn), fn.Name, n, maxFunc))
			}
		}
	}
	return complaints
}
