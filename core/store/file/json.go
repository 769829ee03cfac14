package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

var errTooDeep = fmt.Errorf("more than %d levels of nesting", depthLimit)

// json parses the file as JSON.
func (p *parser) json(data []byte) {
	if len(bytes.TrimSpace(data)) == 0 {
		p.fail(1, errEmpty)
		return
	}
	if !json.Valid(data) {
		p.jsonError(data)
		return
	}
	o := &outline{p: p, lineCount: lineCount{data: data}, dec: json.NewDecoder(bytes.NewReader(data))}
	o.dec.UseNumber()
	switch open, err := o.dec.Token(); {
	case err == nil && open == nil:
		p.fail(1, errEmpty)
		return
	case open != json.Delim('{'):
		p.fail(1, errNoObject)
		return
	}
	if err := o.members(); err != nil {
		p.fail(o.line(), err)
	}
}

// jsonError reports where a text is no JSON.
func (p *parser) jsonError(data []byte) {
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	c := lineCount{data: data}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		c.advance(int(syntax.Offset))
	}
	p.fail(c.line(), err)
}

// lineCount counts the lines of a text up to a place that only goes forth.
type lineCount struct {
	data []byte
	at   int
	seen int
}

func (c *lineCount) advance(to int) {
	if to = min(to, len(c.data)); to > c.at {
		c.seen += bytes.Count(c.data[c.at:to], []byte("\n"))
		c.at = to
	}
}

func (c *lineCount) line() int { return c.seen + 1 }

// outline walks over the members of the root object, without looking into the items of lists.
type outline struct {
	lineCount
	p     *parser
	dec   *json.Decoder
	lists []*listing
}

// members parses the members of the root object, which are known to be JSON.
func (o *outline) members() error {
	var pieces []piece
	lines := map[string]int{}
	for o.dec.More() {
		name, err := o.name()
		if err != nil {
			return err
		}
		if first, ok := lines[name]; ok {
			o.p.problem(o.line(), fmt.Errorf("%q stands here again; the first one is in line %d", name, first))
			pieces = slices.DeleteFunc(pieces, func(c piece) bool { return c.list.kind == name })
			o.lists = slices.DeleteFunc(o.lists, func(l *listing) bool { return l.kind == name })
		} else {
			lines[name] = o.line()
		}
		more, err := o.member(name)
		if err != nil {
			return err
		}
		pieces = append(pieces, more...)
	}
	o.p.parse(pieces, jsonPiece)
	for _, list := range o.lists {
		o.p.add(list.kind, list.entries)
	}
	return nil
}

// name reads the name of a member.
func (o *outline) name() (string, error) {
	token, err := o.dec.Token()
	if err != nil {
		return "", err
	}
	o.advance(int(o.dec.InputOffset()))
	name, _ := token.(string)
	if !hasVariable(name) {
		return name, nil
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: literalTag, Line: o.line(), Value: name}
	o.p.substituteNode(n)
	return n.Value, nil
}

// member reads a member's value and returns what of it is still to be parsed.
func (o *outline) member(name string) ([]piece, error) {
	named := o.line()
	raw, line, err := o.raw()
	if err != nil {
		return nil, err
	}
	isList := bytes.HasPrefix(raw, []byte("["))
	if !isList || !slices.Contains(listKinds(), name) {
		value, err := o.p.tree(raw, line)
		if err != nil {
			return nil, err
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: literalTag, Value: name, Line: named}
		o.p.kind(field{name: name, key: key, value: value})
		return nil, nil
	}
	parts, err := items(raw, line)
	if err != nil {
		return nil, err
	}
	list := &listing{kind: name, entries: make([]entry, len(parts))}
	o.lists = append(o.lists, list)
	return o.p.pieces(list, parts), nil
}

// raw reads the next value as it stands in the file, from which line on.
func (o *outline) raw() (raw json.RawMessage, line int, err error) {
	if err := o.dec.Decode(&raw); err != nil {
		return nil, 0, err
	}
	end := int(o.dec.InputOffset())
	o.advance(end - len(raw))
	line = o.line()
	o.advance(end)
	return raw, line, nil
}

// items returns the items of a list that begins in a line.
func items(list []byte, line int) ([]part, error) {
	dec := json.NewDecoder(bytes.NewReader(list))
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	c := lineCount{data: list}
	var parts []part
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, err
		}
		c.advance(int(dec.InputOffset()) - len(raw))
		parts = append(parts, part{line: line + c.seen, text: string(raw)})
	}
	return parts, nil
}

// jsonPiece parses items of JSON.
func jsonPiece(p *parser, c piece) ([]entry, bool) {
	out := make([]entry, 0, len(c.parts))
	for i, part := range c.parts {
		n, err := p.tree([]byte(part.text), part.line)
		if err != nil {
			p.fail(part.line, err)
			out = append(out, entry{line: part.line, shared: true})
			continue
		}
		it := p.entries(c.list.kind, []*yaml.Node{n}, c.first+i)[0]
		it.shared = it.shared || hasVariable(part.text)
		out = append(out, it)
	}
	return out, true
}

// tree returns a value that begins in a line as a tree like that of YAML, so that the rest of the work is the same.
func (p *parser) tree(raw []byte, line int) (*yaml.Node, error) {
	root, err := plainTree(raw, line)
	if err != nil {
		return nil, err
	}
	p.substituteTree(root)
	return root, nil
}

// plainTree is tree without variables.
func plainTree(raw []byte, line int) (*yaml.Node, error) {
	r := &treeReader{lineCount: lineCount{data: raw, seen: line - 1}, dec: json.NewDecoder(bytes.NewReader(raw))}
	r.dec.UseNumber()
	return r.value(0)
}

// treeReader builds the tree of one value.
type treeReader struct {
	lineCount
	dec *json.Decoder
}

func (r *treeReader) value(depth int) (*yaml.Node, error) {
	token, err := r.dec.Token()
	if err != nil {
		return nil, err
	}
	r.advance(int(r.dec.InputOffset()))
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line(), Tag: literalTag}
	switch v := token.(type) {
	case json.Delim:
		return n, r.children(n, v, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", v, yaml.DoubleQuotedStyle
	case json.Number:
		n.Value = v.String()
	case bool:
		n.Value = fmt.Sprint(v)
	default:
		n.Value = "null"
	}
	return n, nil
}

// children reads the rest of an object or array.
func (r *treeReader) children(n *yaml.Node, open json.Delim, depth int) error {
	if depth >= depthLimit {
		return errTooDeep
	}
	n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for r.dec.More() {
		if n.Kind == yaml.MappingNode {
			key, err := r.value(depth + 1)
			if err != nil {
				return err
			}
			key.Tag, key.Style = literalTag, 0
			n.Content = append(n.Content, key)
		}
		c, err := r.value(depth + 1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, c)
	}
	if _, err := r.dec.Token(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
