package file

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
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

var (
	// yamlLine is how the decoder says where an error is.
	yamlLine = regexp.MustCompile(`^line (\d+): `)
	// lineBefore are the errors that the decoder reports for the line before.
	lineBefore = regexp.MustCompile(`^did not find expected (<|node content|'-' indicator|key$|',' or )`)
)

// Parse reads a file of APISIX's standalone mode: JSON if name ends in ".json", else YAML. env looks up the variables that
// the text refers to as ${{NAME}} or ${{NAME:=default}}.
//
// Items come in order of key, without revisions. The error joins everything that is wrong, each as "name:line: text". Items
// that are wrong are left out and the others returned; if the file cannot be understood as a whole, the items are nil.
func Parse(name string, data []byte, env func(string) (string, bool)) ([]store.Item, error) {
	items, _, err := parse(name, data, env)
	return items, err
}

// Lines returns the lines in which the items of a file begin, by their keys.
func Lines(name string, data []byte, env func(string) (string, bool)) map[string]int {
	_, at, _ := parse(name, data, env)
	return at
}

func parse(name string, data []byte, env func(string) (string, bool)) (items []store.Item, at map[string]int, err error) {
	p := &parser{name: name, env: env, reported: map[string]bool{}, at: map[string]int{}}
	if root := p.document(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))); root != nil {
		items = p.kinds(root)
	}
	if p.fatal {
		items = nil
	}
	slices.SortStableFunc(p.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, 0, len(p.problems))
	for _, pr := range p.problems {
		errs = append(errs, pr.err)
	}
	return items, p.at, errors.Join(errs...)
}

// parser collects what is wrong with one file.
type parser struct {
	name     string
	env      func(string) (string, bool)
	lines    lineMap
	spent    int // of the budget for aliases
	problems []problem
	reported map[string]bool // the texts of problems
	at       map[string]int  // lines of the items by key
	fatal    bool
}

type problem struct {
	line int
	err  error
}

// problemLimit bounds the report about a file that is wrong throughout.
const problemLimit = 100

// problem notes what is wrong in a line. The rest of the file is still good.
func (p *parser) problem(line int, err error) {
	line = p.lines.original(line)
	err = fmt.Errorf("%s:%d: %w", p.name, line, err)
	if len(p.problems) < problemLimit && !p.reported[err.Error()] {
		p.reported[err.Error()] = true
		p.problems = append(p.problems, problem{line: line, err: err})
	}
}

// fail notes what makes the whole file useless.
func (p *parser) fail(line int, err error) {
	p.problem(line, err)
	p.fatal = true
}

// document returns the root object, or nil after a failure.
func (p *parser) document(data []byte) *yaml.Node {
	var root *yaml.Node
	if strings.EqualFold(filepath.Ext(p.name), ".json") {
		root = p.json(data)
	} else {
		root = p.yaml(data)
	}
	switch {
	case root == nil:
		return nil
	case root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null":
		p.fail(root.Line, errEmpty)
		return nil
	case root.Kind != yaml.MappingNode:
		p.fail(root.Line, errNoObject)
		return nil
	}
	return root
}

// yaml returns the first document of the text.
func (p *parser) yaml(data []byte) *yaml.Node {
	if !bytes.HasSuffix(bytes.TrimSpace(data), []byte("#END")) {
		p.fail(1+bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")), errNoEnd)
		return nil
	}
	text, ok := p.substituteText(string(data))
	if !ok {
		return nil
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		p.fail(1, errEmpty)
		return nil
	} else if err != nil {
		p.fail(yamlError(err))
		return nil
	}
	var next yaml.Node
	if err := dec.Decode(&next); err == nil {
		p.problem(next.Line, errSeveral)
	} else if !errors.Is(err, io.EOF) {
		p.fail(yamlError(err))
		return nil
	}
	if len(doc.Content) == 0 {
		p.fail(1, errEmpty)
		return nil
	}
	return doc.Content[0]
}

// yamlError splits the decoder's error into the line and the text.
func yamlError(err error) (int, error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if line, convErr := strconv.Atoi(m[1]); convErr == nil {
			text = text[len(m[0]):]
			if lineBefore.MatchString(text) {
				line++
			}
			return line, errors.New(text)
		}
	}
	return 1, errors.New(text)
}
