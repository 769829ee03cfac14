package declare

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Problem is something that is wrong with a document, and where.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`   // from 1; 0: at no place in the file
	Col     int    `json:"column,omitempty"` // in characters, from 1
	Width   int    `json:"-"`                // of what is wrong, in characters
	Key     string `json:"key,omitempty"`    // of the resource, for example "routes/1"
	Path    string `json:"path,omitempty"`   // within the resource, for example "plugins.limit-count.count"
	Text    string `json:"text"`             // what is wrong, in APISIX's words where it has some
	Hint    string `json:"hint,omitempty"`   // what to do about it
	Warning bool   `json:"warning,omitempty"`
	Excerpt string `json:"-"` // the line
}

// Error returns the problem on one line, as "apisix.yaml:3:5: routes/1: text; hint".
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
		}
		b.WriteString(": ")
	}
	if p.Warning {
		b.WriteString("warning: ")
	}
	if about := cmp.Or(p.Key, p.Path); about != "" {
		b.WriteString(about + ": ")
	}
	b.WriteString(p.Text)
	if p.Hint != "" {
		b.WriteString("; " + p.Hint)
	}
	return b.String()
}

// excerptLimit is how many characters of a line are shown before and after what is wrong in it.
const excerptLimit = 100

// Print writes the problem on one line, and below it the line that it is about with carets under what is wrong.
func (p Problem) Print(w io.Writer) error {
	if _, err := fmt.Fprintln(w, p.Error()); err != nil || p.Excerpt == "" || p.Col < 1 {
		return err
	}
	line := []rune(strings.TrimRight(p.Excerpt, " \t\r"))
	from := min(p.Col-1, len(line))
	width := max(1, min(p.Width, len(line)-from))
	number := fmt.Sprintf("%5d | ", p.Line)
	start := max(0, from-excerptLimit)
	end := min(len(line), from+excerptLimit)
	pad := []rune(strings.Repeat(" ", utf8.RuneCountInString(number)-2) + "| ")
	for _, r := range line[start:from] {
		if r != '\t' {
			r = ' '
		}
		pad = append(pad, r)
	}
	carets := strings.Repeat("^", max(1, min(width, end-from)))
	_, err := fmt.Fprintf(w, "%s%s\n%s%s\n", number, printable(line[start:end]), string(pad), carets)
	return err
}

// printable keeps a file from writing to somebody's terminal.
func printable(line []rune) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '?'
		}
		return r
	}, string(line))
}

// SortProblems puts problems into the order in which they stand in the files, without repetitions.
func SortProblems(list []Problem) []Problem {
	order := map[string]int{}
	for _, p := range list {
		if _, ok := order[p.File]; !ok {
			order[p.File] = len(order)
		}
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	return slices.Compact(list)
}
