package limitconn

import (
	"hash/maphash"
	"strings"
	"sync"
)

// shards is the number of independently locked parts of a table.
const shards = 64

// table counts the requests that are under way. A key without requests takes no room, so there are never more keys than requests
// that are counted.
type table struct {
	seed  maphash.Seed
	parts [shards]shard
}

// key names a counter.
type key struct {
	scope uint64 // of the configuration, see newLimiter
	text  string
}

type shard struct {
	mu     sync.Mutex
	counts map[key]int64 // guarded by mu; greater than zero
	_      [48]byte      // Why? Keeps two parts' locks out of one cache line.
}

func newTable() *table {
	t := &table{seed: maphash.MakeSeed()}
	for i := range t.parts {
		t.parts[i].counts = make(map[key]int64)
	}
	return t
}

func (t *table) part(k key) *shard {
	return &t.parts[maphash.Comparable(t.seed, k)%shards]
}

// enter counts a request unless there are max already, and returns how many there are with it.
func (t *table) enter(k key, max int64) (n int64, ok bool) {
	s := t.part(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	n = s.counts[k]
	if n >= max {
		return n, false
	}
	if n == 0 {
		// The key must not hold on to the header or the path that it was cut from.
		k.text = strings.Clone(k.text)
	}
	s.counts[k] = n + 1
	return n + 1, true
}

// leave takes back one enter.
func (t *table) leave(k key) {
	s := t.part(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.counts[k]; n > 1 {
		s.counts[k] = n - 1
	} else {
		delete(s.counts, k)
	}
}

// len returns the number of keys with requests under way.
func (t *table) len() int {
	n := 0
	for i := range t.parts {
		s := &t.parts[i]
		s.mu.Lock()
		n += len(s.counts)
		s.mu.Unlock()
	}
	return n
}
