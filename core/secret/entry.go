package secret

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"time"
)

// errOvertaken says that a manager was replaced while it was asked.
var errOvertaken = errors.New("the secret manager was replaced")

// entry is a reference that was resolved, or could not be. Its fields but the first two are guarded by Resolver.mu.
type entry struct {
	text string
	ref  reference

	from *manager // that held and err come from; nil: there was none
	held string   // the last value that was found
	has  bool     // held is one
	err  error    // of the last attempt, nil if held is fresh
	docs []use

	told     string // what callers were told, as far as Run has reported
	toldHas  bool   // told is a value
	toldOnce bool   // told and toldHas are set

	used  time.Time // by a caller
	list  *list.List
	place *list.Element // in list; both are nil for what Retain named
	gone  bool          // from Resolver.entries
}

// outcome is what an attempt to find a value came to.
type outcome struct {
	from  *manager
	value string
	has   bool
	err   error // with a value: why it may be stale
	docs  []use

	gaveUp bool // because the caller did; err says nothing about the secret
}

// entry returns the entry of a reference that a caller needs.
func (r *Resolver) entry(text string, ref reference) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[text]
	if e == nil {
		e = &entry{text: text, ref: ref}
		r.entries[text] = e
		r.file(e)
	}
	e.used = r.now()
	if e.list != nil {
		e.list.MoveToFront(e.place)
	}
	return e
}

// file puts an entry into the list where it belongs, and drops what is too much there. The caller holds mu.
func (r *Resolver) file(e *entry) {
	if e.gone {
		return
	}
	want, most := r.bad, r.options.NegCount
	if e.has {
		want, most = r.good, r.options.Count
	}
	if r.retained[e.text] {
		want = nil
	}
	if e.list == want {
		return
	}
	if e.list != nil {
		e.list.Remove(e.place)
	}
	e.list, e.place = want, nil
	if want == nil {
		return
	}
	e.place = want.PushFront(e)
	for want.Len() > most {
		r.forget(want.Back().Value.(*entry))
		r.crowded = true
	}
}

// forget drops an entry. The caller holds mu.
func (r *Resolver) forget(e *entry) {
	e.gone = true
	delete(r.entries, e.text)
	if e.list != nil {
		e.list.Remove(e.place)
		e.list, e.place = nil, nil
	}
	r.release(e.docs)
	e.docs = nil
}

// find looks for the value of an entry, in all places where it may be.
func (r *Resolver) find(ctx context.Context, e *entry, how urgency) outcome {
	r.mu.Lock()
	m := r.managers[e.ref.manager]
	r.mu.Unlock()
	if m == nil {
		return outcome{err: fmt.Errorf("there is no secret manager %s: create it with PUT /apisix/admin/secrets/%s",
			show(e.ref.manager), show(e.ref.manager))}
	}
	out := outcome{from: m}
	if m.err != nil {
		out.err = m.failure(fmt.Errorf("its configuration is bad: %w", m.err))
		return out
	}
	places, err := m.backend.places(e.ref.key)
	if err != nil {
		out.err = err
		return out
	}
	for i, p := range places {
		u, c, err := r.read(ctx, m, p.path, how)
		out.docs = append(out.docs, u)
		if c == nil && causeOf(err) == missing && i+1 < len(places) {
			continue
		}
		out.value, out.has, out.err = lookUp(c, p, err)
		if out.err != nil {
			out.gaveUp = ctx.Err() != nil
			out.err = m.failure(out.err)
		}
		if i > 0 && out.has {
			r.align(out.docs)
		}
		break
	}
	return out
}

// lookUp returns the value at a place of what was read, if anything was, and why it is missing or may be stale.
func lookUp(c *content, p place, err error) (string, bool, error) {
	if c == nil {
		return "", false, err
	}
	value, lookErr := c.value(p)
	switch {
	case lookErr == nil:
		return value, true, err
	case err != nil:
		return "", false, err
	case p.whole:
		return "", false, fmt.Errorf("%s: %w", show(p.path), lookErr)
	}
	return "", false, &failure{cause: missing, err: fmt.Errorf("field %s of %s: %w", show(p.field), show(p.path), lookErr)}
}

// settle records an outcome, and returns what a caller gets: the value, also an old one of the same manager, or an error.
func (r *Resolver) settle(e *entry, out outcome) (string, error) {
	r.mu.Lock()
	if r.managers[e.ref.manager] != out.from {
		r.release(out.docs)
		r.mu.Unlock()
		return "", errOvertaken
	}
	if e.from != out.from {
		e.held, e.has, e.from, e.err = "", false, out.from, nil
	}
	if out.has {
		e.held, e.has = out.value, true
	}
	// When the manager is away, that is logged once for all that it has.
	worse := false
	if !out.gaveUp {
		worse = e.has && e.err == nil && out.err != nil && causeOf(out.err) != unreachable
		e.err = out.err
	}
	value, has := e.held, e.has
	if e.gone {
		r.release(out.docs)
	} else {
		r.release(e.docs)
		e.docs = out.docs
		r.file(e)
		r.tell(e)
	}
	r.mu.Unlock()
	if worse {
		r.log.Warn("a secret cannot be read again; the value that is known stays in use",
			"reference", show(e.text), "error", out.err)
	}
	if has {
		return value, nil
	}
	return "", out.err
}

// tell notes what callers know of an entry, and that they must hear of it if that changed. The caller holds mu.
func (r *Resolver) tell(e *entry) {
	if e.toldOnce && (e.told != e.held || e.toldHas != e.has) {
		r.pending[e.text] = true
		r.kick()
	}
	e.told, e.toldHas, e.toldOnce = e.held, e.has, true
}
