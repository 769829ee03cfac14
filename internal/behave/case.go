package behave

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"
)

// Case is one file of behaviour.
type Case struct {
	Name        string // for people and for choosing cases: the file's path, without its ending
	File        string
	Description string // the text before the first section
	settings    []byte
	files       []*section
	resources   *section // of the start; may be nil
	startError  *section // the start must fail like this; may be nil
	replies     map[int][]*section
	steps       []*step
	upstreams   int
}

// section is a part of a file.
type section struct {
	header
	line int // of its first line of text
	text string
}

// step is a request with what belongs to it, or a change of configuration.
type step struct {
	config    *section // if it is a change of configuration
	err       *section // which must fail like this
	request   *section // if it is a request
	replies   map[int][]*section
	received  map[int][]*section
	responses []*section
	logs      []*section
}

func (s *step) String() string {
	head := s.request
	if s.config != nil {
		head = s.config
	}
	text := head.kind
	if head.number > 0 {
		text += fmt.Sprint(" ", head.number)
	}
	if head.title != "" {
		text += ": " + head.title
	}
	return text
}

// Parse reads a case. The error is a [*Failure].
func Parse(file string, data []byte) (*Case, error) { return parseAt(file, data, 0) }

// parseAt reads a case that begins behind a number of lines of its file.
func parseAt(file string, data []byte, before int) (*Case, error) {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	archive := txtar.Parse(data)
	c := &Case{
		Name:        strings.TrimSuffix(file, filepath.Ext(file)),
		File:        file,
		Description: strings.TrimSpace(string(archive.Comment)),
		replies:     map[int][]*section{},
		upstreams:   1,
	}
	for _, m := range placeholder.FindAllSubmatch(data, -1) {
		if len(m[2]) == 1 {
			c.upstreams = max(c.upstreams, int(m[2][0]-'0'))
		}
	}
	line := before + 1 + bytes.Count(archive.Comment, []byte("\n"))
	for _, f := range archive.Files {
		h, err := parseHeader(f.Name)
		if err == nil {
			err = c.add(&section{header: h, line: line + 1, text: string(f.Data)})
		}
		if err != nil {
			return nil, &Failure{File: file, Line: line, Text: err.Error()}
		}
		c.upstreams = max(c.upstreams, h.target)
		line += 1 + bytes.Count(f.Data, []byte("\n"))
	}
	return c, c.complete()
}

func (c *Case) add(s *section) error {
	var last *step
	if len(c.steps) > 0 {
		last = c.steps[len(c.steps)-1]
	}
	switch s.kind {
	case "file":
		if !filepath.IsLocal(s.path) {
			return fmt.Errorf("the path %q leads out of the case's folder", s.path)
		}
		c.files = append(c.files, s)
		return nil
	case "config.yaml":
		if c.settings != nil || last != nil {
			return fmt.Errorf("config.yaml stands once, before the first request")
		}
		c.settings = []byte(s.text)
		return nil
	case "config":
		if last == nil && c.resources == nil && c.startError == nil {
			c.resources = s
			return nil
		}
		c.steps = append(c.steps, &step{config: s})
		return nil
	case "request":
		return c.addRequest(s)
	case "error":
		return c.addError(s, last)
	case "upstream":
		if last == nil {
			c.replies[s.target] = append(c.replies[s.target], s)
			return nil
		}
	}
	if last == nil || last.request == nil {
		return fmt.Errorf("the section %q needs a request before it", s.kind)
	}
	return last.add(s)
}

func (c *Case) addRequest(s *section) error {
	if c.startError != nil {
		return fmt.Errorf("nothing can be requested of a gateway whose start is expected to fail")
	}
	number := 1
	for _, st := range c.steps {
		if st.request != nil {
			number++
		}
	}
	if s.number != 0 && s.number != number {
		return fmt.Errorf("this is request %d, not %d", number, s.number)
	}
	s.number = number
	c.steps = append(c.steps, &step{
		request: s, replies: map[int][]*section{}, received: map[int][]*section{},
	})
	return nil
}

func (c *Case) addError(s *section, last *step) error {
	if last == nil && c.startError == nil {
		c.startError = s
		return nil
	}
	if last == nil || last.config == nil || last.err != nil {
		return fmt.Errorf("an error belongs behind a config")
	}
	last.err = s
	return nil
}

func (s *step) add(sec *section) error {
	if sec.number != 0 && sec.number != s.request.number {
		return fmt.Errorf("the section %q with number %d stands behind request %d", sec.kind, sec.number, s.request.number)
	}
	switch sec.kind {
	case "upstream":
		s.replies[sec.target] = append(s.replies[sec.target], sec)
	case "received":
		before := s.received[sec.target]
		if len(before) > 0 && (sec.has("none") || before[0].has("none")) {
			return fmt.Errorf(`"received none" stands alone`)
		}
		s.received[sec.target] = append(before, sec)
	case "response":
		s.responses = append(s.responses, sec)
	case "log":
		s.logs = append(s.logs, sec)
	}
	return nil
}

// complete looks at the case as a whole.
func (c *Case) complete() error {
	if len(c.steps) == 0 && c.startError == nil {
		return &Failure{File: c.File, Line: 1, Text: "there is no request in it; a case needs a section such as -- request --"}
	}
	for _, st := range c.steps {
		if st.request == nil || len(st.responses) > 0 || len(st.received) > 0 || len(st.logs) > 0 {
			continue
		}
		return &Failure{File: c.File, Line: st.request.line - 1, Step: st.String(),
			Text: "nothing is expected of it; add a section -- response --"}
	}
	for _, text := range c.texts() {
		if err := text.check(); err != nil {
			return &Failure{File: c.File, Line: text.line, Text: err.Error()}
		}
	}
	return nil
}

// texts returns all sections that hold patterns or messages.
func (c *Case) texts() []*section {
	list := slices.Clone(c.replies[1])
	for _, st := range c.steps {
		if st.request != nil {
			list = append(list, st.request)
		}
		list = append(list, st.responses...)
		list = append(list, st.logs...)
		for target := 1; target <= c.upstreams; target++ {
			list = append(append(list, st.replies[target]...), st.received[target]...)
		}
	}
	return list
}

// check looks for mistakes that the text of the section has, wherever it runs.
func (s *section) check() error {
	switch s.kind {
	case "response", "received":
		_, err := newExpectation(s, s.text)
		return err
	case "request", "upstream":
		if !s.has("close") && strings.TrimSpace(s.text) == "" {
			return fmt.Errorf("the section %q is empty", s.kind)
		}
	case "log":
		for line := range strings.Lines(s.text) {
			if _, err := newPattern(strings.TrimSpace(line)); err != nil {
				return err
			}
		}
	}
	return nil
}
