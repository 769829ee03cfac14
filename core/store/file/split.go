package file

import "strings"

// section is a member of the root object as text: a name at the beginning of a line and what follows.
type section struct {
	name  string
	line  int    // of the name, from 1
	text  string // from the name on
	parts []part // the items of a list in block style, nil where it is not one
}

// part is the text of one item, with the comments and empty lines behind it.
type part struct {
	line int // from 1
	text string
}

// split cuts a text of YAML at the lines where, by their indentation, the members of the root object and the items of their
// lists begin. It reports false for a text that is not of such a plain form.
//
// A line within a quoted text or within brackets may look like such a beginning, so each cut has to be checked: a text that was
// cut there cannot be parsed, or has fewer items than parts.
func split(text string) ([]section, bool) {
	s := splitter{text: text}
	for s.pos < len(text) {
		end := len(text)
		if i := strings.IndexByte(text[s.pos:], '\n'); i >= 0 {
			end = s.pos + i + 1
		}
		s.line++
		if !s.take(text[s.pos:end]) {
			return nil, false
		}
		s.pos = end
	}
	s.endSection()
	return s.sections, len(s.sections) > 0
}

// splitter is the state after some lines.
type splitter struct {
	text      string
	pos, line int
	sections  []section
	marked    bool // the document was begun by a mark
	open      bool // a section is open
	block     bool // so far it can be a list in block style
	indent    int  // of the list's items, -1 before the first one
	start     int  // of the open section
	partStart int  // of the open part
}

// take looks at one line and reports false if the text cannot be split.
func (s *splitter) take(line string) bool {
	rest := strings.TrimLeft(line, " ")
	indent := len(line) - len(rest)
	rest = strings.TrimRight(rest, "\r\n")
	if rest == "" || rest[0] == '#' {
		return true
	}
	if indent == 0 && strings.HasPrefix(rest, "---") {
		first := !s.marked && !s.open
		s.marked = true
		return rest == "---" && first
	}
	dash := rest == "-" || strings.HasPrefix(rest, "- ")
	if indent == 0 && !dash {
		return s.beginSection(rest)
	}
	if !s.open {
		return false
	}
	if !s.block || s.indent >= 0 && indent > s.indent {
		return true
	}
	if s.indent < 0 && dash {
		s.indent = indent
	}
	if !dash || indent != s.indent {
		s.block = false
		return true
	}
	s.endPart()
	s.partStart = s.pos
	last := &s.sections[len(s.sections)-1]
	last.parts = append(last.parts, part{line: s.line})
	return true
}

// beginSection begins a section if the line is a name with a colon.
func (s *splitter) beginSection(line string) bool {
	n := 0
	for n < len(line) && (line[n] == '_' || line[n] >= 'a' && line[n] <= 'z' || line[n] >= 'A' && line[n] <= 'Z') {
		n++
	}
	if n == 0 || n == len(line) || line[n] != ':' || n+1 < len(line) && line[n+1] != ' ' {
		return false
	}
	s.endSection()
	behind := strings.TrimLeft(line[n+1:], " ")
	s.open, s.start, s.indent = true, s.pos, -1
	s.block = behind == "" || behind[0] == '#'
	s.sections = append(s.sections, section{name: line[:n], line: s.line})
	return true
}

func (s *splitter) endPart() {
	parts := s.sections[len(s.sections)-1].parts
	if len(parts) > 0 {
		parts[len(parts)-1].text = s.text[s.partStart:s.pos]
	}
}

func (s *splitter) endSection() {
	if !s.open {
		return
	}
	s.endPart()
	last := &s.sections[len(s.sections)-1]
	last.text = s.text[s.start:s.pos]
	if !s.block || s.indent < 0 {
		last.parts = nil
	}
}
