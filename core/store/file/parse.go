package file

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/core/store"
)

var (
	errNoEnd    = errors.New("the last line is not #END: the file may be written only in part")
	errEmpty    = errors.New("the file holds no configuration; to remove everything, write \"routes: []\"")
	errNoObject = errors.New("the file is not an object of lists such as \"routes\"")
	errSeveral  = errors.New("the file has more than one document; only the first one is used")
)

// Parse reads a file of APISIX's standalone mode: JSON if name ends in ".json", else YAML. env looks up the variables that
// the text refers to as ${{NAME}} or ${{NAME:=default}}.
//
// Items come in order of key, without revisions. The error joins everything that is wrong, each as "name:line: text". Items
// that are wrong are left out and the others returned; if the file cannot be understood as a whole, the items are nil.
func Parse(name string, data []byte, env func(string) (string, bool)) ([]store.Item, error) {
	r := newReader(name, env).read(data)
	return r.items, r.err
}

// Lines returns the lines in which the items of a file begin, by their keys.
func Lines(name string, data []byte, env func(string) (string, bool)) map[string]int {
	return newReader(name, env).read(data).lines
}

// reader reads one file again and again. What did not change since the last time it does not parse again.
type reader struct {
	name     string
	env      func(string) (string, bool)
	memo     map[digest]memo
	digester digester
}

// result is what was read.
type result struct {
	items []store.Item   // in order of key; nil if the file cannot be understood
	lines map[string]int // by key
	err   error
}

func newReader(name string, env func(string) (string, bool)) *reader {
	return &reader{name: name, env: env, digester: newDigester()}
}

func (r *reader) read(data []byte) result {
	p := newParser(r.name, r.env)
	p.remembered = remembered{memo: r.memo, fresh: make(map[digest]memo, len(r.memo)), digester: r.digester}
	p.document(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")))
	res := result{lines: make(map[string]int, len(p.found)), err: p.err()}
	for key, it := range p.found {
		res.lines[key] = it.line
	}
	if !p.fatal {
		r.memo = p.fresh
		res.items = p.items()
	}
	return res
}

// parser is one pass over a file. It collects what is wrong.
type parser struct {
	name     string
	env      func(string) (string, bool)
	base     int // lines of the file before the text that is being parsed
	lines    lineMap
	spent    int // of the budget for aliases
	found    map[string]located
	problems []problem
	reported map[string]bool // the texts of problems
	fatal    bool
	remembered
}

// remembered is what earlier passes made of parts of the file.
type remembered struct {
	memo     map[digest]memo // of the last pass
	fresh    map[digest]memo // of this one
	digester digester
}

// located is an item and its line in the file.
type located struct {
	value []byte
	line  int
}

type problem struct {
	line int
	err  error
}

func newParser(name string, env func(string) (string, bool)) *parser {
	return &parser{name: name, env: env, reported: map[string]bool{}, found: map[string]located{}}
}

// fork returns a parser for a part of the same text.
func (p *parser) fork() *parser {
	part := newParser(p.name, p.env)
	part.lines = p.lines
	return part
}

// problemLimit bounds the report about a file that is wrong throughout.
const problemLimit = 100

// line returns the line of the file that a line of the text being parsed is.
func (p *parser) line(n int) int { return p.lines.original(n + p.base) }

// problem notes what is wrong in a line. The rest of the file is still good.
func (p *parser) problem(line int, err error) { p.problemAt(p.line(line), err) }

// problemAt notes what is wrong in a line of the file.
func (p *parser) problemAt(line int, err error) {
	p.note(problem{line: line, err: fmt.Errorf("%s:%d: %w", p.name, line, err)})
}

func (p *parser) note(pr problem) {
	if text := pr.err.Error(); len(p.problems) < problemLimit && !p.reported[text] {
		p.reported[text] = true
		p.problems = append(p.problems, pr)
	}
}

// fail notes what makes the whole file useless.
func (p *parser) fail(line int, err error) {
	p.problem(line, err)
	p.fatal = true
}

// failNode notes an error that makes the whole file useless, in its line.
func (p *parser) failNode(err error) {
	line := 1
	var at *nodeError
	if errors.As(err, &at) {
		line = at.line
	}
	p.fail(line, err)
}

// err joins the problems in order of line.
func (p *parser) err() error {
	slices.SortStableFunc(p.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, 0, len(p.problems))
	for _, pr := range p.problems {
		errs = append(errs, pr.err)
	}
	return errors.Join(errs...)
}

// items returns what was found in order of key.
func (p *parser) items() []store.Item {
	items := make([]store.Item, 0, len(p.found))
	for key, it := range p.found {
		items = append(items, store.Item{Key: key, Value: it.value})
	}
	slices.SortFunc(items, func(a, b store.Item) int { return cmp.Compare(a.Key, b.Key) })
	return items
}

// document parses the file.
func (p *parser) document(data []byte) {
	if strings.EqualFold(filepath.Ext(p.name), ".json") {
		p.json(data)
		return
	}
	if !bytes.HasSuffix(bytes.TrimSpace(data), []byte("#END")) {
		p.fail(1+bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")), errNoEnd)
		return
	}
	text, ok := p.substituteText(string(data))
	if !ok || p.parts(text) {
		return
	}
	p.whole(text)
}

// whole parses a text of YAML in one piece.
func (p *parser) whole(text string) {
	root, several, err := decode(text)
	switch {
	case err != nil:
		p.failNode(err)
		return
	case root == nil:
		p.fail(1, errEmpty)
		return
	case several > 0:
		p.problem(several, errSeveral)
	}
	if p.isObject(root) {
		p.kinds(root)
	}
}

// isObject fails unless the file is an object.
func (p *parser) isObject(root *yaml.Node) bool {
	switch {
	case root.Kind == yaml.ScalarNode && isNull(root):
		p.fail(root.Line, errEmpty)
	case root.Kind != yaml.MappingNode:
		p.fail(root.Line, errNoObject)
	}
	return root.Kind == yaml.MappingNode
}
