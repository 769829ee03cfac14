package arch

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strings"
)

const module = "github.com/polygate/polygate"

// tree is the source of the project.
type tree struct {
	fset  *token.FileSet
	texts []text
	files []file
	dirs  []string // folders, in order
}

// text is a file that is not binary.
type text struct {
	path string
	data []byte
}

// file is a Go file.
type file struct {
	text
	dir       string // "." for the top
	ast       *ast.File
	test      bool
	generated bool
	foreign   bool // belongs to a nested module
}

// lines returns how many lines the file has.
func (f *file) lines() int { return bytes.Count(f.data, []byte("\n")) }

// load reads the source below root.
func load(root fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet()}
	ignored := ignoredFolders(root)
	var nested []string
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(ignored, name):
			return fs.SkipDir
		case d.IsDir():
			t.dirs = append(t.dirs, name)
			if _, err := fs.Stat(root, path.Join(name, "go.mod")); err == nil && name != "." {
				nested = append(nested, name+"/")
			}
			return nil
		case !d.Type().IsRegular():
			return nil
		}
		return t.add(root, name, nested)
	})
	return t, err
}

// ignoredFolders are the folders of the top level that git does not keep.
func ignoredFolders(root fs.FS) []string {
	list := []string{".git"}
	rules, err := fs.ReadFile(root, ".gitignore")
	if err != nil {
		return list
	}
	for line := range strings.Lines(string(rules)) {
		if name := strings.TrimSpace(line); strings.HasPrefix(name, "/") && strings.HasSuffix(name, "/") {
			list = append(list, strings.Trim(name, "/"))
		}
	}
	return list
}

func (t *tree) add(root fs.FS, name string, nested []string) error {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil
	}
	t.texts = append(t.texts, text{name, data})
	if path.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
		return nil
	}
	parsed, err := parser.ParseFile(t.fset, name, data, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	inNested := func(dir string) bool { return strings.HasPrefix(name, dir) }
	t.files = append(t.files, file{
		text: text{name, data}, dir: path.Dir(name), ast: parsed,
		test: strings.HasSuffix(name, "_test.go"), generated: ast.IsGenerated(parsed),
		foreign: slices.ContainsFunc(nested, inNested),
	})
	return nil
}

// at returns the place of a node as "file:line".
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

// written returns the files that people write and that are not tests.
func (t *tree) written() []file {
	var list []file
	for _, f := range t.files {
		if !f.test && !f.generated {
			list = append(list, f)
		}
	}
	return list
}

func within(dir, parent string) bool { return dir == parent || strings.HasPrefix(dir, parent+"/") }
