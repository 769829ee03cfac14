package behave

import (
	"fmt"
	"strings"
)

// Page is a page with examples of how to configure a gateway, what to ask it, and what it answers: blocks of code that are marked as yaml
// (resources, as in apisix.yaml), shell (beginning with curl), and http or text (the response, or lines of its body).
type Page struct {
	Text     string
	Config   string // of the requests before the first block of resources; may be empty
	Upstream string // address of the upstream in the examples, such as "127.0.0.1:1980"
}

// example is a request on a page and what the page says of it.
type example struct {
	config   string
	command  string
	request  message
	response string // may be empty
	whole    bool   // response begins with a status line; else it is some lines of the body
}

// Unexercised returns the examples of the page that no case has: those whose request is not sent with the same resources in service, or of
// whose response the case expects something else or less. A page without examples is one, too.
func (p *Page) Unexercised(cases []*Case) []string {
	examples, err := p.examples()
	if err != nil {
		return []string{err.Error()}
	}
	if len(examples) == 0 {
		return []string{"there is no example: a block of code that is marked as shell and begins with curl"}
	}
	var missing []string
	for _, e := range examples {
		if !p.exercised(e, cases) {
			missing = append(missing, fmt.Sprintf("no case sends this request with these resources, or expects this response:\n%s\n%s\n%s",
				e.config, e.command, e.response))
		}
	}
	return missing
}

// examples reads the page.
func (p *Page) examples() ([]example, error) {
	var list []example
	config := p.comparable(p.Config)
	for _, b := range codeBlocks(p.Text) {
		switch {
		case b.kind == "yaml":
			config = p.comparable(b.text)
		case b.kind == "shell" && strings.HasPrefix(b.text, "curl "):
			request, err := parseCurl(b.text)
			if err != nil {
				return nil, err
			}
			list = append(list, example{config: config, command: strings.TrimSpace(b.text), request: request})
		case (b.kind == "http" || b.kind == "text") && len(list) > 0:
			last := &list[len(list)-1]
			last.response, last.whole = strings.TrimRight(b.text, "\n"), b.kind == "http"
		}
	}
	return list, nil
}

// comparable is a text in which the upstream stands for itself, without what does not matter.
func (p *Page) comparable(text string) string {
	text = strings.ReplaceAll(text, "$upstream", p.Upstream)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimRight(line, " \t\r"); line != "" && line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}

func (p *Page) exercised(e example, cases []*Case) bool {
	for _, c := range cases {
		config := ""
		if c.resources != nil {
			config = p.comparable(c.resources.text)
		}
		for _, st := range c.steps {
			if st.config != nil {
				config = p.comparable(st.config.text)
			} else if config == e.config && p.sends(st, e) && p.expects(st, e) {
				return true
			}
		}
	}
	return false
}

// sends tells whether a step sends the request of an example.
func (p *Page) sends(st *step, e example) bool {
	m, _ := splitMessage(strings.ReplaceAll(st.request.text, "$upstream", p.Upstream))
	if strings.TrimSuffix(m.first, " HTTP/1.1") != e.request.first || strings.TrimRight(m.body, "\n") != e.request.body {
		return false
	}
	for _, f := range e.request.fields {
		name, value, _ := strings.Cut(f, ":")
		if m.value(name) != strings.TrimSpace(value) {
			return false
		}
	}
	return true
}

// expects tells whether a step expects all that an example says of the response.
func (p *Page) expects(st *step, e example) bool {
	if e.response == "" {
		return len(st.responses) > 0
	}
	for _, s := range st.responses {
		want, err := newExpectation(s, strings.ReplaceAll(s.text, "$upstream", p.Upstream))
		if err == nil && (e.whole && want.covers(e.response) || !e.whole && want.coversLines(e.response)) {
			return true
		}
	}
	return false
}

// covers tells whether a response meets the expectation, and nothing of the response is left to chance.
func (e *expectation) covers(response string) bool {
	m, _ := splitMessage(response)
	if e.closed || e.compareFirst(m.first).op != same {
		return false
	}
	seen := map[string]int{}
	for _, line := range m.fields {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(name)
		if !e.hasField(name, seen[name], strings.TrimSpace(value)) {
			return false
		}
		seen[name]++
	}
	if strings.TrimSpace(m.body) == "" {
		return true
	}
	if !e.hasBody {
		return false
	}
	for _, d := range e.compareBody(m.body) {
		if d.op != same {
			return false
		}
	}
	return true
}

// hasField tells whether the i-th field of a name is expected to have that value.
func (e *expectation) hasField(name string, i int, value string) bool {
	for _, f := range e.fields {
		if !strings.EqualFold(f.name, name) {
			continue
		}
		if i == 0 {
			return !f.absent && f.value.match(value)
		}
		i--
	}
	return false
}

// coversLines tells whether each of the lines is expected in the body.
func (e *expectation) coversLines(text string) bool {
	patterns := patternLines(e.body)
	for line := range strings.SplitSeq(text, "\n") {
		found := false
		for _, p := range patterns {
			found = found || p.match(line) && p.text != anyLines
		}
		if !found {
			return false
		}
	}
	return true
}
