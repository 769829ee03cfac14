package balance

// Try is what one request remembers about the nodes of one upstream while it looks for one that answers. The zero value is
// ready for use. It belongs to the request's goroutine.
type Try struct {
	Hash Hash // of what tells the request from others, for balancers that hash

	tried [2]uint64 // set of Node.Index below 128
	more  []uint64  // and of the others
	count int
}

// Mark keeps n from being picked again.
func (t *Try) Mark(n *Node) {
	word, bit := n.Index/64, uint64(1)<<(n.Index%64)
	set := t.tried[:]
	if word >= len(t.tried) {
		word -= len(t.tried)
		for word >= len(t.more) {
			t.more = append(t.more, 0)
		}
		set = t.more
	}
	if set[word]&bit == 0 {
		set[word] |= bit
		t.count++
	}
}

// Marked tells whether n was marked.
func (t *Try) Marked(n *Node) bool {
	if t.count == 0 {
		return false
	}
	word, bit := n.Index/64, uint64(1)<<(n.Index%64)
	if word < len(t.tried) {
		return t.tried[word]&bit != 0
	}
	word -= len(t.tried)
	return word < len(t.more) && t.more[word]&bit != 0
}

// Count returns how many nodes are marked.
func (t *Try) Count() int { return t.count }

// Reset makes t ready for another request or another upstream. It keeps its memory.
func (t *Try) Reset() {
	clear(t.more)
	*t = Try{more: t.more[:0]}
}
