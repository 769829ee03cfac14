package etcd

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/polygate/polygate/core/store"
)

// logEvery is how often a cluster that stays away is logged.
const logEvery = 30 * time.Second

// errNotYet is the state before the first exchange.
var errNotYet = errors.New("the store was not asked yet")

// tracker keeps the store's status and logs when it changes.
type tracker struct {
	log *slog.Logger

	mu       sync.Mutex // guards what follows
	status   store.Status
	loggedAt time.Time // when trouble was last logged
	logged   bool      // the present trouble was
}

func newTracker(log *slog.Logger) *tracker {
	return &tracker{log: log, status: store.Status{Since: time.Now(), Err: errNotYet}}
}

func (t *tracker) get() store.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.status
}

// restart forgets the revision, which may belong to another cluster.
func (t *tracker) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status.Revision = 0
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
		t.log.Info("the configuration store is reachable again", "away", time.Since(t.status.Since).Round(time.Millisecond))
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
