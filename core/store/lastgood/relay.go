package lastgood

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/polygate/polygate/core/store"
)

const (
	lookEvery = 20 * time.Millisecond // at the status of a store that has not delivered yet
	// settleShare of Grace is how long a store must have failed without a break: of several endpoints the first may be down.
	settleShare = 4
	// loadGraces is how many times Grace a store that answers may take to deliver everything.
	loadGraces = 5
)

// relay is one call of Watch. Its fields belong to deliver.
type relay struct {
	*Store
	apply func(store.Batch)
	feeds bool // it tells the keeper of changes

	batches chan store.Batch // from the inner store
	taken   chan struct{}    // tells the inner store that a batch was applied

	began   time.Time
	failing time.Time    // since when the store fails without a break; zero: it does not
	copied  int          // how many items the copy had that was delivered
	live    bool         // the inner store has delivered
	held    *store.Batch // an empty first batch that is not believed yet
}

// hand gives a batch of the inner store to deliver and waits until it was applied.
func (r *relay) hand(ctx context.Context, b store.Batch) {
	select {
	case r.batches <- b:
		<-r.taken
	case <-ctx.Done():
	}
}

// deliver applies the copy, if it is needed, and every batch, until the inner store's Watch has ended; it returns its error.
func (r *relay) deliver(ctx context.Context, ended <-chan error) error {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	confirm := time.NewTimer(0)
	defer confirm.Stop()
	for {
		select {
		case err := <-ended:
			return err
		case b := <-r.batches:
			look.Stop()
			r.receive(b, confirm)
			r.taken <- struct{}{}
		case <-confirm.C:
			if r.held != nil && ctx.Err() == nil {
				r.pass(*r.held)
				r.held = nil
			}
		case <-look.C:
			if ctx.Err() == nil && !r.live && r.due(time.Now()) {
				look.Stop()
				r.useCopy()
			}
		}
	}
}

// due tells whether the inner store has been away for so long that the copy is needed.
func (r *relay) due(now time.Time) bool {
	st := r.inner.Status()
	waited := now.Sub(r.began)
	switch {
	case st.Reachable:
		r.failing = time.Time{}
		return waited >= loadGraces*r.opts.Grace
	case st.Err == nil || errors.Is(st.Err, store.ErrNotAsked):
		return waited >= r.opts.Grace
	case r.failing.IsZero():
		r.failing = now
	}
	return waited >= r.opts.Grace || now.Sub(r.failing) >= r.opts.Grace/settleShare
}

// useCopy delivers what is on disk, unless the inner store delivered while it was read.
func (r *relay) useCopy() {
	c, ok := r.read()
	if !ok {
		return
	}
	select {
	case b := <-r.batches:
		r.pass(b)
		r.taken <- struct{}{}
		return
	default:
	}
	r.opts.Logger.Warn("the configuration store is not reachable; the copy on disk is in service",
		"path", r.opts.Path, "made", c.made.UTC().Format(time.RFC3339), "revision", c.revision, "items", len(c.items), "error", r.inner.Status().Err)
	b := store.Batch{Revision: c.revision, Full: true, Changes: make([]store.Change, 0, len(c.items))}
	for _, it := range c.items {
		b.Changes = append(b.Changes, store.Change{Item: it})
	}
	r.copied = len(c.items)
	r.serves(true, c.made)
	r.apply(b)
}

// receive takes a batch of the inner store. A first batch that is empty is held back for Grace where the copy is not empty: a
// cluster that was just created or is being restored is empty for a while, and to obey it would remove every route.
func (r *relay) receive(b store.Batch, confirm *time.Timer) {
	switch {
	case r.held != nil:
		b = after(b)
		r.held = nil
		r.pass(b)
	case !r.live && r.copied > 0 && b.Full && len(b.Changes) == 0:
		r.opts.Logger.Warn("the configuration store is empty; the copy on disk stays in service until that is confirmed", "after", r.opts.Grace)
		r.held = &b
		confirm.Reset(r.opts.Grace)
	default:
		r.pass(b)
	}
}

// after makes a batch that follows upon an empty full one a full one.
func after(b store.Batch) store.Batch {
	if b.Full {
		return b
	}
	b.Full = true
	b.Changes = slices.DeleteFunc(b.Changes, func(c store.Change) bool { return c.Deleted })
	slices.SortFunc(b.Changes, func(x, y store.Change) int { return cmp.Compare(x.Key, y.Key) })
	return b
}

// recall delivers the last good versions of the items of a first batch that were not fit for service, and these items after them.
func (r *relay) recall(first store.Batch) {
	unfit := slices.DeleteFunc(slices.Clone(first.Changes), func(c store.Change) bool { return c.Deleted || r.served == nil || r.inService(c.Key) })
	if len(unfit) == 0 {
		return
	}
	c, err := readFile(r.opts.Path)
	if err != nil || r.opts.foreign(c.origin) != nil {
		return
	}
	var old, again []store.Change
	for _, u := range unfit {
		at, found := slices.BinarySearchFunc(c.items, u.Key, func(it store.Item, key string) int { return cmp.Compare(it.Key, key) })
		if found && c.items[at].ModRev != u.ModRev {
			old, again = append(old, store.Change{Item: c.items[at]}), append(again, u)
		}
	}
	if len(old) == 0 {
		return
	}
	r.opts.Logger.Warn("items of the store are not fit for service: their last good versions come from the copy on disk",
		"path", r.opts.Path, "items", len(old))
	r.apply(store.Batch{Revision: first.Revision, Changes: old})
	r.apply(store.Batch{Revision: first.Revision, Changes: again})
}

func (r *relay) inService(key string) bool {
	_, ok := r.served(key)
	return ok
}

// good returns a batch with the versions that are in service in place of those that are not fit for it.
func (r *relay) good(b store.Batch) store.Batch {
	if r.served == nil {
		return b
	}
	for i, c := range b.Changes {
		if it, ok := r.served(c.Key); ok && !c.Deleted {
			b.Changes[i].Item = it
		}
	}
	return b
}

func (r *relay) pass(b store.Batch) {
	// Whoever applies the batch may reorder it.
	arrived := store.Batch{Revision: b.Revision, Full: b.Full, Changes: slices.Clone(b.Changes)}
	r.apply(b)
	if !r.live && r.copied == 0 {
		r.recall(arrived)
	}
	if r.feeds {
		r.keeper.note(r.good(arrived))
	}
	if !r.live && r.copied > 0 {
		r.opts.Logger.Warn("the configuration of the store has replaced the copy on disk", "revision", b.Revision)
	}
	r.live = true
	r.serves(false, time.Time{})
}
