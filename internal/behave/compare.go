package behave

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// compare returns the lines of the diff from the expectation to a message, and whether they are the same.
// Header fields that nothing is expected of are shown as they are.
func (e *expectation) compare(m *message) ([]edit, bool) {
	edits := []edit{e.compareFirst(m.first)}
	edits = append(edits, e.compareFields(m)...)
	if e.hasBody {
		edits = append(edits, edit{same, ""})
		edits = append(edits, e.compareBody(m.body)...)
	}
	for _, d := range edits {
		if d.op != same {
			return split(edits), false
		}
	}
	return nil, true
}

// compareFirst looks at the first line, or at the parts of it that are expected: the status, or the method and the path.
func (e *expectation) compareFirst(first string) edit {
	part := first
	switch fields := strings.SplitN(first, " ", 3); {
	case strings.Contains(e.first.text, "HTTP/") || len(fields) < 2:
	case e.section.kind == "response" && !strings.Contains(e.first.text, " "):
		part = fields[1]
	case e.section.kind == "response":
		_, part, _ = strings.Cut(first, " ")
	default:
		part = fields[0] + " " + fields[1]
	}
	if e.first.match(part) || e.first.match(first) {
		return edit{same, first}
	}
	return edit{replaced, e.first.text + "\n" + part}
}

// compareFields compares the fields of each name with those that came, in their order.
func (e *expectation) compareFields(m *message) []edit {
	var edits []edit
	seen := map[string]int{} // how many fields of a name were compared
	for _, f := range e.fields {
		name := strings.ToLower(f.name)
		got := m.values(name)
		i := seen[name]
		seen[name]++
		switch {
		case f.absent && len(got) == 0:
			seen[name]--
		case f.absent:
			edits = append(edits, edit{replaced, "!" + f.name + "\n" + f.name + ": " + strings.Join(got, "\n"+f.name+": ")})
			seen[name] = len(got)
		case i >= len(got):
			edits = append(edits, edit{missing, f.name + ": " + f.value.text})
		case f.value.match(got[i]):
			edits = append(edits, edit{same, f.name + ": " + got[i]})
		default:
			edits = append(edits, edit{replaced, f.name + ": " + f.value.text + "\n" + f.name + ": " + got[i]})
		}
	}
	for _, line := range m.fields {
		name, _, _ := strings.Cut(line, ":")
		if seen[strings.ToLower(name)] == 0 {
			edits = append(edits, edit{same, line})
			continue
		}
		seen[strings.ToLower(name)]--
	}
	return edits
}

func (e *expectation) compareBody(body string) []edit {
	switch {
	case e.section.has("json"):
		return e.compareJSON(body)
	case e.section.has("exact"):
		if body == e.body {
			return nil
		}
		return exactEdits(e.body, body)
	}
	return diffLines(patternLines(strings.TrimRight(e.body, "\n")), printable(strings.TrimRight(body, "\n")))
}

// exactEdits shows line feeds, which make the difference otherwise unseen.
func exactEdits(want, got string) []edit {
	var lines []string
	var patterns []pattern
	for line := range strings.Lines(want) {
		patterns = append(patterns, pattern{text: strconv.Quote(line)})
	}
	for line := range strings.Lines(got) {
		lines = append(lines, strconv.Quote(line))
	}
	return diffLines(patterns, lines)
}

func (e *expectation) compareJSON(body string) []edit {
	want, err := parseJSON(e.body)
	if err != nil {
		return []edit{{missing, err.Error()}}
	}
	got, err := parseJSON(body)
	if err != nil {
		edits := []edit{{extra, "(not JSON: " + err.Error() + ")"}}
		return append(edits, diffLines(patternLines(indent(want)), printable(strings.TrimRight(body, "\n")))...)
	}
	if equalJSON(want, got) {
		return nil
	}
	return append(diffLines(patternLines(indent(want)), printable(indent(got))), edit{extra, "(as JSON, the two differ)"})
}

func parseJSON(text string) (any, error) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something behind the value")
	}
	return v, nil
}

// equalJSON compares values. An expected "*" equals anything, and other strings match as patterns do; an object with the key "..." may have
// more keys.
func equalJSON(want, got any) bool {
	switch w := want.(type) {
	case string:
		p, err := newPattern(w)
		text, isString := got.(string)
		return w == "*" || isString && err == nil && p.match(text)
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !equalJSON(w[i], g[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && equalObjects(w, g)
	}
	return want == got
}

func equalObjects(want, got map[string]any) bool {
	_, open := want[anyLines]
	if !open && len(want) != len(got) {
		return false
	}
	for key, w := range want {
		g, ok := got[key]
		if key != anyLines && (!ok || !equalJSON(w, g)) {
			return false
		}
	}
	return true
}

func indent(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimRight(b.String(), "\n")
}

// patternLines reads each line as a pattern; one that is none, as in JSON, is taken as it is.
func patternLines(text string) []pattern {
	var list []pattern
	for line := range strings.SplitSeq(text, "\n") {
		p, err := newPattern(line)
		if err != nil {
			p = pattern{text: line}
		}
		list = append(list, p)
	}
	return list
}

// printable divides text into lines and quotes those that a terminal must not get.
func printable(text string) []string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			line = strconv.Quote(line)
		}
		lines[i] = line
	}
	return lines
}
