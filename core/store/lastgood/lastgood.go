// Package lastgood keeps the last configuration of a store on disk, so that a gateway starts and serves while its store is away.
//
// A [Store] stands in front of another one. What that one delivers goes through it unchanged; a file is kept up to date in the
// background. An item that is not fit for service is in the file in its last good version, which is delivered before it at the next
// start. Apart from that, only a Watch that begins while the store is not reachable delivers the file first, and everything that the store
// holds as soon as it is there.
package lastgood

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/store"
)

// Options say where the copy is, and what it is a copy of. Only Path is needed.
type Options struct {
	Path      string        // of the file; beside it stand files of the same name with .lock, .new and .refused at the end
	Prefix    string        // of the store's keys; a copy of another prefix is not used
	Endpoints []string      // of the store; a copy of a store that shares none of them is not used
	Logger    *slog.Logger  // default: discard
	Grace     time.Duration // how long a store that does not answer may take before the copy is used; default 2 s
	Every     time.Duration // shortest time between two writes; default 2 s
}

// Store is a store.Store in front of another one. Use New to make one. It is safe for concurrent use.
type Store struct {
	inner  store.Store
	opts   Options
	keeper *keeper
	served func(key string) (store.Item, bool) // nil: whatever the store has counts as good

	fed      atomic.Bool // a Watch tells the keeper of changes
	fromCopy atomic.Bool

	mu     sync.Mutex // guards what follows
	used   time.Time  // when the copy that is in service was made
	refuse error      // why the file was not used
}

// New returns a store that delivers what inner does and keeps a copy of it. It touches no file yet. Closing it closes inner.
func New(inner store.Store, opts Options) (*Store, error) {
	if opts.Path == "" {
		return nil, errors.New("the copy of the configuration has no path")
	}
	opts.Grace = cmp.Or(opts.Grace, 2*time.Second)
	opts.Every = cmp.Or(opts.Every, 2*time.Second)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Store{inner: inner, opts: opts, keeper: newKeeper(opts)}, nil
}

// ServedBy implements store.Observer. Of an item that was not fit for service the copy keeps the version that serves in its place.
func (s *Store) ServedBy(item func(key string) (store.Item, bool)) { s.served = item }

// Watch implements store.Store. Of several at once, the one that began first keeps the copy up to date.
func (s *Store) Watch(ctx context.Context, apply func(store.Batch)) error {
	r := &relay{
		Store: s, apply: apply, feeds: s.fed.CompareAndSwap(false, true),
		began: time.Now(), batches: make(chan store.Batch), taken: make(chan struct{}),
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer func() {
		cancel()
		wg.Wait()
		if r.feeds {
			s.fed.Store(false)
		}
	}()
	if r.feeds {
		wg.Go(func() { s.keeper.run(ctx) })
	}
	ended := make(chan error, 1)
	wg.Go(func() { ended <- s.inner.Watch(ctx, func(b store.Batch) { r.hand(ctx, b) }) })
	return r.deliver(ctx, ended)
}

// Status implements store.Store. It is the inner store's, and tells of the copy.
func (s *Store) Status() store.Status {
	st := s.inner.Status()
	st.FromCopy = s.fromCopy.Load()
	s.mu.Lock()
	used, refuse := s.used, s.refuse
	s.mu.Unlock()
	st.CopyTime, st.CopyErr = s.keeper.status()
	if st.CopyTime.IsZero() {
		st.CopyTime = used
		st.CopyErr = cmp.Or(st.CopyErr, refuse)
	}
	return st
}

// Close implements store.Store. It writes the changes that are not on disk yet; that this does not work is logged, because the
// configuration itself is safe in the store.
func (s *Store) Close() error {
	s.keeper.close()
	return s.inner.Close()
}

// read returns what is on disk, or false where nothing can be used. A file that cannot be used is moved aside and reported.
func (s *Store) read() (content, bool) {
	c, err := readFile(s.opts.Path)
	if err == nil {
		err = s.opts.foreign(c.origin)
	}
	log := s.opts.Logger.With("path", s.opts.Path)
	switch {
	case err == nil:
		return c, true
	case isMissing(err):
		log.Warn("the configuration store is not reachable, and there is no copy on disk; requests wait for the store")
		return content{}, false
	}
	remedy := remedyFor(err)
	if isRefused(err) {
		aside, moveErr := moveAside(s.opts.Path)
		if moveErr != nil {
			err = errors.Join(err, moveErr)
		} else {
			log = log.With("moved_to", aside)
		}
	}
	log.Error("the copy of the configuration on disk is not used", "error", err, "remedy", remedy)
	s.mu.Lock()
	s.refuse = &copyError{path: s.opts.Path, verb: "is not used", cause: err, remedy: remedy}
	s.mu.Unlock()
	return content{}, false
}

// serves notes whether a copy is in service, and when it was made.
func (s *Store) serves(fromCopy bool, made time.Time) {
	s.fromCopy.Store(fromCopy)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = made
}
