package etcd

import (
	"log/slog"
	"sync"
	"time"

	"github.com/polygate/polygate/core/store"
)

// logEvery is how often a cluster that stays away is logged.
const logEvery = 30 * time.Second

// tracker keeps the store's status and logs when it changes.
type tracker struct {
	log *slog.Logger

	mu       sync.Mutex // guards what follows
	status   store.Status
	loggedAt time.Time // when trouble was last logged
	logged   bool      // the present trouble was
}

func newTracker(log *slog.Logger) *tracker {
	return &tracker{log: log, status: store.Status{Since: time.Now(), Err: store.ErrNotAsked}}
}

func (t *tracker) get() store.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// restart takes over the revision of everything that was read, which may be another cluster's and lower than before.
func (t *tracker) restart(rev int64) {
	t.mu.Lock()
	t.status.Revision, t.status.LastChange, t.status.LastEvent = rev, rev, time.Now()
	t.mu.Unlock()
	t.works(rev)
}

// changed notes the revision of a change that a watch received.
func (t *tracker) changed(rev int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.LastChange, t.status.LastEvent = rev, time.Now()
}

// works notes an exchange that worked, and the revision seen in it.
func (t *tracker) works(rev int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.Revision = max(t.status.Revision, rev)
	if t.status.Reachable {
		return
	}
	if t.logged {
		// Whoever reads of the trouble, at the default level, should read of its end.
		t.log.Warn("the configuration store is reachable again", "away", time.Since(t.status.Since).Round(time.Millisecond))
	}
	t.status.Reachable, t.status.Err, t.status.Since = true, nil, time.Now()
	t.logged = false
}

// fails notes an exchange that did not work.
func (t *tracker) fails(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.status.Reachable {
		t.status.Reachable, t.status.Since = false, time.Now()
	}
	t.status.Err = err
	if time.Since(t.loggedAt) >= logEvery {
		t.loggedAt, t.logged = time.Now(), true
		t.log.Error("the configuration store is not reachable; the last configuration stays in use", "error", err)
	}
}
