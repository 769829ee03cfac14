// Package file reads configuration from one file, in the format of APISIX's standalone mode (apisix.yaml or apisix.json).
//
// The file is read again when it changes: when the system tells of it, and otherwise at the next look, of which there is one
// every second. Only a file that can be understood as a whole is applied; until then what was read before stays. Of a file
// that did change, only the items that did are parsed again.
package file

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/polygate/polygate/core/store"
)

const (
	// defaultPoll is how often a watcher looks whether the file changed. APISIX does the same.
	defaultPoll = time.Second
	// defaultSettle is how long a file must be left alone before it is read again.
	defaultSettle = 50 * time.Millisecond
	// patience is how long a reload waits for a file that is written to all the time.
	patience = 2 * time.Second
)

// Options say which file. Only Path is needed.
type Options struct {
	Path   string                           // its name decides: JSON if it ends in ".json", else YAML
	Poll   time.Duration                    // between two looks at whether the file changed; default 1 s
	Settle time.Duration                    // since the last write to a file that is read again; default 50 ms
	Logger *slog.Logger                     // receives what is wrong with the file; default: discard
	Env    func(name string) (string, bool) // looks up variables; default: the process's environment
}

// Store is a store.Store over a file. Use New to make one. It is safe for concurrent use.
type Store struct {
	opts Options

	reading sync.Mutex // guards what follows; held while the file is read
	reader  *reader
	seen    stamp     // of the file when it was last read
	since   time.Time // when a change was seen that is not read yet; zero: there is none
	items   map[string]store.Item
	rev     int64
	loaded  bool // items was read at least once
	quiet   bool // a file that cannot be applied is not logged

	mu     sync.Mutex // guards what follows; taken after reading
	status store.Status
	lines  map[string]int // where the items in force begin, by key
}

// New returns a store over the file, which is first read by Watch. The file may be missing until then.
func New(opts Options) (*Store, error) {
	if opts.Path == "" {
		return nil, errors.New("the file store has no path")
	}
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	opts.Poll = cmp.Or(opts.Poll, defaultPoll)
	opts.Settle = cmp.Or(opts.Settle, defaultSettle)
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	return &Store{opts: opts, reader: newReader(opts.Path, opts.Env), status: store.Status{Since: time.Now()}}, nil
}

// Load reads the file now, so that a program can refuse to start with one that cannot be understood: that is the error, and it is not
// logged. Watch goes on from there.
func (s *Store) Load() error {
	s.setQuiet(true)
	defer s.setQuiet(false)
	if _, rev, _ := s.refresh(); rev > 0 {
		return nil
	}
	return s.Status().Err
}

func (s *Store) setQuiet(quiet bool) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.quiet = quiet
}

// Status implements store.Store. Err is also set for a file that was applied but for some items.
func (s *Store) Status() store.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Where returns the place in the file where the item in force with that key begins, for example "conf/apisix.yaml:12", and
// whether there is such an item.
func (s *Store) Where(key string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line, ok := s.lines[key]
	if !ok {
		return "", false
	}
	return fmt.Sprintf("%s:%d", s.opts.Path, line), true
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// Watch implements store.Store. The first batch comes when the file was understood for the first time.
func (s *Store) Watch(ctx context.Context, apply func(store.Batch)) error {
	events := newEvents(s.opts.Path, s.opts.Logger)
	defer events.close()
	tick := time.NewTicker(s.opts.Poll)
	defer tick.Stop()
	var applied map[string]store.Item
	var appliedRev int64
	for ctx.Err() == nil {
		events.follow()
		items, rev, again := s.refresh()
		if rev != appliedRev {
			if b := diff(applied, items, rev, appliedRev == 0); b.Full || len(b.Changes) > 0 {
				apply(b)
			}
			applied, appliedRev = items, rev
		}
		var soon <-chan time.Time
		if again > 0 {
			soon = time.After(again)
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-soon:
		case event := <-events.changed():
			events.took(event)
		case err := <-events.trouble():
			s.opts.Logger.Debug("watching the configuration file", "path", s.opts.Path, "error", err)
		}
	}
	return ctx.Err()
}

// refresh reads the file if it changed. It returns what is in force, which is not to be changed, with its revision, 0 if there is
// nothing yet; and, unless it is 0, after which time to look again because the file is being written.
func (s *Store) refresh() (items map[string]store.Item, rev int64, again time.Duration) {
	s.reading.Lock()
	defer s.reading.Unlock()
	now, err := look(s.opts.Path)
	switch {
	case err != nil:
		s.seen, s.since = stamp{}, time.Time{}
		s.report(false, err)
	case now == s.seen:
		s.since = time.Time{}
	default:
		again = s.change(now)
	}
	return s.items, s.rev, again
}

// change reads a file that is not the one seen before, unless it is still being written. The caller holds reading.
func (s *Store) change(now stamp) (again time.Duration) {
	if s.since.IsZero() {
		s.since = time.Now()
	}
	age := time.Since(now.mtime)
	if s.loaded && age >= 0 && age < s.opts.Settle && time.Since(s.since) < patience {
		return s.opts.Settle - age
	}
	data, read, err := contents(s.opts.Path)
	if err == nil && read != now {
		return s.opts.Settle
	}
	s.seen, s.since = now, time.Time{}
	if err != nil {
		s.report(false, err)
		return 0
	}
	s.apply(s.reader.read(data))
	return 0
}

// apply makes what was read what is in force. The caller holds reading.
func (s *Store) apply(res result) {
	if res.items == nil {
		s.report(false, res.err)
		return
	}
	s.merge(res.items)
	s.mu.Lock()
	s.lines = res.lines
	s.mu.Unlock()
	s.report(true, res.err)
}

// merge makes items what is in force. Those that did not change keep their revisions. The caller holds reading.
func (s *Store) merge(items []store.Item) {
	rev := s.rev + 1
	changed := len(items) != len(s.items) || !s.loaded
	next := make(map[string]store.Item, len(items))
	for _, it := range items {
		old, ok := s.items[it.Key]
		switch {
		case !ok:
			it.CreateRev, it.ModRev = rev, rev
		case bytes.Equal(old.Value, it.Value):
			it = old
		default:
			it.CreateRev, it.ModRev = old.CreateRev, rev
		}
		changed = changed || it.ModRev == rev
		next[it.Key] = it
	}
	if changed {
		s.items, s.rev, s.loaded = next, rev, true
	}
}

// report notes whether the file was applied and what is wrong with it, and logs it once. The caller holds reading.
func (s *Store) report(applied bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Revision = s.rev
	if s.status.Reachable != applied {
		s.status.Reachable, s.status.Since = applied, time.Now()
	}
	repeated := err != nil && s.status.Err != nil && err.Error() == s.status.Err.Error()
	s.status.Err = err
	switch {
	case repeated, s.quiet && !applied:
	case err == nil:
		s.opts.Logger.Info("the configuration file was applied", "path", s.opts.Path, "items", len(s.items))
	case applied:
		s.opts.Logger.Warn("the configuration file was applied in part", "path", s.opts.Path, "error", err)
	default:
		s.opts.Logger.Error("the configuration file was not applied; the last configuration stays in use", "path", s.opts.Path, "error", err)
	}
}

// diff returns the batch that leads from old to new.
func diff(old, new map[string]store.Item, rev int64, full bool) store.Batch {
	b := store.Batch{Revision: rev, Full: full}
	for key, it := range new {
		if full || old[key].ModRev != it.ModRev {
			b.Changes = append(b.Changes, store.Change{Item: it})
		}
	}
	for key := range old {
		if _, ok := new[key]; !ok {
			b.Changes = append(b.Changes, store.Change{Item: store.Item{Key: key, ModRev: rev}, Deleted: true})
		}
	}
	slices.SortFunc(b.Changes, func(x, y store.Change) int { return cmp.Compare(x.Key, y.Key) })
	return b
}
