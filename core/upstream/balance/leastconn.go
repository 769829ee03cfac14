package balance

import (
	"sync/atomic"
	"time"
)

// maxScan is how many nodes a pick compares. Of more nodes it looks at another part each time.
const maxScan = 256

// LeastConn gives a request to the node that has the fewest requests for its weight: the least (1 + requests) / weight. Among equals it
// takes turns. A group of nodes of equal priority is used only when all of the groups above it were tried.
type LeastConn struct {
	groups [][]*Node // highest priority first
	only   bool      // there is one node, and its retries go to it
	turn   atomic.Uint32
}

var _ Tracker = (*LeastConn)(nil)

// NewLeastConn returns the balancer over nodes, each of which has a Load.
func NewLeastConn(nodes []*Node) *LeastConn {
	return &LeastConn{groups: byPriority(nodes), only: len(nodes) == 1}
}

// Pick returns the node with the least to do, and counts the request there until Done.
func (l *LeastConn) Pick(t *Try) (*Node, error) {
	for _, nodes := range l.groups {
		if n := l.least(nodes, t); n != nil {
			n.Load.active.Add(1)
			return n, nil
		}
	}
	return nil, ErrNoNode
}

func (l *LeastConn) least(nodes []*Node, t *Try) *Node {
	at := int(l.turn.Add(1) % uint32(len(nodes)))
	var best *Node
	var bestActive, seen int64
	for range nodes {
		n := nodes[at]
		if at++; at == len(nodes) {
			at = 0
		}
		if t.Marked(n) && !l.only {
			continue
		}
		active := n.Load.active.Load() + 1
		// Fractions are compared by multiplying: both weights are above 0.
		if best == nil || active*int64(best.Weight) < bestActive*int64(n.Weight) {
			best, bestActive = n, active
		}
		if seen++; seen == maxScan {
			break
		}
	}
	return best
}

// Without returns a balancer over the other nodes.
func (l *LeastConn) Without(down func(*Node) bool) Picker {
	return &LeastConn{groups: byPriority(without(l.groups, down)), only: l.only}
}

// Done takes the request off the node's count.
func (l *LeastConn) Done(n *Node, _ time.Duration) { n.Load.active.Add(-1) }
