package secret

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

var errAborted = errors.New("the read did not end")

// urgency says what is too old to be used.
type urgency int

const (
	usual   urgency = iota // what has expired
	refresh                // what expires soon
	probe                  // what failed, even if the manager is known not to answer
)

// documentID is where a document is.
type documentID struct {
	manager *manager
	path    string
}

// document is what a manager has at one path, shared by all entries with fields of it. Its fields but id are guarded by
// Resolver.mu.
type document struct {
	id      documentID
	content *content // the last that was read; nil: none
	err     error    // of the last read
	expires time.Time
	refresh time.Time     // when Run reads it again; not after expires
	busy    chan struct{} // closed when the read that is under way ends; nil: there is none
	version int           // counts reads
	users   int           // entries and calls of find that have it
}

// use is a document and which version of it was looked at.
type use struct {
	doc     *document
	version int
}

// fresh tells whether a document need not be read.
func (d *document) fresh(now time.Time, how urgency) bool {
	switch how {
	case refresh:
		return now.Before(d.refresh)
	case probe:
		return d.err == nil && now.Before(d.refresh)
	}
	return now.Before(d.expires)
}

// acquire returns the document at a path, for the caller to release.
func (r *Resolver) acquire(m *manager, path string) *document {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := documentID{manager: m, path: path}
	d := r.documents[id]
	if d == nil {
		d = &document{id: id}
		r.documents[id] = d
	}
	d.users++
	return d
}

// release gives documents back; what nobody has is dropped. The caller holds mu.
func (r *Resolver) release(docs []use) {
	for _, u := range docs {
		u.doc.users--
		if u.doc.users == 0 {
			delete(r.documents, u.doc.id)
		}
	}
}

// read returns what is at a path, and reads it from the manager if it must: once for all callers at a time. Content that comes
// with an error is old. The caller releases the document.
func (r *Resolver) read(ctx context.Context, m *manager, path string, how urgency) (use, *content, error) {
	d := r.acquire(m, path)
	for {
		known := r.look(d, how)
		switch {
		case known.read:
			known = r.fetch(ctx, d)
			return use{d, known.version}, known.content, known.err
		case known.wait == nil:
			return use{d, known.version}, known.content, known.err
		}
		select {
		case <-known.wait:
			how = usual // what has just been read is good enough
		case <-ctx.Done():
			return use{doc: d}, nil, ctx.Err()
		}
	}
}

// known is what there is of a document.
type known struct {
	content *content
	err     error
	version int
	wait    chan struct{} // not nil: somebody reads it
	read    bool          // the caller is the one to read it
}

// look returns what there is of a document, or makes it busy with the read that the caller is to do.
func (r *Resolver) look(d *document, how urgency) known {
	r.mu.Lock()
	defer r.mu.Unlock()
	now, m := r.now(), d.id.manager
	switch {
	case d.fresh(now, how), d.busy != nil && d.content != nil && how == usual:
		return known{content: d.content, err: d.err, version: d.version}
	case d.busy != nil:
		return known{wait: d.busy}
	case how != probe && now.Before(m.downUntil):
		return known{content: d.content, err: m.cause, version: d.version}
	}
	d.busy = make(chan struct{})
	return known{read: true}
}

// fetch reads a document from its manager. The caller has made it busy.
func (r *Resolver) fetch(ctx context.Context, d *document) (found known) {
	limited, cancel := context.WithTimeout(ctx, r.options.Timeout)
	defer cancel()
	begun := r.now()
	got, err := (*content)(nil), errAborted
	defer func() {
		// A caller who gives up early says nothing about the manager, one with little time does.
		gaveUp := errors.Is(ctx.Err(), context.Canceled) || (ctx.Err() != nil && r.now().Sub(begun) < r.options.Timeout/4)
		found = r.finish(d, got, err, gaveUp)
	}()
	got, err = d.id.manager.backend.read(limited, d.id.path)
	return found
}

// finish records how a read ended, and returns what there is then.
func (r *Resolver) finish(d *document, got *content, err error, gaveUp bool) known {
	r.mu.Lock()
	m, now := d.id.manager, r.now()
	change := unchanged
	switch {
	case err == nil:
		change = r.recover(m)
		d.content, d.err = got, nil
		d.version++
		d.expires = now.Add(r.options.TTL)
		// Documents that were read together are not refreshed together for ever.
		d.refresh = now.Add(r.options.TTL*8/10 + rand.N(r.options.TTL/10+1))
	case gaveUp:
	default:
		if causeOf(err) == unreachable {
			change = m.fail(now, r.options.NegTTL, err)
		} else {
			change = r.recover(m)
		}
		d.err = err
		d.version++
		d.expires = now.Add(r.options.NegTTL)
		d.refresh = d.expires
	}
	if r.managers[m.name] != m {
		d.content, change = nil, unchanged
	}
	if d.users > 1 {
		// Run updates the other entries.
		r.kick()
	}
	found := known{content: d.content, err: err, version: d.version}
	if err == nil {
		found.content = got
	}
	close(d.busy)
	d.busy = nil
	r.mu.Unlock()
	r.report(m, change, err)
	return found
}

// align makes documents that are known not to be there as good as the last one, which is: they are asked for again together.
func (r *Resolver) align(docs []use) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := docs[len(docs)-1].doc
	for _, u := range docs[:len(docs)-1] {
		u.doc.expires, u.doc.refresh = last.expires, last.refresh
	}
}
