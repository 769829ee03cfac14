package balance

import (
	"cmp"
	"slices"
)

// byPriority returns the nodes that take part, those of a weight above 0, in groups of equal priority, the highest first. Within a
// group they keep their order.
func byPriority(nodes []*Node) [][]*Node {
	usable := make([]*Node, 0, len(nodes))
	for _, n := range nodes {
		if n.Weight > 0 {
			usable = append(usable, n)
		}
	}
	slices.SortStableFunc(usable, func(a, b *Node) int { return cmp.Compare(b.Priority, a.Priority) })
	var groups [][]*Node
	for len(usable) > 0 {
		size := 1
		for size < len(usable) && usable[size].Priority == usable[0].Priority {
			size++
		}
		groups = append(groups, usable[:size:size])
		usable = usable[size:]
	}
	return groups
}

// without returns the nodes of all groups that down does not tell of.
func without(groups [][]*Node, down func(*Node) bool) []*Node {
	var left []*Node
	for _, nodes := range groups {
		for _, n := range nodes {
			if !down(n) {
				left = append(left, n)
			}
		}
	}
	return left
}

// reduce returns the nodes' weights divided by their greatest common divisor.
func reduce(nodes []*Node) []int64 {
	divisor := int64(0)
	weights := make([]int64, len(nodes))
	for i, n := range nodes {
		weights[i] = int64(n.Weight)
		for a := weights[i]; a != 0; {
			divisor, a = a, divisor%a
		}
	}
	for i := range weights {
		weights[i] /= divisor
	}
	return weights
}
