package lastgood

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/polygate/polygate/core/store"
)

const (
	// writeShare bounds how much of the time is spent with writing: after a write of 100 ms nothing is written for 2 s.
	writeShare = 20
	// failureWaits is how many times as long it waits after a write that did not work.
	failureWaits = 5
)

// keeper keeps the file up to date. note is safe for concurrent use with the other methods.
type keeper struct {
	opts Options
	wake chan struct{} // holds a token while there may be something to write

	// They belong to whoever writes: run, and close after it.
	items []store.Item // in order of key
	rev   int64
	lock  *lock

	mu      sync.Mutex // guards what follows
	pending pending
	made    time.Time // when the file was last written
	err     error     // why the last write did not work
}

// pending is what was not written yet.
type pending struct {
	dirty   bool
	full    []store.Item // replaces everything if replace is set
	replace bool
	changes map[string]store.Change // upon that
	rev     int64
}

func newKeeper(opts Options) *keeper {
	return &keeper{opts: opts, wake: make(chan struct{}, 1), pending: pending{changes: map[string]store.Change{}}}
}

// note takes over a batch. It keeps nothing of the batch but the items' values.
func (k *keeper) note(b store.Batch) {
	var full []store.Item
	if b.Full {
		full = make([]store.Item, len(b.Changes))
		for i, c := range b.Changes {
			full[i] = c.Item
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	p := &k.pending
	p.dirty, p.rev = true, b.Revision
	if b.Full {
		p.full, p.replace, p.changes = full, true, map[string]store.Change{}
	} else {
		for _, c := range b.Changes {
			p.changes[c.Key] = c
		}
	}
	k.signal()
}

func (k *keeper) signal() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) status() (made time.Time, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.made, k.err
}

// run writes what was noted until ctx ends. A write that is under way then is given up.
func (k *keeper) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		}
		began := time.Now()
		ok := k.write(ctx)
		pause := max(k.opts.Every, writeShare*time.Since(began))
		if !ok {
			pause *= failureWaits
			k.signal()
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// close writes what is left. run must have returned.
func (k *keeper) close() {
	k.write(context.Background())
	if k.lock != nil {
		k.lock.release()
		k.lock = nil
	}
}

// write brings the file up to date, if it is not. It returns whether that worked.
func (k *keeper) write(ctx context.Context) bool {
	if !k.take() {
		return true
	}
	err := k.save(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		if k.err != nil {
			// Whoever reads of the trouble, at the default level, should read of its end.
			k.opts.Logger.Warn("the copy of the configuration on disk is kept again", "path", k.opts.Path)
		}
		k.made, k.err = time.Now(), nil
		return true
	}
	k.pending.dirty = true
	if ctx.Err() != nil {
		return false
	}
	remedy := remedyFor(err)
	if k.err == nil {
		k.opts.Logger.Error("the copy of the configuration on disk is not kept up to date", "path", k.opts.Path, "error", err, "remedy", remedy)
	}
	k.err = &copyError{path: k.opts.Path, verb: "is not kept up to date", cause: err, remedy: remedy}
	return false
}

func (k *keeper) save(ctx context.Context) error {
	if k.lock == nil {
		held, err := takeLock(k.opts.Path)
		if err != nil {
			return err
		}
		k.lock = held
	}
	return writeFile(ctx, k.opts.Path, content{
		origin: origin{prefix: k.opts.Prefix, endpoints: k.opts.Endpoints}, made: time.Now(), revision: k.rev, items: k.items,
	})
}

// take brings items up to what was noted. It returns false where the file has that already.
func (k *keeper) take() bool {
	k.mu.Lock()
	p := k.pending
	k.pending = pending{changes: map[string]store.Change{}, rev: p.rev}
	k.mu.Unlock()
	if !p.dirty {
		return false
	}
	if p.replace {
		k.items = p.full
	}
	k.items, k.rev = merge(k.items, p.changes), p.rev
	return true
}

// merge returns items with the changes, in order of key. It leaves items as it is.
func merge(items []store.Item, changes map[string]store.Change) []store.Item {
	if len(changes) == 0 {
		return items
	}
	merged := make([]store.Item, 0, len(items)+len(changes))
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		at, found := slices.BinarySearchFunc(items, key, func(it store.Item, key string) int { return cmp.Compare(it.Key, key) })
		merged = append(merged, items[:at]...)
		if found {
			at++
		}
		items = items[at:]
		if c := changes[key]; !c.Deleted {
			merged = append(merged, c.Item)
		}
	}
	return append(merged, items...)
}
