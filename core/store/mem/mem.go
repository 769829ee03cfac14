// Package mem keeps configuration in memory: for tests, and for a gateway that is configured by its own program.
package mem

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/internal/burst"
)

var errEmptyKey = errors.New("empty key")

// Store is a store.Store and a store.Writer. Use New to make one. It is safe for concurrent use.
type Store struct {
	since time.Time

	mu       sync.Mutex // guards what follows
	rev      int64
	pending  bool // nothing was ever written, and watchers wait for that
	items    map[string]entry
	watchers map[*burst.Queue]struct{}
}

// entry is an item and the timer that removes it, or nil.
type entry struct {
	store.Item
	expiry *time.Timer
}

// New returns an empty store.
func New() *Store {
	return &Store{
		since:    time.Now(),
		rev:      1,
		items:    map[string]entry{},
		watchers: map[*burst.Queue]struct{}{},
	}
}

// NewPending returns a store that has no configuration yet, which is not the same as an empty one: its Watch brings nothing before
// something is written.
func NewPending() *Store {
	s := New()
	s.pending = true
	return s
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, apply func(store.Batch)) error {
	queue := burst.New()
	s.mu.Lock()
	if !s.pending {
		queue.Replace(s.rev, s.list(""))
	}
	s.watchers[queue] = struct{}{}
	s.mu.Unlock()

	defer func() {
		s.mu.Lock()
		delete(s.watchers, queue)
		s.mu.Unlock()
	}()
	return queue.Deliver(ctx, apply)
}

// Status implements store.Store. The store is always reachable.
func (s *Store) Status() store.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return store.Status{Reachable: true, Revision: s.rev, Since: s.since}
}

// Close implements store.Store. It stops the clocks of items that would expire.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.items {
		e.stop()
	}
	return nil
}

// Get implements store.Writer.
func (s *Store) Get(ctx context.Context, key string) (store.Item, error) {
	if err := ctx.Err(); err != nil {
		return store.Item{}, fmt.Errorf("get %s: %w", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.items[key]
	if !ok {
		return store.Item{}, fmt.Errorf("get %s: %w", key, store.ErrNotFound)
	}
	return e.Item, nil
}

// List implements store.Writer.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Item, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, fmt.Errorf("list %s: %w", prefix, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list(prefix), s.rev, nil
}

// list returns the items below prefix in order of key. The caller holds mu.
func (s *Store) list(prefix string) []store.Item {
	items := make([]store.Item, 0, len(s.items))
	for e := range maps.Values(s.items) {
		if strings.HasPrefix(e.Key, prefix) {
			items = append(items, e.Item)
		}
	}
	slices.SortFunc(items, func(a, b store.Item) int { return cmp.Compare(a.Key, b.Key) })
	return items
}

// Put implements store.Writer.
func (s *Store) Put(ctx context.Context, key string, value []byte, cond store.Cond) (store.Item, error) {
	if err := cmp.Or(ctx.Err(), checkKey(key)); err != nil {
		return store.Item{}, fmt.Errorf("put %s: %w", key, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, exists := s.items[key]
	if (cond.IfAbsent && exists) || (cond.IfModRev != 0 && old.ModRev != cond.IfModRev) {
		return store.Item{}, fmt.Errorf("put %s: %w", key, store.ErrConflict)
	}
	old.stop()
	s.rev++
	e := entry{Item: store.Item{Key: key, Value: bytes.Clone(value), CreateRev: s.rev, ModRev: s.rev}}
	if exists {
		e.CreateRev = old.CreateRev
	}
	if cond.TTL > 0 {
		rev := e.ModRev
		e.expiry = time.AfterFunc(cond.TTL, func() { s.expire(key, rev) })
	}
	s.items[key] = e
	s.tell(store.Change{Item: e.Item})
	return e.Item, nil
}

// expire removes the key if it was not written since rev.
func (s *Store) expire(key string, rev int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.items[key].ModRev == rev {
		s.rev++
		s.remove(key)
	}
}

// Delete implements store.Writer.
func (s *Store) Delete(ctx context.Context, keys ...string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("delete: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, key := range keys {
		if _, ok := s.items[key]; !ok {
			continue
		}
		if n == 0 {
			s.rev++
		}
		s.remove(key)
		n++
	}
	return n, nil
}

// remove takes the key out at the current revision. The caller holds mu.
func (s *Store) remove(key string) {
	e := s.items[key]
	e.stop()
	delete(s.items, key)
	s.tell(store.Change{Item: store.Item{Key: key, ModRev: s.rev}, Deleted: true})
}

// NextID implements store.Writer.
func (s *Store) NextID(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("next id: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rev++
	return s.rev, nil
}

// Replace makes items all there is, in one step: every watcher gets one full batch. The keys must differ. Revisions of items are
// not looked at; an item whose value is what it was keeps those that it had, and a time limit that it had is gone. The store keeps
// the values, which are not to be changed. It returns the store's revision.
func (s *Store) Replace(items []store.Item) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rev++
	next := make(map[string]entry, len(items))
	for _, it := range items {
		it.CreateRev, it.ModRev = s.rev, s.rev
		if old, ok := s.items[it.Key]; ok {
			it.CreateRev = old.CreateRev
			if bytes.Equal(old.Value, it.Value) {
				it = old.Item
			}
		}
		next[it.Key] = entry{Item: it}
	}
	for _, old := range s.items {
		old.stop()
	}
	s.items, s.pending = next, false
	all := s.list("")
	for q := range s.watchers {
		q.Replace(s.rev, all)
	}
	return s.rev
}

// tell hands a change to all watchers. The caller holds mu.
func (s *Store) tell(c store.Change) {
	if s.pending {
		s.pending = false
		for q := range s.watchers {
			q.Replace(s.rev, s.list(""))
		}
		return
	}
	for q := range s.watchers {
		q.Add(s.rev, c)
	}
}

func (e entry) stop() {
	if e.expiry != nil {
		e.expiry.Stop()
	}
}

func checkKey(key string) error {
	if key == "" {
		return errEmptyKey
	}
	return nil
}
