package balance

import (
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// maxWork bounds the steps that computing a sequence beforehand may take: about a millisecond.
const maxWork = 1 << 18

// maxSkips is how many slots of a sequence a retry looks at before it takes just any node that was not tried.
const maxSkips = 64

// RoundRobin gives each node its share of requests in turn, by nginx's smooth weighted algorithm: nodes of greater weight come up more
// often and not in a row. Nodes of weight 0 never come up. A group of nodes of equal priority is used only when all of the groups
// above it were tried.
type RoundRobin struct {
	groups []group // highest priority first
}

// group is the nodes of one priority.
type group struct {
	nodes []*Node // of a weight above 0
	seq   []uint16
	next  atomic.Uint64
	exact *smooth
}

// NewRoundRobin returns the picker over nodes. It starts at a random place, so that many gateways, or many changes of
// the configuration, do not all begin with the same node.
func NewRoundRobin(nodes []*Node) *RoundRobin {
	groups := byPriority(nodes)
	rr := &RoundRobin{groups: make([]group, len(groups))}
	for i, nodes := range groups {
		rr.groups[i].init(nodes)
	}
	return rr
}

// Pick returns the next node in turn.
func (rr *RoundRobin) Pick(t *Try) (*Node, error) {
	for i := range rr.groups {
		if n := rr.groups[i].pick(t); n != nil {
			return n, nil
		}
	}
	return nil, ErrNoNode
}

// Without returns a balancer over the other nodes, so that each of them gets its share of what the missing ones would have got.
func (rr *RoundRobin) Without(down func(*Node) bool) Picker {
	var left []*Node
	for i := range rr.groups {
		for _, n := range rr.groups[i].nodes {
			if !down(n) {
				left = append(left, n)
			}
		}
	}
	return NewRoundRobin(left)
}

// init chooses how turns are found: by rotation if all weights are equal, else from a sequence computed beforehand, or by running the
// algorithm if that sequence would be long.
func (g *group) init(nodes []*Node) {
	g.nodes = nodes
	g.next.Store(uint64(rand.Uint32()))
	weights := reduce(nodes)
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	switch {
	case total == int64(len(nodes)):
	case total <= math.MaxUint16 && total*int64(len(nodes)) <= maxWork:
		g.seq = sequence(weights, int(total))
	default:
		g.exact = &smooth{weights: weights, current: make([]int64, len(weights))}
	}
}

func (g *group) pick(t *Try) *Node {
	if g.exact != nil {
		return g.exact.pick(g.nodes, t)
	}
	size := uint64(len(g.nodes))
	if g.seq != nil {
		size = uint64(len(g.seq))
	}
	at := g.next.Add(1) % size
	if n := g.at(at); !t.Marked(n) {
		return n
	}
	for range min(size, maxSkips) {
		if at++; at == size {
			at = 0
		}
		if n := g.at(at); !t.Marked(n) {
			return n
		}
	}
	for _, n := range g.nodes {
		if !t.Marked(n) {
			return n
		}
	}
	return nil
}

func (g *group) at(i uint64) *Node {
	if g.seq != nil {
		return g.nodes[g.seq[i]]
	}
	return g.nodes[i]
}

// sequence returns the turns of one round, after which they repeat.
func sequence(weights []int64, total int) []uint16 {
	s := smooth{weights: weights, current: make([]int64, len(weights))}
	seq := make([]uint16, total)
	for i := range seq {
		seq[i] = uint16(s.step(nil, nil))
	}
	return seq
}

// smooth is nginx's smooth weighted round robin: each turn every node gains its weight, and the richest one serves and pays
// what all have gained.
type smooth struct {
	mu      sync.Mutex
	weights []int64
	current []int64 // guarded by mu
}

func (s *smooth) pick(nodes []*Node, t *Try) *Node {
	s.mu.Lock()
	best := s.step(nodes, t)
	s.mu.Unlock()
	if best < 0 {
		return nil
	}
	return nodes[best]
}

// step returns the index of the node whose turn it is, or -1. Nodes that t has marked do not take part. The caller holds mu or
// owns s.
func (s *smooth) step(nodes []*Node, t *Try) int {
	best, total := -1, int64(0)
	for i, w := range s.weights {
		if t != nil && t.Marked(nodes[i]) {
			continue
		}
		total += w
		s.current[i] += w
		if best < 0 || s.current[i] > s.current[best] {
			best = i
		}
	}
	if best >= 0 {
		s.current[best] -= total
	}
	return best
}
