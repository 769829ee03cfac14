package settings

import (
	"fmt"
	"strings"
)

// Problem is something that is wrong with a settings file, or a warning about it.
type Problem struct {
	File string
	Line int    // from 1; 0 where it is not at a place in the file
	Col  int    // from 1
	Key  string // path of the key, such as "apisix.node_listen[0].port"; may be empty
	Text string // what is wrong and what to do
}

// Error returns the problem on one line, as "config.yaml:3:5: apisix.ssl.listen: text".
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	if p.Key != "" {
		b.WriteString(": " + p.Key)
	}
	return b.String() + ": " + p.Text
}

// Problems is all that is wrong with a file, in order of line. It is never empty when it is an error.
type Problems []Problem

// Error returns one line for each problem.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}
