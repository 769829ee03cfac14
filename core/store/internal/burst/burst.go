// Package burst turns a stream of changes into batches: a burst becomes one batch in which the last state of a key wins.
//
// Every store feeds its watchers through a [Queue]. Its memory is bounded by the number of keys, however slowly the
// batches are taken.
package burst

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/polygate/polygate/core/store"
)

// How long changes are collected after a batch was delivered: ten times as long as it took to apply it, within these bounds. So a
// single change is in service at once, and a burst of them takes a tenth of a CPU at most.
const (
	minWindow = 5 * time.Millisecond
	maxWindow = 50 * time.Millisecond
	share     = 10
)

// Queue holds the changes that were not delivered yet. Use New to make one. Replace and Add are safe for concurrent use.
type Queue struct {
	wake chan struct{} // holds a token while there may be something to deliver

	mu      sync.Mutex // guards what follows
	changes map[string]store.Change
	rev     int64
	full    bool // changes is all there is
}

// New returns an empty queue.
func New() *Queue {
	return &Queue{wake: make(chan struct{}, 1), changes: map[string]store.Change{}}
}

// Replace makes the next batch a full one that consists of items. It forgets the changes that were not delivered.
func (q *Queue) Replace(rev int64, items []store.Item) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.changes = make(map[string]store.Change, len(items))
	for _, it := range items {
		q.changes[it.Key] = store.Change{Item: it}
	}
	q.rev, q.full = rev, true
	q.signal()
}

// Add appends changes that bring the store to revision rev.
func (q *Queue) Add(rev int64, changes ...store.Change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rev = rev
	for _, c := range changes {
		if c.Deleted && q.full {
			delete(q.changes, c.Key)
			continue
		}
		q.changes[c.Key] = c
	}
	if len(changes) > 0 {
		q.signal()
	}
}

// signal wakes Deliver. The caller holds mu.
func (q *Queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// Deliver calls apply with each batch until ctx ends and returns ctx's error. The first change after a quiet time is
// delivered at once; those that follow shortly after are delivered together.
func (q *Queue) Deliver(ctx context.Context, apply func(store.Batch)) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-q.wake:
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		began := time.Now()
		if b := q.take(); b.Full || len(b.Changes) > 0 {
			apply(b)
		}
		pause.Reset(min(max(minWindow, share*time.Since(began)), maxWindow))
	}
}

// take removes what there is and returns it as a batch.
func (q *Queue) take() store.Batch {
	q.mu.Lock()
	changes := q.changes
	b := store.Batch{Revision: q.rev, Full: q.full}
	q.changes, q.full = map[string]store.Change{}, false
	q.mu.Unlock()

	b.Changes = make([]store.Change, 0, len(changes))
	for _, c := range changes {
		b.Changes = append(b.Changes, c)
	}
	slices.SortFunc(b.Changes, func(x, y store.Change) int {
		if b.Full {
			return cmp.Compare(x.Key, y.Key)
		}
		return cmp.Or(cmp.Compare(x.ModRev, y.ModRev), cmp.Compare(x.Key, y.Key))
	})
	return b
}
