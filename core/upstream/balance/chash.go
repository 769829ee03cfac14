package balance

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sort"
	"strings"
)

// pointsPerWeight is how many points of the ring a node gets for each unit of its reduced weight, as in lua-resty-chash.
const pointsPerWeight = 160

// maxPoints bounds the points of one ring. Weights that have no common divisor could ask for gigabytes.
const maxPoints = 1 << 20

// Hash is the running CRC-32 (IEEE) of what a request is hashed by. The zero value is that of nothing.
type Hash uint32

// Add returns the hash of what was added before, followed by s.
func (h Hash) Add(s string) Hash {
	crc := ^uint32(h)
	for i := 0; i < len(s); i++ {
		crc = crc32.IEEETable[byte(crc)^s[i]] ^ crc>>8
	}
	return Hash(^crc)
}

// HashRing gives requests of equal Try.Hash to the same node, as long as that node is there, and the requests of a missing node evenly
// to the others (consistent hashing). Points and hashes are those of lua-resty-chash, so that a gateway and APISIX beside each
// other choose the same nodes. A request that tries again goes on to the next node of the ring.
type HashRing struct {
	rings []ring // highest priority first
	down  func(*Node) bool
}

type ring struct {
	nodes  []*Node
	points []point // by hash
}

type point struct {
	hash uint32
	node uint32 // index in nodes
}

// NewHashRing returns the balancer over nodes.
func NewHashRing(nodes []*Node) *HashRing {
	groups := byPriority(nodes)
	r := &HashRing{rings: make([]ring, len(groups))}
	for i, nodes := range groups {
		r.rings[i] = ring{nodes: nodes, points: points(nodes)}
	}
	return r
}

// Pick returns the node that the try's hash belongs to, or the next one that was not tried.
func (r *HashRing) Pick(t *Try) (*Node, error) {
	for i := range r.rings {
		if n := r.rings[i].pick(t, r.down); n != nil {
			return n, nil
		}
	}
	return nil, ErrNoNode
}

// Without leaves the ring as it is and passes over nodes, so that the requests of all others stay where they were.
func (r *HashRing) Without(down func(*Node) bool) Picker {
	out := &HashRing{rings: r.rings, down: down}
	if before := r.down; before != nil {
		out.down = func(n *Node) bool { return before(n) || down(n) }
	}
	return out
}

func (r *ring) pick(t *Try, down func(*Node) bool) *Node {
	usable := func(n *Node) bool { return !t.Marked(n) && (down == nil || !down(n)) }
	if (t.Count() > 0 || down != nil) && !slices.ContainsFunc(r.nodes, usable) {
		return nil
	}
	at := sort.Search(len(r.points), func(i int) bool { return r.points[i].hash >= uint32(t.Hash) })
	for range r.points {
		if at == len(r.points) {
			at = 0
		}
		if n := r.nodes[r.points[at].node]; usable(n) {
			return n
		}
		at++
	}
	return nil
}

// points places the nodes on the ring.
func points(nodes []*Node) []point {
	weights := shares(nodes)
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	all := make([]point, 0, total*pointsPerWeight)
	for i, n := range nodes {
		base := crc32.ChecksumIEEE([]byte(strings.ReplaceAll(n.Addr, ":", "\x00")))
		var before [4]byte
		for range weights[i] * pointsPerWeight {
			hash := crc32.Update(base, crc32.IEEETable, before[:])
			binary.LittleEndian.PutUint32(before[:], hash)
			all = append(all, point{hash: hash, node: uint32(i)})
		}
	}
	slices.SortStableFunc(all, func(a, b point) int { return cmp.Compare(a.hash, b.hash) })
	return all
}

// shares are the reduced weights, made smaller where they would need too many points. Every node keeps at least one share.
func shares(nodes []*Node) []int64 {
	weights := reduce(nodes)
	total := int64(0)
	for _, w := range weights {
		total += w
	}
	if total <= maxPoints/pointsPerWeight {
		return weights
	}
	scale := float64(maxPoints/pointsPerWeight) / float64(total)
	for i, w := range weights {
		weights[i] = max(1, int64(float64(w)*scale))
	}
	return weights
}
