package router

import "slices"

// tree is a persistent radix tree: with and without return a tree that shares all untouched nodes with the old one. Nodes whose
// gen is the generation of the change under way belong to that change alone and are written in place, so that a bulk load
// copies nothing twice. A generation is one above the router's it starts from; hence no node reachable from a published
// router ever carries it.
type tree[V any] struct {
	root *node[V]
}

// node is one edge of the tree and what hangs below it. It is as large as a cache line. Only for a moment is a node without a
// value left with fewer than two children.
type node[V any] struct {
	label string // bytes on the edge into the node
	val   *V     // nil: no key ends here
	gen   uint64
	kids  []kid[V] // ordered by first
}

// kid is a child of a node. Having the first byte of the child's label beside it saves a look at those that are not meant.
type kid[V any] struct {
	first byte
	*node[V]
}

// get returns the value of key, or nil.
func (t tree[V]) get(key string) *V {
	n := t.root
	for n != nil {
		if len(key) < len(n.label) || key[:len(n.label)] != n.label {
			return nil
		}
		key = key[len(n.label):]
		if key == "" {
			return n.val
		}
		n = n.child(key[0])
	}
	return nil
}

// with returns the tree in which key has the value v, which is not nil.
func (t tree[V]) with(gen uint64, key string, v *V) tree[V] {
	return tree[V]{root: t.root.put(gen, key, v)}
}

// without returns the tree that does not have key.
func (t tree[V]) without(gen uint64, key string) tree[V] {
	return tree[V]{root: t.root.del(gen, key)}
}

// child returns the child whose label begins with b, or nil.
func (n *node[V]) child(b byte) *node[V] {
	if i, found := n.find(b); found {
		return n.kids[i].node
	}
	return nil
}

// find returns where the child whose label begins with b is, or would be.
func (n *node[V]) find(b byte) (int, bool) {
	low := 0
	for high := len(n.kids); high-low > 16; {
		middle := int(uint(low+high) / 2)
		if n.kids[middle].first <= b {
			low = middle
		} else {
			high = middle
		}
	}
	for ; low < len(n.kids); low++ {
		if c := n.kids[low].first; c >= b {
			return low, c == b
		}
	}
	return low, false
}

func (n *node[V]) put(gen uint64, key string, v *V) *node[V] {
	if n == nil {
		return &node[V]{label: key, val: v, gen: gen}
	}
	c := commonPrefix(n.label, key)
	if c < len(n.label) {
		n = n.split(gen, c)
	} else {
		n = n.own(gen)
	}
	key = key[c:]
	if key == "" {
		n.val = v
		return n
	}
	i, found := n.find(key[0])
	if found {
		n.kids[i].node = n.kids[i].put(gen, key, v)
		return n
	}
	leaf := &node[V]{label: key, val: v, gen: gen}
	n.kids = slices.Insert(n.kids, i, kid[V]{first: key[0], node: leaf})
	return n
}

// split returns a node with the first c bytes of n's label and the rest of n below it.
func (n *node[V]) split(gen uint64, c int) *node[V] {
	lower := n.own(gen)
	upper := &node[V]{label: n.label[:c], gen: gen}
	lower.label = lower.label[c:]
	upper.kids = []kid[V]{{first: lower.label[0], node: lower}}
	return upper
}

func (n *node[V]) del(gen uint64, key string) *node[V] {
	if n == nil || len(key) < len(n.label) || key[:len(n.label)] != n.label {
		return n
	}
	key = key[len(n.label):]
	if key == "" {
		if n.val == nil {
			return n
		}
		n = n.own(gen)
		n.val = nil
		return n.shrink(gen)
	}
	i, found := n.find(key[0])
	if !found {
		return n
	}
	old := n.kids[i].node
	below := old.del(gen, key)
	if below == old {
		return n
	}
	n = n.own(gen)
	if below != nil {
		n.kids[i].node = below
		return n
	}
	n.kids = slices.Delete(n.kids, i, i+1)
	return n.shrink(gen)
}

// shrink removes what a deletion left without use: n is owned.
func (n *node[V]) shrink(gen uint64) *node[V] {
	if n.val != nil || len(n.kids) > 1 {
		return n
	}
	if len(n.kids) == 0 {
		return nil
	}
	only := n.kids[0].own(gen)
	only.label = n.label + only.label
	return only
}

// own returns n if it belongs to the change gen, else a copy that does.
func (n *node[V]) own(gen uint64) *node[V] {
	if n.gen == gen {
		return n
	}
	c := *n
	c.gen = gen
	c.kids = slices.Clone(n.kids)
	return &c
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
