package behave

import (
	"fmt"
	"strings"
)

// op says where a line of a diff is.
type op byte

const (
	same     op = ' '
	missing  op = '-' // expected, and did not come
	extra    op = '+' // came, and was not expected
	replaced op = '~' // an expected line, and behind a line feed what came instead
)

// edit is a line of a diff.
type edit struct {
	op   op
	text string
}

// split makes every replaced line one that is missing and others that are extra.
func split(edits []edit) []edit {
	var out []edit
	for _, e := range edits {
		if e.op != replaced {
			out = append(out, e)
			continue
		}
		lines := strings.Split(e.text, "\n")
		out = append(out, edit{missing, lines[0]})
		for _, line := range lines[1:] {
			out = append(out, edit{extra, line})
		}
	}
	return out
}

// Why a limit? The table below has a place for each pair of lines.
const maxDiffLines = 2000

// diffLines finds the least changes from patterns to lines.
func diffLines(want []pattern, got []string) []edit {
	if len(want) > maxDiffLines || len(got) > maxDiffLines {
		return diffLong(want, got)
	}
	// cost[i][j] is the number of changes from want[i:] to got[j:].
	cost := make([][]int, len(want)+1)
	for i := len(want); i >= 0; i-- {
		cost[i] = make([]int, len(got)+1)
		for j := len(got); j >= 0; j-- {
			cost[i][j] = leastCost(want, got, cost, i, j)
		}
	}
	var edits []edit
	i, j := 0, 0
	for i < len(want) || j < len(got) {
		switch {
		case i < len(want) && want[i].text == anyLines && cost[i][j] == cost[i+1][j]:
			i++
		case i < len(want) && want[i].text == anyLines && j < len(got):
			edits = append(edits, edit{same, got[j]})
			j++
		case i < len(want) && j < len(got) && want[i].match(got[j]):
			edits = append(edits, edit{same, got[j]})
			i, j = i+1, j+1
		case i < len(want) && (j == len(got) || cost[i+1][j] <= cost[i][j+1]):
			edits = append(edits, edit{missing, want[i].text})
			i++
		default:
			edits = append(edits, edit{extra, got[j]})
			j++
		}
	}
	return edits
}

func leastCost(want []pattern, got []string, cost [][]int, i, j int) int {
	switch {
	case i == len(want):
		return len(got) - j
	case want[i].text == anyLines && j == len(got):
		return cost[i+1][j]
	case want[i].text == anyLines:
		return min(cost[i+1][j], cost[i][j+1])
	case j == len(got):
		return 1 + cost[i+1][j]
	case want[i].match(got[j]):
		return cost[i+1][j+1]
	}
	return 1 + min(cost[i+1][j], cost[i][j+1])
}

// diffLong compares line by line up to the first difference.
func diffLong(want []pattern, got []string) []edit {
	for i := range min(len(want), len(got)) {
		if !want[i].match(got[i]) {
			return []edit{{same, fmt.Sprintf("(%d lines)", i)}, {missing, want[i].text}, {extra, got[i]}}
		}
	}
	if len(want) == len(got) {
		return nil
	}
	return []edit{{missing, fmt.Sprintf("(%d lines)", len(want))}, {extra, fmt.Sprintf("(%d lines)", len(got))}}
}

// unified writes a diff with three lines around each change.
func unified(edits []edit) string {
	const around = 3
	keep := make([]bool, len(edits))
	for i, e := range edits {
		for k := max(0, i-around); e.op != same && k <= min(len(edits)-1, i+around); k++ {
			keep[k] = true
		}
	}
	var b strings.Builder
	b.WriteString("--- expected\n+++ got\n")
	for i, e := range edits {
		if !keep[i] {
			continue
		}
		if i > 0 && !keep[i-1] {
			b.WriteString("@@\n")
		}
		fmt.Fprintf(&b, "%c%s\n", e.op, e.text)
	}
	return b.String()
}
