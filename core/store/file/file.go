// Package file reads configuration from one file, in the format of APISIX's standalone mode (apisix.yaml or apisix.json).
//
// The file is read again when it changes. Only a file that can be understood as a whole is applied; until then what was
// read before stays.
package file

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/polygate/polygate/core/store"
)

const (
	// defaultPoll is how often a watcher looks whether the file changed. APISIX does the same.
	defaultPoll = time.Second
	// sizeLimit is the largest file that is read.
	sizeLimit = 256 << 20
)

// Options say which file. Only Path is needed.
type Options struct {
	Path   string                           // its name decides: JSON if it ends in ".json", else YAML
	Poll   time.Duration                    // between two looks at whether the file changed; default 1 s
	Logger *slog.Logger                     // receives what is wrong with the file; default: discard
	Env    func(name string) (string, bool) // looks up variables; default: the process's environment
}

// Store is a store.Store over a file. Use New to make one. It is safe for concurrent use.
type Store struct {
	opts Options

	reading sync.Mutex // guards what follows; held while the file is read
	seen    stamp      // of the file when it was last read
	items   map[string]store.Item
	rev     int64
	loaded  bool // items was read at least once

	mu     sync.Mutex // guards status; taken after reading
	status store.Status
}

// stamp changes when the file does.
type stamp struct {
	mtime time.Time
	size  int64
	inode uint64
}

var (
	errTooLarge   = fmt.Errorf("the file is larger than %d MiB", sizeLimit>>20)
	errNotRegular = errors.New("not a regular file")
)

// New returns a store over the file, which is first read by Watch. The file may be missing until then.
func New(opts Options) (*Store, error) {
	if opts.Path == "" {
		return nil, errors.New("the file store has no path")
	}
	opts.Logger = cmp.Or(opts.Logger, slog.New(slog.DiscardHandler))
	opts.Poll = cmp.Or(opts.Poll, defaultPoll)
	if opts.Env == nil {
		opts.Env = os.LookupEnv
	}
	return &Store{opts: opts, status: store.Status{Since: time.Now()}}, nil
}

// Status implements store.Store. Err is also set for a file that was applied but for some items.
func (s *Store) Status() store.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }

// Watch implements store.Store. The first batch comes when the file was understood for the first time.
func (s *Store) Watch(ctx context.Context, apply func(store.Batch)) error {
	tick := time.NewTicker(s.opts.Poll)
	defer tick.Stop()
	var applied map[string]store.Item
	full := true
	for ctx.Err() == nil {
		items, rev, ok := s.refresh()
		if b := diff(applied, items, rev, full); ok && (full || len(b.Changes) > 0) {
			apply(b)
			applied, full = items, false
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return ctx.Err()
}

// refresh reads the file if it changed and returns what is in force, which is not to be changed, if there is something.
func (s *Store) refresh() (items map[string]store.Item, rev int64, ok bool) {
	s.reading.Lock()
	defer s.reading.Unlock()
	now, err := look(s.opts.Path)
	if err != nil {
		s.seen = stamp{}
		s.report(false, err)
	} else if now != s.seen {
		s.seen = now
		s.read()
	}
	return s.items, s.rev, s.loaded
}

// read applies the file's contents. The caller holds reading.
func (s *Store) read() {
	data, err := contents(s.opts.Path)
	if err != nil {
		s.report(false, err)
		return
	}
	items, err := Parse(s.opts.Path, data, s.opts.Env)
	if items == nil {
		s.report(false, err)
		return
	}
	s.merge(items)
	s.report(true, err)
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
	case repeated:
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
	for _, key := range slices.Sorted(maps.Keys(new)) {
		if it := new[key]; full || old[key].ModRev != it.ModRev {
			b.Changes = append(b.Changes, store.Change{Item: it})
		}
	}
	for key := range old {
		if _, ok := new[key]; !ok {
			b.Changes = append(b.Changes, store.Change{Item: store.Item{Key: key, ModRev: rev}, Deleted: true})
		}
	}
	return b
}

func look(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, fmt.Errorf("read the configuration file: %w", err)
	}
	st := stamp{mtime: info.ModTime(), size: info.Size()}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		st.inode = sys.Ino
	}
	return st, nil
}

func contents(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.Mode().Type()&^fs.ModeSymlink != 0:
		err = errNotRegular
	case info.Size() > sizeLimit:
		err = errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read the configuration file %s: %w", path, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, sizeLimit))
	if err != nil {
		return nil, fmt.Errorf("read the configuration file %s: %w", path, err)
	}
	return data, nil
}
