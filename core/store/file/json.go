package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

var (
	errTrailing = errors.New("there is something after the end of the object")
	errTooDeep  = fmt.Errorf("more than %d levels of nesting", depthLimit)
)

// json returns the text as a tree like that of YAML, so that the rest of the work is the same.
func (p *parser) json(data []byte) *yaml.Node {
	if len(bytes.TrimSpace(data)) == 0 {
		p.fail(1, errEmpty)
		return nil
	}
	r := &jsonReader{data: data, dec: json.NewDecoder(bytes.NewReader(data)), line: 1}
	r.dec.UseNumber()
	root, err := r.value(0)
	if err == nil {
		if _, next := r.dec.Token(); !errors.Is(next, io.EOF) {
			err = errTrailing
		}
	}
	if err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			r.advance(syntax.Offset)
		} else {
			r.advance(r.dec.InputOffset())
		}
		p.fail(r.line, err)
		return nil
	}
	p.substituteTree(root)
	return root
}

// jsonReader builds the tree and counts lines.
type jsonReader struct {
	data []byte
	dec  *json.Decoder
	at   int64 // offset that line belongs to
	line int
}

// advance counts the lines up to an offset.
func (r *jsonReader) advance(to int64) {
	if to = min(to, int64(len(r.data))); to > r.at {
		r.line += bytes.Count(r.data[r.at:to], []byte("\n"))
		r.at = to
	}
}

// value reads the next value.
func (r *jsonReader) value(depth int) (*yaml.Node, error) {
	token, err := r.dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	r.advance(r.dec.InputOffset())
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: r.line}
	switch v := token.(type) {
	case json.Delim:
		return n, r.children(n, v, depth)
	case string:
		n.Tag, n.Value, n.Style = "!!str", v, yaml.DoubleQuotedStyle
	case json.Number:
		n.Tag, n.Value = "!!float", v.String()
	case bool:
		n.Tag, n.Value = "!!bool", fmt.Sprint(v)
	default:
		n.Tag = "!!null"
	}
	return n, nil
}

// children reads the rest of an object or array.
func (r *jsonReader) children(n *yaml.Node, open json.Delim, depth int) error {
	if depth >= depthLimit {
		return errTooDeep
	}
	n.Kind = yaml.SequenceNode
	if open == '{' {
		n.Kind = yaml.MappingNode
	}
	for r.dec.More() {
		parts := 1
		if n.Kind == yaml.MappingNode {
			parts = 2
		}
		for range parts {
			c, err := r.value(depth + 1)
			if err != nil {
				return err
			}
			n.Content = append(n.Content, c)
		}
	}
	if _, err := r.dec.Token(); err != nil {
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}
