package declare

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/core/store/file"
)

// source is a file with what is needed to point into it, which is made when it is asked for first. It belongs to one goroutine.
type source struct {
	name string
	text []byte
	env  func(string) (string, bool)

	located bool
	at      map[string]int // lines of the items by key
	root    *yaml.Node     // nil where the text cannot be read without its variables
	starts  []int          // offsets of the lines
}

// variable is a reference to a variable.
var variable = regexp.MustCompile(`(?s)\$\{\{.*?\}\}`)

// locate reads the positions. Why not the parser's own tree? There the variables have been replaced, which moves columns and lines.
func (s *source) locate() {
	if s.located {
		return
	}
	s.located = true
	s.at = file.Lines(s.name, s.ended(), s.env)
	s.starts = []int{0}
	for i, c := range s.text {
		if c == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	blank := variable.ReplaceAllFunc(s.text, func(m []byte) []byte {
		return bytes.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return 'x'
		}, m)
	})
	var doc yaml.Node
	if err := yaml.Unmarshal(bytes.TrimPrefix(blank, []byte("\xef\xbb\xbf")), &doc); err == nil && len(doc.Content) > 0 {
		s.root = doc.Content[0]
	}
}

// line returns the text of a line, from 1.
func (s *source) line(n int) string {
	s.locate()
	if n < 1 || n > len(s.starts) {
		return ""
	}
	rest := s.text[s.starts[n-1]:]
	if i := bytes.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToValidUTF8(string(rest), "?")
}

// problem returns a problem at the beginning of an item.
func (s *source) problem(at origin, key, text string) Problem {
	p := Problem{File: s.name, Key: key, Text: text}
	s.place(at, nil, &p)
	return p
}

// problem returns a problem with the value that a path leads to, or with the deepest part of the path that is there.
func (d *Document) problem(it Item, path []string, text string) Problem {
	p := Problem{Key: it.Key, Path: spell(it.Value, path), Text: text}
	if it.at.source != nil {
		p.File = it.at.source.name
		it.at.source.place(it.at, path, &p)
	}
	return p
}

// at is problem for a part of an item that has been taken out of its value.
func (d *Document) at(it Item, path []string, text string) Problem {
	p := d.problem(it, path, text)
	p.Path = strings.Join(path, ".")
	return p
}

// place fills in where a path of an item is.
func (s *source) place(at origin, path []string, p *Problem) {
	s.locate()
	p.Line, p.Col, p.Width = s.at[at.key], 1, 1
	if node := s.item(at.key); node != nil {
		s.walk(node, slices.Concat(at.path, path), p)
	}
	if p.Line > 0 {
		p.Excerpt = s.line(p.Line)
	}
}

// item returns the node of an item of a list.
func (s *source) item(key string) *yaml.Node {
	kind, id, _ := strings.Cut(key, "/")
	line := s.at[key]
	if s.root == nil || line == 0 {
		return nil
	}
	_, list := child(s.root, kind)
	list = followed(list)
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	var found *yaml.Node
	for i, n := range list.Content {
		if n.Line != line {
			continue
		}
		if found == nil || id == "arr_"+strconv.Itoa(i+1) || identifier(n) == id {
			found = n
		}
	}
	return found
}

func identifier(n *yaml.Node) string {
	for _, name := range []string{"id", "username"} {
		if _, v := child(followed(n), name); v != nil {
			return v.Value
		}
	}
	return ""
}

// walk goes along the path as far as it leads and notes where it ended: the value, or the key of an object or list.
func (s *source) walk(n *yaml.Node, path []string, p *Problem) {
	p.Line, p.Col, p.Width = n.Line, n.Column, extent(n)
	for i, name := range path {
		key, value := child(followed(n), name)
		if value == nil {
			return
		}
		n = value
		shown := value
		if key != nil && (i < len(path)-1 || value.Kind != yaml.ScalarNode) {
			shown = key
		}
		p.Line, p.Col, p.Width = shown.Line, shown.Column, s.extent(shown)
	}
}

// point moves a problem from the value at the end of the path to its key.
func (s *source) point(at origin, path []string, p *Problem) {
	n := s.item(at.key)
	full := slices.Concat(at.path, path)
	var key *yaml.Node
	for _, name := range full {
		if n == nil {
			return
		}
		key, n = child(followed(n), name)
	}
	if key != nil {
		p.Line, p.Col, p.Width = key.Line, key.Column, s.extent(key)
		p.Excerpt = s.line(p.Line)
	}
}

// extent returns how many characters of its line a node takes, as far as that is known.
func (s *source) extent(n *yaml.Node) int {
	width := extent(n)
	if n.Kind != yaml.ScalarNode || n.Column < 1 {
		return width
	}
	rest := []rune(s.line(n.Line))
	if n.Column > len(rest) {
		return 1
	}
	return min(width, len(rest)-n.Column+1)
}

func extent(n *yaml.Node) int {
	if n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return 1
	}
	width := utf8.RuneCountInString(n.Value)
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		width += 2
	}
	return max(1, width)
}

// child returns the value of a member of an object with its key, or the item of a list.
func child(n *yaml.Node, name string) (key, value *yaml.Node) {
	if n == nil {
		return nil, nil
	}
	if n.Kind == yaml.SequenceNode {
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Content) {
			return nil, n.Content[i]
		}
		return nil, nil
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := len(n.Content) - 2; i >= 0; i -= 2 {
		if n.Content[i].Value == name {
			return n.Content[i], n.Content[i+1]
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].ShortTag() != "!!merge" {
			continue
		}
		merged := followed(n.Content[i+1])
		if merged.Kind != yaml.SequenceNode {
			merged = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{merged}}
		}
		for _, m := range merged.Content {
			if key, value := child(followed(m), name); value != nil {
				return key, value
			}
		}
	}
	return nil, nil
}

// followed returns what an alias stands for.
func followed(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
