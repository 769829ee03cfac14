package control

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// explanationText writes an explanation for people: a heading for each part, columns below it.
func explanationText(e *Explanation) []byte {
	var b bytes.Buffer
	r := e.Request
	target := r.Path
	if r.Query != "" {
		target += "?" + r.Query
	}
	line(&b, "%s %s://%s%s from %s to port %s", r.Method, r.Scheme, r.Host, target, r.RemoteAddr, r.Port)
	writeRoute(&b, e.Matched)
	rows := [][]string{}
	for _, c := range e.Candidates {
		rows = append(rows, []string{c.ID, c.URI, strconv.Itoa(c.Priority), c.Verdict, c.Detail})
	}
	if table(&b, "candidates", []string{"ROUTE", "URI", "PRIORITY", "VERDICT", "WHY"}, rows); e.More > 0 {
		line(&b, "  and %d more", e.More)
	}
	table(&b, "plugins", []string{"PLUGIN", "PRIORITY", "FROM", "PHASES", "NOTE"}, pluginRows(e.Plugins))
	writeUpstream(&b, e.Upstream)
	if c := e.Consumer; c != nil {
		line(&b, "")
		line(&b, "consumer %s, group %s", c.Username, cmp.Or(c.Group, "none"))
		if c.Fault != "" {
			line(&b, "  its requests cannot be served: %s", c.Fault)
		}
	}
	for i, n := range e.Notes {
		if i == 0 {
			line(&b, "")
			line(&b, "notes")
		}
		line(&b, "  %s", n)
	}
	return b.Bytes()
}

func writeRoute(b *bytes.Buffer, m *MatchedRoute) {
	line(b, "")
	if m == nil {
		line(b, "no route")
		return
	}
	name := m.ID
	if m.Name != "" {
		name += " (" + m.Name + ")"
	}
	line(b, "route %s: %s%s, priority %d", name, m.Host, m.URI, m.Priority)
	if m.Fault != "" {
		line(b, "  it cannot be served: %s", m.Fault)
	}
}

func pluginRows(plugins []ExplainedPlugin) [][]string {
	rows := [][]string{}
	for _, p := range plugins {
		var notes []string
		if p.Disabled {
			notes = append(notes, "disabled")
		}
		if len(p.Overridden) > 0 {
			notes = append(notes, "instead of "+strings.Join(p.Overridden, ", "))
		}
		if p.Note != "" {
			notes = append(notes, p.Note)
		}
		rows = append(rows, []string{p.Name, strconv.Itoa(p.Priority), p.From, cmp.Or(strings.Join(p.Phases, ","), "-"), strings.Join(notes, "; ")})
	}
	return rows
}

func writeUpstream(b *bytes.Buffer, u *ExplainedUpstream) {
	if u == nil {
		line(b, "")
		line(b, "no upstream")
		return
	}
	title := "upstream"
	if u.ID != "" {
		title += " " + u.ID
	}
	rows := [][]string{}
	for _, n := range u.Nodes {
		addr := n.Host
		if n.Port != 0 {
			addr = net.JoinHostPort(strings.Trim(n.Host, "[]"), strconv.Itoa(n.Port))
		}
		rows = append(rows, []string{addr, strconv.Itoa(n.Weight), strconv.Itoa(n.Priority)})
	}
	table(b, fmt.Sprintf("%s of the %s: %s, %s", title, u.From, u.Scheme, u.Type), []string{"NODE", "WEIGHT", "PRIORITY"}, rows)
}

// table writes rows in columns below a title.
func table(b *bytes.Buffer, title string, head []string, rows [][]string) {
	if len(rows) == 0 {
		line(b, "")
		line(b, "%s: none", title)
		return
	}
	line(b, "")
	line(b, "%s", title)
	var columns bytes.Buffer
	w := tabwriter.NewWriter(&columns, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = printable(cell)
		}
		_, _ = fmt.Fprintln(w, "  "+strings.Join(cells, "\t"))
	}
	// The writer writes to memory.
	_ = w.Flush()
	for text := range strings.Lines(columns.String()) {
		line(b, "%s", strings.TrimRight(text, " \n"))
	}
}

// line writes one line.
func line(b *bytes.Buffer, format string, args ...any) {
	b.WriteString(printable(fmt.Sprintf(format, args...)))
	b.WriteByte('\n')
}

// printable replaces the control characters of what a client or a configuration said, which a terminal would act upon.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}
