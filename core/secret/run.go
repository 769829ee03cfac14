package secret

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Run refreshes what was resolved before it expires, tries again what failed, and calls changed with the references whose value
// became another one, became available, or is gone together with its manager; also with those that Resolve found changed. It calls
// changed from its own goroutine, one call after the other, with sorted references; changed may use the resolver. When a refresh
// fails the old value stays: that is logged once and shown by [Resolver.Status].
//
// It returns nil when ctx ends. There must be one Run at a time.
func (r *Resolver) Run(ctx context.Context, changed func(refs []string)) error {
	defer r.clients.close()
	// A look at every entry is cheap, and needs no timers to agree with.
	ticker := time.NewTicker(max(min(time.Second, r.options.TTL/20, r.options.NegTTL/4), time.Millisecond))
	defer ticker.Stop()
	said := false
	for {
		r.refreshAll(ctx)
		said = said || r.sayCrowded()
		if refs := r.takePending(); len(refs) > 0 && ctx.Err() == nil && changed != nil {
			changed(refs)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		case <-r.wake:
		}
	}
}

// takePending returns the references to report.
func (r *Resolver) takePending() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	refs := slices.Sorted(maps.Keys(r.pending))
	clear(r.pending)
	return refs
}

// sayCrowded logs that references were dropped, and tells whether there was anything to log.
func (r *Resolver) sayCrowded() bool {
	r.mu.Lock()
	crowded := r.crowded
	r.mu.Unlock()
	if crowded {
		r.log.Warn("there are more references to secrets than are kept; those that were dropped are not refreshed",
			"count", r.options.Count, "neg_count", r.options.NegCount, "do", "raise count and neg_count in apisix.lru.secret")
	}
	return crowded
}

// job is an entry that Run updates.
type job struct {
	entry *entry
	how   urgency
}

func (r *Resolver) refreshAll(ctx context.Context) {
	each(ctx, r.due(), func(j job) {
		_, _ = r.update(ctx, j.entry, j.how)
	})
}

// due returns the entries to update: those of a manager that was replaced, those that expire soon or share what was
// read for another one, and one of each manager that did not answer and is to be tried again.
func (r *Resolver) due() []job {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var jobs []job
	probed := map[*manager]bool{}
	for _, e := range r.entries {
		m := r.managers[e.ref.manager]
		switch {
		case e.from != m:
			jobs = append(jobs, job{e, refresh})
		case m == nil || m.err != nil:
		case m.cause != nil:
			if !now.Before(m.retry) && !probed[m] && len(e.docs) > 0 {
				probed[m] = true
				jobs = append(jobs, job{e, probe})
			}
		case slices.ContainsFunc(e.docs, func(u use) bool { return u.version != u.doc.version || !now.Before(u.doc.refresh) }):
			jobs = append(jobs, job{e, refresh})
		}
	}
	return jobs
}
