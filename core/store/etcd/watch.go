package etcd

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/internal/burst"
)

const (
	probeEvery   = 5 * time.Second        // between two looks at whether the cluster is there, and is the same
	probeTimeout = 5 * time.Second        // for its answer
	firstPause   = 100 * time.Millisecond // before the second attempt to connect; doubles up to ResyncDelay
	confirmAfter = 2 * time.Second        // before an empty set is read again
)

var (
	errConnectionLost = errors.New("the connection was lost")
	errWatchEnded     = errors.New("the watch was ended by the server")
	errReplaced       = errors.New("the cluster is another one, or was restored from an older state: everything is read again")
)

// follower is one call of Watch.
type follower struct {
	*Store
	queue *burst.Queue

	rev     int64            // up to here everything is in the queue
	last    *mvccpb.KeyValue // the last key that changed, as it was then; without a version it was removed; nil: none is known
	cluster uint64           // which the revision belongs to
	loaded  bool             // rev and cluster are valid
	once    bool             // something was loaded at least once
}

// Status implements store.Store.
func (s *Store) Status() store.Status { return s.state.get() }

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, apply func(store.Batch)) error {
	f := &follower{Store: s, queue: burst.New()}
	var wg sync.WaitGroup
	wg.Go(func() { f.run(ctx) })
	err := f.queue.Deliver(ctx, apply)
	wg.Wait()
	return err
}

// run keeps a session open until ctx ends. Why one endpoint at a time? What probes the connection must travel on the same
// one as the watch, and a client of several endpoints spreads its requests.
func (f *follower) run(ctx context.Context) {
	endpoints := f.opts.Endpoints
	at := rand.IntN(max(1, len(endpoints)))
	pause := firstPause
	for ctx.Err() == nil {
		var endpoint []string
		if len(endpoints) > 0 {
			endpoint = endpoints[at%len(endpoints):][:1]
		}
		began := time.Now()
		err := f.session(ctx, endpoint)
		if ctx.Err() != nil {
			return
		}
		switch {
		case outdated(err):
			f.loaded = false
			f.opts.Logger.Warn("the configuration is read anew", "reason", err)
		case loginExpired(err):
			f.opts.Logger.Debug("logging in to the configuration store anew")
		default:
			f.state.fails(f.unreachable(err, endpoint...))
			at++
		}
		if time.Since(began) > f.opts.ResyncDelay {
			pause = firstPause
		}
		wait(ctx, pause/2+rand.N(pause))
		pause = min(2*pause, f.opts.ResyncDelay)
	}
}

// outdated tells whether err says that the revision of the follower is none to go on from.
func outdated(err error) bool {
	return errors.Is(err, rpctypes.ErrCompacted) || errors.Is(err, errReplaced)
}

// session connects, catches up and follows the changes until something breaks; it returns what.
func (f *follower) session(ctx context.Context, endpoint []string) error {
	client, release, err := f.connect(ctx, endpoint...)
	if err != nil {
		return err
	}
	defer release()
	if err := f.catchUp(ctx, client); err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	var wg sync.WaitGroup
	cluster, rev := f.cluster, f.rev
	wg.Go(func() { cancel(f.probe(ctx, client, cluster, rev)) })
	wg.Go(func() {
		connectionLost(ctx, client)
		cancel(errConnectionLost)
	})
	err = f.follow(ctx, client)
	cancel(err)
	wg.Wait()
	return context.Cause(ctx)
}

// catchUp makes sure that rev is a revision of this cluster to go on from, and reads everything if it is not.
func (f *follower) catchUp(ctx context.Context, client *clientv3.Client) error {
	// Why look before the first load too? It has a shorter time limit.
	err := f.look(ctx, client, f.cluster, f.rev)
	if err == nil && f.loaded {
		err = f.remembers(ctx, client)
	}
	if (f.loaded && err == nil) || (err != nil && !outdated(err)) {
		return err
	}
	if f.loaded {
		f.opts.Logger.Warn("the configuration is read anew", "reason", err)
	}
	f.loaded = false
	all, err := f.load(ctx, client)
	if err != nil {
		return err
	}
	if f.once && len(all.items) == 0 {
		// A cluster that was just created or is being restored is empty for a while. To obey it would remove every route.
		f.opts.Logger.Warn("the configuration store is empty; it is read again before that is believed")
		wait(ctx, confirmAfter)
		if all, err = f.load(ctx, client); err != nil {
			return err
		}
	}
	f.rev, f.last, f.cluster, f.loaded, f.once = all.rev, all.last, all.cluster, true, true
	f.state.restart(all.rev)
	f.queue.Replace(all.rev, all.items)
	return nil
}

// look asks the cluster for its identity and revision. It returns errReplaced if they cannot follow upon the given ones.
func (f *follower) look(ctx context.Context, client *clientv3.Client, cluster uint64, rev int64) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	resp, err := client.Get(ctx, f.prefix+idKey, clientv3.WithKeysOnly())
	if err != nil {
		return err
	}
	f.state.works(resp.Header.GetRevision())
	if resp.Header.GetClusterId() != cluster || resp.Header.GetRevision() < rev {
		return errReplaced
	}
	return nil
}

// remembers returns nil if the cluster has the last change that was seen, and errReplaced if it does not: a cluster that was
// restored from an older state and written to since then has revisions that follow upon ours, but another history.
func (f *follower) remembers(ctx context.Context, client *clientv3.Client) error {
	if f.last == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	key := string(f.last.Key)
	now, err := client.Get(ctx, key)
	if err != nil {
		return err
	}
	if f.isLast(now.Kvs) {
		return nil
	}
	then, err := client.Get(ctx, key, clientv3.WithRev(f.rev))
	switch {
	case err != nil:
		return err
	case f.last.Version != 0 && f.isLast(then.Kvs):
		return nil
	case f.last.Version != 0 || len(then.Kvs) != 0:
		return errReplaced
	}
	before, err := client.Get(ctx, key, clientv3.WithRev(f.last.ModRevision-1))
	if err == nil && len(before.Kvs) == 0 {
		return errReplaced
	}
	return err
}

// isLast tells whether what a key holds is the last change that was seen.
func (f *follower) isLast(kvs []*mvccpb.KeyValue) bool {
	return len(kvs) == 1 && kvs[0].ModRevision == f.last.ModRevision && bytes.Equal(kvs[0].Value, f.last.Value)
}

// probe looks at the cluster again and again until that fails or ctx ends. rev is where the session began.
func (f *follower) probe(ctx context.Context, client *clientv3.Client, cluster uint64, rev int64) error {
	for wait(ctx, probeEvery) {
		if err := f.look(ctx, client, cluster, rev); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// follow queues the changes after rev until the watch ends.
func (f *follower) follow(ctx context.Context, client *clientv3.Client) error {
	changes := client.Watch(clientv3.WithRequireLeader(ctx), f.prefix,
		clientv3.WithPrefix(), clientv3.WithRev(f.rev+1), clientv3.WithProgressNotify())
	for resp := range changes {
		if err := resp.Err(); err != nil {
			return err
		}
		if resp.Header.GetClusterId() != f.cluster {
			return errReplaced
		}
		f.enqueue(resp)
	}
	return errWatchEnded
}

// enqueue takes over the changes of one answer.
func (f *follower) enqueue(resp clientv3.WatchResponse) {
	// An answer with events may be about a revision before the header's; one without says that all up to there was sent.
	if n := len(resp.Events); n > 0 {
		f.last = resp.Events[n-1].Kv
		f.rev = f.last.ModRevision
	} else if resp.IsProgressNotify() {
		f.rev = max(f.rev, resp.Header.GetRevision())
	}
	f.state.works(resp.Header.GetRevision())
	var list []store.Change
	for _, e := range resp.Events {
		deleted := e.Type == clientv3.EventTypeDelete
		switch {
		case f.hidden(e.Kv.Key, e.Kv.Value):
		case deleted:
			list = append(list, store.Change{Item: store.Item{Key: f.key(e.Kv.Key), ModRev: e.Kv.ModRevision}, Deleted: true})
		default:
			list = append(list, store.Change{Item: f.item(e.Kv)})
		}
	}
	if len(list) > 0 {
		f.state.changed(f.rev)
	}
	f.queue.Add(f.rev, list...)
}

// wait returns true after d, or false as soon as ctx has ended.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
