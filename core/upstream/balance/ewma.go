package balance

import (
	"math/rand/v2"
	"time"
)

// EWMA gives a request to the quicker of two nodes chosen at random, by the average of their response times in which older ones
// count less and less (peak EWMA without the peak, as in APISIX). Weights do not matter, except that nodes of weight 0 get nothing.
// A group of nodes of equal priority is used only when all of the groups above it were tried.
type EWMA struct {
	groups [][]*Node // highest priority first
}

var _ Tracker = (*EWMA)(nil)

// NewEWMA returns the balancer over nodes, each of which has a Load.
func NewEWMA(nodes []*Node) *EWMA { return &EWMA{groups: byPriority(nodes)} }

// Pick returns the quicker of two nodes.
func (e *EWMA) Pick(t *Try) (*Node, error) {
	for _, nodes := range e.groups {
		if n := quicker(nodes, t); n != nil {
			return n, nil
		}
	}
	return nil, ErrNoNode
}

func quicker(nodes []*Node, t *Try) *Node {
	a := untried(nodes, t, rand.IntN(len(nodes)))
	if a < 0 || len(nodes) == 1 {
		return at(nodes, a)
	}
	// The second choice is among the others, and may come out as the first one again where these were tried.
	b := untried(nodes, t, (a+1+rand.IntN(len(nodes)-1))%len(nodes))
	if a == b {
		return nodes[a]
	}
	now := time.Now().UnixNano()
	if nodes[b].Load.latencyAt(now) < nodes[a].Load.latencyAt(now) {
		return nodes[b]
	}
	return nodes[a]
}

func at(nodes []*Node, i int) *Node {
	if i < 0 {
		return nil
	}
	return nodes[i]
}

// untried returns the index of the first node from start on that was not tried, or -1.
func untried(nodes []*Node, t *Try, start int) int {
	for i := range nodes {
		if i += start; i >= len(nodes) {
			i -= len(nodes)
		}
		if !t.Marked(nodes[i]) {
			return i
		}
	}
	return -1
}

// Without returns a balancer over the other nodes.
func (e *EWMA) Without(down func(*Node) bool) Picker {
	return NewEWMA(without(e.groups, down))
}

// Done learns how long the node took.
func (e *EWMA) Done(n *Node, took time.Duration) {
	if took >= 0 {
		n.Load.observe(took, time.Now().UnixNano())
	}
}
