// Package store is where configuration is kept: keys and values in etcd's layout, with revisions.
//
// A gateway reads through [Store] and the Admin API writes through [Writer]. The implementations are in the folders below
// and all pass the suite in storetest.
package store

import (
	"context"
	"errors"
	"time"
)

// Errors that callers branch on. They come wrapped.
var (
	ErrNotFound = errors.New("key not found")
	ErrConflict = errors.New("value changed before overwritten")
	ErrReadOnly = errors.New("the store is read-only")
	// ErrNotAsked is what Status has before the first exchange with a store that is reached over a network.
	ErrNotAsked = errors.New("the store was not asked yet")
)

// Item is one key and its value.
type Item struct {
	Key       string // below the store's prefix and without a leading slash, for example "routes/1"
	Value     []byte // as it was written, byte for byte; not to be changed
	CreateRev int64  // revision at which the key was created
	ModRev    int64  // revision of its last change
}

// Change is an item that was written or removed. Of a removed one only Key and ModRev are set.
type Change struct {
	Item
	Deleted bool
}

// Batch is a set of changes that belong together.
type Batch struct {
	Revision int64    // of the store after the changes
	Full     bool     // Changes is all there is; whatever it does not list is gone
	Changes  []Change // at most one for each key, in order of key when Full
}

// Store is the reading side. It is safe for concurrent use.
type Store interface {
	// Watch calls apply with everything there is and then with every change, in order and never twice at once, until
	// ctx ends; it returns ctx's error. It outlives losses of the connection, compaction and a store that was replaced: then
	// it goes on from where it was, or with a full batch. Bursts of changes arrive as one batch in which the last state of a
	// key wins.
	Watch(ctx context.Context, apply func(Batch)) error
	// Status tells how the store is.
	Status() Status
	// Close releases what the store holds. Watch must have returned.
	Close() error
}

// Observer is a Store that wants to know what of it is in service.
type Observer interface {
	// ServedBy names a function that returns the item from which the resource of that key in service was made, and whether there
	// is one. It is called after batches were applied, and must be named before Watch.
	ServedBy(item func(key string) (Item, bool))
}

// Status is the state of a store.
type Status struct {
	Reachable bool      // the last exchange with the store worked
	Revision  int64     // last one seen
	Err       error     // why it is not reachable, or what is wrong with a part of what was read
	Since     time.Time // when Reachable last changed

	// LastChange is the revision of the last change that a Watch received, and LastEvent is when that was. What is in service
	// lags behind as long as its revision is lower. They are 0 where a store does not tell.
	LastChange int64
	LastEvent  time.Time

	FromCopy bool      // what a Watch delivered last is a copy that was kept on disk
	CopyTime time.Time // when that copy, or the last one that was written, was made; zero: there is none
	CopyErr  error     // why there is no copy on disk, or why it is not up to date
}

// Writer is the writing side. It is safe for concurrent use. All methods return an error within a few seconds when the store is
// not reachable.
type Writer interface {
	// Get returns one item, or ErrNotFound.
	Get(ctx context.Context, key string) (Item, error)
	// List returns the items whose key begins with prefix, in order of key, and the store's revision.
	List(ctx context.Context, prefix string) ([]Item, int64, error)
	// Put writes a value and returns the item as it is now.
	Put(ctx context.Context, key string, value []byte, cond Cond) (Item, error)
	// Delete removes the keys, up to 100 of them in one step. It returns how many there were.
	Delete(ctx context.Context, keys ...string) (int64, error)
	// NextID returns a number that no other call returns: the revision of a write to the key "gen_id", which is neither listed
	// nor watched.
	NextID(ctx context.Context) (int64, error)
}

// Cond is what a Put depends on and how long it lasts. The zero value writes always and for ever.
type Cond struct {
	IfModRev int64         // write only over this revision, else ErrConflict; 0: no condition
	IfAbsent bool          // write only a new key, else ErrConflict
	TTL      time.Duration // remove the key after that time; 0: never
}
