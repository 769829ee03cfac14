package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

const (
	// depthLimit bounds the nesting of a value.
	depthLimit = 100
	// aliasBudget bounds what the aliases of a file expand to, in bytes.
	aliasBudget = 64 << 20
	// nodeCost is what every expanded node takes of the budget besides its text.
	nodeCost = 16
	// literalTag marks a scalar whose value is JSON already.
	literalTag = "json"
)

var (
	errAliases = fmt.Errorf("the aliases expand to more than %d MiB", aliasBudget>>20)
	errKey     = errors.New("a key is neither a string nor a number")
	errMerge   = errors.New("\"<<\" needs an object or a list of objects")
)

// nodeError is an error in a line of the text.
type nodeError struct {
	line int
	err  error
}

func (e *nodeError) Error() string { return e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

func errAt(n *yaml.Node, err error) error { return &nodeError{line: n.Line, err: err} }

// encoder writes trees as compact JSON. Numbers keep their digits, and objects the order of their keys.
type encoder struct {
	p       *parser
	buf     bytes.Buffer
	aliases int  // aliases that are being expanded
	shared  bool // an alias was met
}

func (e *encoder) node(n *yaml.Node, depth int) error {
	if depth > depthLimit {
		return errAt(n, errTooDeep)
	}
	if e.aliases > 0 {
		if e.p.spent += nodeCost + len(n.Value); e.p.spent > aliasBudget {
			return errAt(n, errAliases)
		}
	}
	switch n.Kind {
	case yaml.AliasNode:
		e.aliases++
		e.shared = true
		defer func() { e.aliases-- }()
		return e.node(n.Alias, depth+1)
	case yaml.MappingNode:
		fields, err := e.p.fields(n, depth)
		if err != nil {
			return err
		}
		return e.object(fields, depth)
	case yaml.SequenceNode:
		return e.array(n, depth)
	default:
		return e.scalar(n)
	}
}

func (e *encoder) array(n *yaml.Node, depth int) error {
	e.buf.WriteByte('[')
	for i, c := range n.Content {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		if err := e.node(c, depth+1); err != nil {
			return err
		}
	}
	e.buf.WriteByte(']')
	return nil
}

func (e *encoder) object(fields []field, depth int) error {
	e.buf.WriteByte('{')
	for i, f := range fields {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		if err := e.text(f.name); err != nil {
			return err
		}
		e.buf.WriteByte(':')
		if f.merged {
			e.aliases++
			e.shared = true
		}
		if e.aliases > 0 {
			e.p.spent += len(f.name)
		}
		err := e.node(f.value, depth+1)
		if f.merged {
			e.aliases--
		}
		if err != nil {
			return err
		}
	}
	e.buf.WriteByte('}')
	return nil
}

func (e *encoder) scalar(n *yaml.Node) error {
	if isLiteral(n) {
		e.buf.WriteString(n.Value)
		return nil
	}
	text, ok, err := scalar(n)
	switch {
	case err != nil:
		return errAt(n, err)
	case ok:
		e.buf.WriteString(text)
		return nil
	}
	return e.text(n.Value)
}

// text writes a string. Unlike encoding/json's default, it leaves <, > and & as they are.
func (e *encoder) text(s string) error {
	if isSimple(s) {
		e.buf.WriteByte('"')
		e.buf.WriteString(s)
		e.buf.WriteByte('"')
		return nil
	}
	enc := json.NewEncoder(&e.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	e.buf.Truncate(e.buf.Len() - 1) // the line feed
	return nil
}

// isLiteral tells whether the value of a scalar is JSON. YAML's own tags come with a style.
func isLiteral(n *yaml.Node) bool { return n.Tag == literalTag && n.Style&yaml.TaggedStyle == 0 }

// isSimple tells whether a string needs no escapes.
func isSimple(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
