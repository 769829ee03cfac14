package declare

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/file"
)

// Source is the text of one file. A name that ends in ".json" says that it is JSON, any other that it is YAML.
type Source struct {
	Name string
	Text []byte
}

// Read reads files, and all files of folders whose names end in .yaml, .yml or .json, in order of name. Folders within folders are not
// looked at, nor are files whose names begin with a dot. The path "-" stands for what in has.
func Read(paths []string, in io.Reader) ([]Source, error) {
	var list []Source
	for _, path := range paths {
		if path == "-" {
			text, err := io.ReadAll(in)
			if err != nil {
				return nil, fmt.Errorf("read standard input: %w", err)
			}
			list = append(list, Source{Name: "<stdin>", Text: text})
			continue
		}
		names, err := expand(path)
		if err != nil {
			return nil, fmt.Errorf("read resources: %w", err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, fmt.Errorf("read resources: %w", err)
			}
			list = append(list, Source{Name: name, Text: text})
		}
	}
	return list, nil
}

// expand returns the path of a file, or those of the files in a folder.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		ext := strings.ToLower(filepath.Ext(e.Name()))
		if slices.Contains([]string{".yaml", ".yml", ".json"}, ext) && !e.IsDir() && e.Name()[0] != '.' {
			names = append(names, filepath.Join(path, e.Name()))
		}
	}
	if names == nil {
		return nil, fmt.Errorf("%s: there is no file whose name ends in .yaml, .yml or .json", path)
	}
	return names, nil
}

// Load puts the sources together. env looks up the variables that they refer to as ${{NAME}} or ${{NAME:=default}}. A source need not end
// with #END. What can be understood is returned together with what is wrong with the rest; whether the resources are right is asked
// by [Document.Check].
func Load(sources []Source, env func(string) (string, bool)) (*Document, []Problem) {
	l := loader{env: env, doc: &Document{}, known: map[string]Item{}}
	for _, s := range sources {
		l.source(s)
	}
	Sort(l.doc.Items)
	SortProblems(l.problems)
	return l.doc, l.problems
}

type loader struct {
	env      func(string) (string, bool)
	doc      *Document
	known    map[string]Item
	problems []Problem
}

func (l *loader) source(s Source) {
	src := &source{name: s.Name, text: s.Text, env: l.env}
	l.doc.sources = append(l.doc.sources, src)
	items, err := file.Parse(src.name, src.ended(), l.env)
	if err != nil {
		l.problems = append(l.problems, src.reported(err)...)
	}
	for _, it := range items {
		l.item(src, it)
	}
}

// endMark says that a file is complete, which matters only where a gateway watches it.
const endMark = "#END"

// Ended tells whether the text has the mark at its end. JSON needs none.
func (s Source) Ended() bool {
	return strings.EqualFold(filepath.Ext(s.Name), ".json") || bytes.HasSuffix(bytes.TrimSpace(s.Text), []byte(endMark))
}

// ended returns the text with the mark at its end.
func (s *source) ended() []byte {
	if (Source{s.name, s.text}).Ended() {
		return s.text
	}
	return append(append(bytes.Clone(s.text), '\n'), endMark...)
}

// reported makes problems of what the parser found, each of which begins with the file's name and the line.
func (s *source) reported(err error) []Problem {
	var list []Problem
	for line := range strings.SplitSeq(err.Error(), "\n") {
		rest, ok := strings.CutPrefix(line, s.name+":")
		number, text, found := strings.Cut(rest, ": ")
		n, err := strconv.Atoi(number)
		if !ok || !found || err != nil {
			list = append(list, Problem{File: s.name, Text: line})
			continue
		}
		s.locate()
		p := Problem{File: s.name, Line: min(n, len(s.starts)), Col: 1, Text: text} // the mark at the end may be ours
		p.Excerpt = s.line(p.Line)
		if trimmed := strings.TrimLeft(p.Excerpt, " \t-"); trimmed != "" {
			p.Col = 1 + len([]rune(p.Excerpt)) - len([]rune(trimmed))
			p.Width = len([]rune(strings.TrimRight(trimmed, " \t\r")))
		}
		list = append(list, p)
	}
	return list
}

// item adds an item of a list, and the items that belong to it.
func (l *loader) item(src *source, stored store.Item) {
	value, err := decodeJSON(stored.Value)
	if err != nil {
		l.problems = append(l.problems, Problem{File: src.name, Key: stored.Key, Text: err.Error()})
		return
	}
	if list, ok := value.([]any); ok {
		l.doc.Plugins = append(l.doc.Plugins, list...)
		return
	}
	conf, ok := value.(map[string]any)
	if !ok {
		return // the parser lets nothing else pass
	}
	unnamed := nameless(stored.Key, conf)
	it, ok := NewItem(stored.Key, conf)
	if !ok && unnamed {
		kind, _, _ := strings.Cut(stored.Key, "/")
		l.problems = append(l.problems, src.problem(origin{src, stored.Key, nil}, stored.Key, "an item of "+kind+" needs an id"))
		return
	}
	if !ok {
		l.problems = append(l.problems, src.problem(origin{src, stored.Key, nil}, stored.Key, fmt.Sprintf("%q is no id that a resource can have", stored.Key)))
		return
	}
	it.at = origin{source: src, key: stored.Key}
	it.nameless = unnamed
	children := l.children(it)
	l.add(it)
	for _, child := range children {
		l.add(child)
	}
}

// nameless tells whether the id is only the item's place in the file's list.
func nameless(key string, value map[string]any) bool {
	return strings.Contains(key, "/arr_") && value["id"] == nil && value["username"] == nil
}

// children takes the lists of resources that belong to an item out of it.
func (l *loader) children(owner Item) []Item {
	var out []Item
	for _, kind := range config.Kinds() {
		nested, ok := owner.Value[kind.Name]
		if kind.Parent != owner.Kind.Name || !ok {
			continue
		}
		delete(owner.Value, kind.Name)
		list, ok := nested.([]any)
		if !ok && !isEmpty(nested) {
			l.problems = append(l.problems, l.doc.at(owner, []string{kind.Name}, kind.Name+" is not a list"))
		}
		for i, v := range list {
			if child, ok := l.child(owner, kind, i, v); ok {
				out = append(out, child)
			}
		}
	}
	return out
}

func (l *loader) child(owner Item, kind *config.Kind, i int, v any) (Item, bool) {
	path := []string{kind.Name, strconv.Itoa(i)}
	conf, ok := v.(map[string]any)
	id := text(conf["id"])
	if !ok || id == "" {
		l.problems = append(l.problems, l.doc.at(owner, path, "a "+kind.Singular+" is an object with an id"))
		return Item{}, false
	}
	it, ok := NewItem(kind.Key(owner.ID, id), conf)
	if !ok {
		l.problems = append(l.problems, l.doc.at(owner, append(path, "id"), fmt.Sprintf("%q is no id that a %s can have", id, kind.Singular)))
		return Item{}, false
	}
	it.at = origin{source: owner.at.source, key: owner.at.key, path: path}
	return it, true
}

// add keeps an item unless there is one with its key.
func (l *loader) add(it Item) {
	if first, ok := l.known[it.Key]; ok {
		where := l.doc.problem(first, nil, "")
		l.problems = append(l.problems, l.doc.problem(it, []string{idProperty(it)},
			fmt.Sprintf("the id %q stands here again; the first one is in %s:%d", it.ID, where.File, where.Line)))
		return
	}
	l.known[it.Key] = it
	l.doc.Items = append(l.doc.Items, it)
}

// idProperty is where an item says who it is.
func idProperty(it Item) string {
	if it.Kind.Identity == config.ByName {
		return "username"
	}
	return "id"
}
