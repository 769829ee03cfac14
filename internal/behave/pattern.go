package behave

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is a line of an expectation: a text in which each * stands for anything, or "~ " and a regular expression.
type pattern struct {
	text   string
	regexp *regexp.Regexp // nil: text is to be matched literally
}

func newPattern(text string) (pattern, error) {
	expr, isRegexp := strings.CutPrefix(text, "~ ")
	switch {
	case isRegexp:
	case strings.Contains(text, "*"):
		expr = "(?s)^" + strings.ReplaceAll(regexp.QuoteMeta(text), `\*`, ".*") + "$"
	default:
		return pattern{text: text}, nil
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return pattern{}, fmt.Errorf("the regular expression %q is wrong: %w", expr, err)
	}
	return pattern{text, re}, nil
}

func (p pattern) match(s string) bool {
	if p.regexp != nil {
		return p.regexp.MatchString(s)
	}
	return p.text == s
}

// anyLines is the line that stands for any number of lines.
const anyLines = "..."

// field is an expected header field.
type field struct {
	name   string
	value  pattern
	absent bool // there must be none of that name
}

// expectation is what a response or a request is compared with.
type expectation struct {
	section *section
	first   pattern
	closed  bool // no response must come, the connection must be closed
	fields  []field
	body    string
	hasBody bool
}

// newExpectation reads an expectation out of a section's text, in which placeholders are replaced.
func newExpectation(s *section, text string) (*expectation, error) {
	e := &expectation{section: s}
	if s.has("none") {
		if strings.TrimSpace(text) != "" {
			return nil, fmt.Errorf(`a section with "none" has no text`)
		}
		return e, nil
	}
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("the section is empty; it begins with %s", map[string]string{
			"response": "a status such as 200", "received": "a request such as GET /path"}[s.kind])
	}
	m, hasBody := splitMessage(text)
	if s.kind == "response" && m.first == "closed" {
		e.closed = true
		return e, nil
	}
	var err error
	if e.first, err = newPattern(m.first); err != nil {
		return nil, err
	}
	for _, line := range m.fields {
		f, err := newField(line)
		if err != nil {
			return nil, err
		}
		e.fields = append(e.fields, f)
	}
	e.body = m.body
	e.hasBody = hasBody && strings.TrimSpace(m.body) != "" || s.has("exact")
	return e, e.checkBody()
}

func newField(line string) (field, error) {
	if name, ok := strings.CutPrefix(line, "!"); ok {
		return field{name: strings.TrimSpace(strings.TrimSuffix(name, ":")), absent: true}, nil
	}
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		return field{}, fmt.Errorf("%q is not a header field such as Name: value; an empty line goes before the body", line)
	}
	p, err := newPattern(strings.TrimSpace(value))
	return field{name: name, value: p}, err
}

func (e *expectation) checkBody() error {
	switch {
	case !e.hasBody:
		return nil
	case e.section.has("json"):
		_, err := parseJSON(e.body)
		if err != nil {
			return fmt.Errorf("the expected body is not JSON: %w", err)
		}
		return nil
	case e.section.has("exact"):
		return nil
	}
	for line := range strings.Lines(e.body) {
		if _, err := newPattern(strings.TrimSuffix(line, "\n")); err != nil {
			return err
		}
	}
	return nil
}
