package limitcount

import (
	"hash/maphash"
	"strings"
	"sync"
)

// shards is the number of independently locked parts of a table.
const shards = 64

// glance is how many counters an insertion looks at for one to forget.
const glance = 8

// table keeps a bounded number of counters. A full part forgets an expired counter, or else the one that expires first
// among a few.
type table struct {
	seed  maphash.Seed
	parts [shards]shard
}

// key names a counter.
type key struct {
	scope  uint64 // of the configuration, see limiter
	window int64  // of a sliding window, whose counters depend on its size; 0 for a fixed one
	text   string
}

type shard struct {
	mu    sync.Mutex
	max   int
	index map[key]int32 // guarded by mu; into slots
	slots []slot        // guarded by mu
	hand  int           // guarded by mu; where the next search for a counter to forget begins
	_     [40]byte      // Why? Keeps two parts' locks out of one cache line.
}

type slot struct {
	key     key
	counter counter
}

func newTable(max int) *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.parts {
		t.parts[i].max = (max + shards - 1) / shards
		t.parts[i].index = make(map[key]int32)
	}
	return t
}

// update calls change on the counter of k, an empty one where there is none, under the lock of its part.
func (t *table) update(k key, now int64, change func(*counter)) {
	s := t.part(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s.counter(k, now))
}

func (t *table) part(k key) *shard {
	return &t.parts[maphash.Comparable(t.seed, k)%shards]
}

// len returns the number of counters, expired ones included.
func (t *table) len() int {
	n := 0
	for i := range t.parts {
		s := &t.parts[i]
		s.mu.Lock()
		n += len(s.index)
		s.mu.Unlock()
	}
	return n
}

// counter finds or makes a counter; the caller holds mu. It is valid until mu is released.
func (s *shard) counter(k key, now int64) *counter {
	if at, ok := s.index[k]; ok {
		return &s.slots[at].counter
	}
	// The key must not hold on to the header or the path that it was cut from.
	k.text = strings.Clone(k.text)
	at := s.vacate(now)
	if at < 0 {
		at = len(s.slots)
		s.slots = append(s.slots, slot{})
	}
	s.slots[at] = slot{key: k}
	s.index[k] = int32(at)
	return &s.slots[at].counter
}

// vacate forgets one counter and returns its slot, or -1 where there is room and nothing has expired.
func (s *shard) vacate(now int64) int {
	victim, first := -1, int64(0)
	full := len(s.slots) >= s.max
	for range min(glance, len(s.slots)) {
		s.hand = (s.hand + 1) % len(s.slots)
		expires := s.slots[s.hand].counter.expires
		if expires <= now {
			victim = s.hand
			break
		}
		if full && (victim < 0 || expires < first) {
			victim, first = s.hand, expires
		}
	}
	if victim >= 0 {
		delete(s.index, s.slots[victim].key)
	}
	return victim
}
