package prometheus

import (
	"maps"
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/internal/metrics"
)

// maxCached bounds the kinds of requests that one configuration remembers. When there are more it starts anew, so that kinds
// that no longer come make room.
const maxCached = 4096

// cache maps labels to the series they change. A hit neither locks nor allocates: it reads a map that never changes.
//
// New entries gather in a second map, which replaces the first one after a number of misses that grows with its size. So
// filling the cache copies each entry a few times only.
type cache struct {
	registry *metrics.Registry
	open     func(*labels) *handles
	table    atomic.Pointer[table]

	mu     sync.Mutex
	epoch  uint64              // guarded by mu; of the registry when fresh was begun
	fresh  map[labels]*handles // guarded by mu
	misses int                 // guarded by mu; since the last replacement
}

// table is the published part of a cache. It never changes.
type table struct {
	epoch   uint64
	entries map[labels]*handles
}

func newCache(r *metrics.Registry, open func(*labels) *handles) *cache {
	c := &cache{registry: r, open: open, epoch: r.Epoch(), fresh: map[labels]*handles{}}
	c.table.Store(&table{epoch: c.epoch})
	return c
}

func (c *cache) get(l *labels) *handles {
	t := c.table.Load()
	if t.epoch == c.registry.Epoch() {
		if h := t.entries[*l]; h != nil {
			return h
		}
	}
	return c.miss(l)
}

func (c *cache) miss(l *labels) *handles {
	c.mu.Lock()
	defer c.mu.Unlock()
	// Read before the series are opened: a sweep in between makes this epoch, and with it the entry, outdated.
	if epoch := c.registry.Epoch(); epoch != c.epoch {
		c.epoch = epoch
		c.fresh = map[labels]*handles{}
		c.misses = 0
		c.table.Store(&table{epoch: epoch})
	}
	h := c.fresh[*l]
	if h == nil {
		if len(c.fresh) >= maxCached {
			clear(c.fresh)
		}
		// A copy escapes to the heap in place of l, so that the labels of a hit stay on the stack.
		kind := *l
		h = c.open(&kind)
		c.fresh[*l] = h
	}
	c.misses++
	if c.misses > len(c.fresh)/4 {
		c.misses = 0
		c.table.Store(&table{epoch: c.epoch, entries: maps.Clone(c.fresh)})
	}
	return h
}
