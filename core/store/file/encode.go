package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// depthLimit bounds the nesting of a value.
	depthLimit = 100
	// aliasBudget bounds what the aliases of a file expand to, in bytes.
	aliasBudget = 64 << 20
	// nodeCost is what every expanded node takes of the budget besides its text.
	nodeCost = 16
)

var (
	errAliases  = fmt.Errorf("the aliases expand to more than %d MiB", aliasBudget>>20)
	errKey      = errors.New("a key is neither a string nor a number")
	errMerge    = errors.New("\"<<\" needs an object or a list of objects")
	errNotJSON  = errors.New("infinity and not-a-number cannot be used")
	errNoBool   = errors.New("neither true nor false")
	errNoNumber = errors.New("not a number")

	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	anyInteger = regexp.MustCompile(`^[-+]?[0-9][0-9_]*$`)
)

// nodeError is an error in a line of the text.
type nodeError struct {
	line int
	err  error
}

func (e *nodeError) Error() string { return e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

func errAt(n *yaml.Node, err error) error { return &nodeError{line: n.Line, err: err} }

// encoder writes a tree as JSON.
type encoder struct {
	p       *parser
	buf     bytes.Buffer
	aliases int // aliases that are being expanded
}

// encode returns the tree as compact JSON. Numbers keep their digits, and objects the order of their keys.
func (p *parser) encode(n *yaml.Node) ([]byte, error) {
	e := &encoder{p: p}
	if err := e.node(n, 0); err != nil {
		return nil, err
	}
	return e.buf.Bytes(), nil
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
		defer func() { e.aliases-- }()
		return e.node(n.Alias, depth+1)
	case yaml.MappingNode:
		return e.object(n, depth)
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

func (e *encoder) object(n *yaml.Node, depth int) error {
	fields, err := e.p.fields(n, depth)
	if err != nil {
		return err
	}
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

// boolean returns the truth value of a plain word, or "". APISIX's parser knows more such words than YAML 1.2.
func boolean(word string) string {
	switch word {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return "true"
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return "false"
	default:
		return ""
	}
}

func (e *encoder) scalar(n *yaml.Node) error {
	switch n.ShortTag() {
	case "!!null":
		e.buf.WriteString("null")
	case "!!bool":
		word := boolean(n.Value)
		if word == "" {
			return errAt(n, fmt.Errorf("%s: %w", n.Value, errNoBool))
		}
		e.buf.WriteString(word)
	case "!!int", "!!float":
		number, err := number(n.Value)
		if err != nil {
			return errAt(n, fmt.Errorf("%s: %w", n.Value, err))
		}
		e.buf.WriteString(number)
	default:
		if word := boolean(n.Value); word != "" && n.Style == 0 {
			e.buf.WriteString(word)
			return nil
		}
		return e.text(n.Value)
	}
	return nil
}

// number returns a YAML number as JSON, digit by digit where that is possible.
func number(text string) (string, error) {
	if jsonNumber.MatchString(text) {
		return text, nil
	}
	plain := strings.ReplaceAll(text, "_", "")
	if i, ok := new(big.Int).SetString(plain, 0); ok {
		return i.String(), nil
	}
	if anyInteger.MatchString(text) {
		if i, ok := new(big.Int).SetString(plain, 10); ok {
			return i.String(), nil
		}
	}
	f, err := strconv.ParseFloat(strings.TrimPrefix(plain, "+"), 64)
	switch {
	case strings.Contains(strings.ToLower(plain), ".inf"), strings.EqualFold(plain, ".nan"), math.IsInf(f, 0), math.IsNaN(f):
		return "", errNotJSON
	case err != nil:
		return "", errNoNumber
	}
	encoded, err := json.Marshal(f)
	return string(encoded), err
}

// text writes a string. Unlike encoding/json's default, it leaves <, > and & as they are.
func (e *encoder) text(s string) error {
	enc := json.NewEncoder(&e.buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	e.buf.Truncate(e.buf.Len() - 1) // the line feed
	return nil
}
