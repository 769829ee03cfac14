// Package persistent has a map that is cheap to copy with changes: a version never changes, and the next one shares with it what the
// changes leave alone. Readers of a version need no lock.
package persistent

import (
	"hash/maphash"
	"maps"
)

// shardCount bounds what a change copies: one list of shards, and the shards of the changed keys.
const shardCount = 512

// Map is one version of a map from strings. The zero value is empty. It is safe for concurrent use.
type Map[V any] struct {
	shards *[shardCount]map[string]V // nil: empty
	seed   maphash.Seed              // valid with shards
	size   int
}

// Len returns how many keys there are.
func (m Map[V]) Len() int { return m.size }

// Get returns the value of a key. It does not allocate.
func (m Map[V]) Get(key string) (V, bool) {
	if m.shards == nil {
		var none V
		return none, false
	}
	v, ok := m.shards[m.shard(key)][key]
	return v, ok
}

func (m Map[V]) shard(key string) uint64 { return maphash.String(m.seed, key) % shardCount }

// Edit begins the next version. Neither the version nor the edit may be used by several goroutines while it goes on.
func (m Map[V]) Edit() *Edit[V] { return &Edit[V]{from: m} }

// Edit collects changes to a version. What it read and wrote last is what it returns.
type Edit[V any] struct {
	from  Map[V]
	to    Map[V]
	owned [shardCount]bool // copied already
}

// Get returns the value of a key as the edit has it.
func (e *Edit[V]) Get(key string) (V, bool) { return e.present().Get(key) }

// Set gives a key a value.
func (e *Edit[V]) Set(key string, value V) {
	shard := e.own(key)
	if _, ok := shard[key]; !ok {
		e.to.size++
	}
	shard[key] = value
}

// Delete removes a key, if it is there.
func (e *Edit[V]) Delete(key string) {
	if _, ok := e.Get(key); !ok {
		return
	}
	delete(e.own(key), key)
	e.to.size--
}

// Map returns the version that the changes made, the one that they began with if there are none. The edit is at its end.
func (e *Edit[V]) Map() Map[V] { return e.present() }

func (e *Edit[V]) present() Map[V] {
	if e.to.shards == nil {
		return e.from
	}
	return e.to
}

// own returns the shard of a key, which belongs to the edit alone.
func (e *Edit[V]) own(key string) map[string]V {
	if e.to.shards == nil {
		e.to = Map[V]{shards: new([shardCount]map[string]V), seed: e.from.seed, size: e.from.size}
		if e.from.shards != nil {
			*e.to.shards = *e.from.shards
		} else {
			e.to.seed = maphash.MakeSeed()
		}
	}
	i := e.to.shard(key)
	if !e.owned[i] {
		e.owned[i] = true
		if e.to.shards[i] = maps.Clone(e.to.shards[i]); e.to.shards[i] == nil {
			e.to.shards[i] = map[string]V{}
		}
	}
	return e.to.shards[i]
}
