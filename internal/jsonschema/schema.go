// Package jsonschema validates configurations against JSON schemas as APISIX does with api7/jsonschema: the same keywords, order of
// checks, error texts and default values, so that a configuration is accepted, completed or refused with the same words.
//
// What differs from the drafts is that library's doing: an empty array passes as an object and an empty object as an array; null
// is a value and not an absent one; references to secrets ("$secret://…", "$env://…") pass every check that strings are meant
// to pass; propertyNames with a schema is ignored.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxDepth is how deep documents and schemas may be nested.
const maxDepth = 100

// Schema is a compiled schema. It is safe for concurrent use.
type Schema struct {
	root *node
}

// Compile compiles a schema of draft 4, 6 or 7. References must point into the schema itself. The error names the place in the
// schema.
func Compile(schema json.RawMessage) (*Schema, error) {
	doc, err := decode(schema)
	if err != nil {
		return nil, fmt.Errorf("decode schema: %w", err)
	}
	c := &compiler{root: doc, nodes: map[string]*node{}}
	root, err := c.schema("#", doc)
	if err != nil {
		return nil, err
	}
	return &Schema{root: root}, nil
}

// MustCompile is Compile for schemas that are part of the program. It panics if the schema is bad.
func MustCompile(schema json.RawMessage) *Schema {
	s, err := Compile(schema)
	if err != nil {
		panic("jsonschema: " + err.Error())
	}
	return s
}

// Check validates doc, which json.Decoder has decoded with UseNumber, and fills absent properties with their defaults in place, also if
// it fails. Empty arrays where an object is expected become objects, and the other way round, except for doc itself. Text of
// the error is APISIX's.
func (s *Schema) Check(doc any) error {
	_, _, err := s.run(doc)
	return err
}

// Validate is Check for a document in JSON, of which nothing is kept.
func (s *Schema) Validate(doc json.RawMessage) error {
	v, err := decode(doc)
	if err != nil {
		return err
	}
	return s.Check(v)
}

// Fill validates doc and returns it with the defaults filled in. It returns doc itself if there was nothing to fill.
func (s *Schema) Fill(doc json.RawMessage) (json.RawMessage, error) {
	v, err := decode(doc)
	if err != nil {
		return nil, err
	}
	v, changed, err := s.run(v)
	if err != nil {
		return nil, err
	}
	if !changed {
		return doc, nil
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func (s *Schema) run(doc any) (filled any, changed bool, err error) {
	r := &run{budget: maxCost}
	filled, err = r.check(s.root, doc)
	if r.stop != nil {
		// A not or an anyOf may have taken the stop for a mere mismatch.
		err = r.stop
	}
	return filled, r.changes > 0, err
}

// decode decodes one JSON document that is not nested too deeply.
func decode(raw json.RawMessage) (any, error) {
	if err := checkDepth(raw); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("invalid JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("invalid JSON: something stands behind the document")
	}
	return v, nil
}

// checkDepth counts brackets outside of strings; whether they match is the decoder's business.
func checkDepth(raw []byte) error {
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("invalid JSON: nested more than %d levels deep", maxDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}
