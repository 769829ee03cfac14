package declare

import (
	"fmt"
	"strings"
)

// Line is one line of a comparison: Sign is '+', '-' or ' ', or '@' where lines are left out.
type Line struct {
	Sign byte
	Text string
}

// surroundings is how many lines around a difference are shown.
const surroundings = 3

// costLimit bounds the table of a comparison; larger texts are shown as one replaced by the other.
const costLimit = 4 << 20

// Lines returns the change as a comparison of the two values.
func (c *Change) Lines() []Line {
	return unified(EncodeValue(c.Before), EncodeValue(c.After))
}

// unified compares two texts line by line.
func unified(before, after []string) []Line {
	head := 0
	for head < len(before) && head < len(after) && before[head] == after[head] {
		head++
	}
	tail := 0
	for tail < len(before)-head && tail < len(after)-head && before[len(before)-1-tail] == after[len(after)-1-tail] {
		tail++
	}
	var lines []Line
	add := func(sign byte, texts []string) {
		for _, t := range texts {
			lines = append(lines, Line{sign, t})
		}
	}
	add(' ', before[:head])
	lines = append(lines, middle(before[head:len(before)-tail], after[head:len(after)-tail])...)
	add(' ', before[len(before)-tail:])
	return shorten(lines)
}

// middle is what a longest common subsequence leaves.
func middle(before, after []string) []Line {
	var lines []Line
	n, m := len(before), len(after)
	if n*m > costLimit {
		for _, t := range before {
			lines = append(lines, Line{'-', t})
		}
		for _, t := range after {
			lines = append(lines, Line{'+', t})
		}
		return lines
	}
	longest := make([][]int, n+1)
	for i := range longest {
		longest[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			if before[i] == after[j] {
				longest[i][j] = longest[i+1][j+1] + 1
			} else {
				longest[i][j] = max(longest[i+1][j], longest[i][j+1])
			}
		}
	}
	i, j := 0, 0
	for i < n || j < m {
		switch {
		case i < n && j < m && before[i] == after[j]:
			lines = append(lines, Line{' ', before[i]})
			i, j = i+1, j+1
		case j == m || i < n && longest[i+1][j] >= longest[i][j+1]:
			lines = append(lines, Line{'-', before[i]})
			i++
		default:
			lines = append(lines, Line{'+', after[j]})
			j++
		}
	}
	return lines
}

// shorten leaves out what is far from every difference.
func shorten(lines []Line) []Line {
	near := make([]bool, len(lines))
	for i, l := range lines {
		if l.Sign == ' ' {
			continue
		}
		for j := max(0, i-surroundings); j <= min(len(lines)-1, i+surroundings); j++ {
			near[j] = true
		}
	}
	var out []Line
	skipped := 0
	flush := func() {
		if skipped > 0 {
			out = append(out, Line{'@', fmt.Sprintf("… %d more that are the same", skipped)})
		}
		skipped = 0
	}
	for i, l := range lines {
		if !near[i] {
			skipped++
			continue
		}
		flush()
		out = append(out, l)
	}
	flush()
	return out
}

// Summary returns how many resources there are to create, update and delete, as "2 to create, 1 to delete"; "nothing" if there are none.
func Summary(changes []Change) string {
	counts := map[Op]int{}
	for _, c := range changes {
		counts[c.Op]++
	}
	var parts []string
	for _, op := range []Op{Create, Update, Delete} {
		if counts[op] > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", counts[op], op))
		}
	}
	if parts == nil {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}
