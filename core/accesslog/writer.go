package accesslog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	defaultFlush = 64 << 10
	defaultQueue = 8 << 20
	maxSpare     = 1 << 20     // larger buffers, of a time when the disk was slow, are not kept
	interval     = time.Second // between two looks at the clock, the queue and the file's name
)

// ErrClosed is returned by a Write after Close.
var ErrClosed = errors.New("the access log is closed")

// Options say where a Writer writes and how much it holds.
type Options struct {
	Path  string       // of the file; /dev/stdout and /dev/stderr are the process's own
	Flush int          // bytes that are written at once without waiting for the second to end; 0: 64 KiB
	Queue int          // bytes that wait at most; lines beyond are dropped; 0: 8 MiB
	Log   *slog.Logger // told when lines are lost; nil: nobody is
}

// Writer appends lines to a file from a goroutine of its own. A Write copies the line into memory and returns at once, however slow
// the disk is; what does not fit is dropped and counted. Lines are in the file at most a second later. A file that
// was renamed or removed is made again within a second. It is safe for concurrent use.
type Writer struct {
	opts    Options
	open    func() (file, error)
	wake    chan struct{} // has one element when there is enough to write
	reopen  chan struct{} // likewise when the file is to be opened again
	stop    chan struct{}
	done    chan struct{} // closed when the goroutine has ended
	dropped atomic.Uint64

	mu      sync.Mutex // guards the fields below
	queue   []byte
	waiting int // bytes that the goroutine has taken and not written yet
	closed  bool

	// Of the goroutine alone.
	file    file
	buffer  []byte // lines that were taken from the queue
	taken   []byte // the rest of buffer that is not written yet
	failing bool
	lost    uint64 // lines dropped when the last message about them was logged
	err     error  // of the last write
}

// Open opens the file for appending, makes it and its folder if they are not there, and starts the goroutine. Close ends it.
func Open(opts Options) (*Writer, error) {
	return start(opts, func() (file, error) { return openPath(opts.Path) })
}

func start(opts Options, open func() (file, error)) (*Writer, error) {
	opts.Flush = cmp.Or(opts.Flush, defaultFlush)
	opts.Queue = cmp.Or(opts.Queue, defaultQueue)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	f, err := open()
	if err != nil {
		return nil, fmt.Errorf("open access log: %w", err)
	}
	w := &Writer{
		opts:   opts,
		open:   open,
		file:   f,
		wake:   make(chan struct{}, 1),
		reopen: make(chan struct{}, 1),
		stop:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	go w.run()
	return w, nil
}

// Write takes one line, with its line feed. It never blocks on the file and does not keep p. A line that is dropped is not an
// error: the only one is [ErrClosed].
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return 0, ErrClosed
	}
	fits := len(w.queue)+w.waiting+len(p) <= w.opts.Queue
	if fits {
		w.queue = append(w.queue, p...)
	}
	full := len(w.queue) >= w.opts.Flush
	w.mu.Unlock()
	if !fits {
		w.dropped.Add(1)
	}
	if full {
		signal(w.wake)
	}
	return len(p), nil
}

// Dropped returns how many lines were dropped so far.
func (w *Writer) Dropped() uint64 { return w.dropped.Load() }

// Reopen has the file opened again by its path, soon: for a rotation of logs, on SIGUSR1.
func (w *Writer) Reopen() { signal(w.reopen) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close writes what waits, closes the file and returns the error of writing, if any. Further calls return nil.
func (w *Writer) Close() error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	w.closed = true
	w.mu.Unlock()
	close(w.stop)
	<-w.done
	return errors.Join(w.err, w.file.Close())
}

func (w *Writer) run() {
	defer close(w.done)
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-w.wake:
			// A disk that refused is asked again at the next tick, not for every line.
			if !w.failing {
				w.flush()
			}
		case <-tick.C:
			if w.file.Moved() {
				w.replace()
			}
			w.flush()
		case <-w.reopen:
			w.replace()
		case <-w.stop:
			if w.file.Moved() {
				w.replace()
			}
			w.flush()
			w.abandon()
			return
		}
	}
}

// replace opens the file by its path again. If that does not work, the file stays the one it is.
func (w *Writer) replace() {
	f, err := w.open()
	if err != nil {
		w.opts.Log.Error("access log cannot be opened again; it goes on in the old file", "path", w.opts.Path, "error", err)
		return
	}
	if err := w.file.Close(); err != nil {
		w.opts.Log.Error("access log was not closed properly", "path", w.opts.Path, "error", err)
	}
	w.file = f
}

// flush writes what waits. What cannot be written stays in taken.
func (w *Writer) flush() {
	if len(w.taken) == 0 {
		w.take()
	}
	for len(w.taken) > 0 {
		n, err := w.file.Write(w.taken)
		w.taken = w.taken[n:]
		w.mu.Lock()
		w.waiting = len(w.taken)
		w.mu.Unlock()
		w.report(err)
		if err != nil {
			return
		}
		if len(w.taken) == 0 {
			w.take()
		}
	}
}

// take takes over the queue and leaves the buffer of the lines before, which are written, in its place.
func (w *Writer) take() {
	spare := w.buffer[:0]
	if cap(spare) > maxSpare {
		spare = nil
	}
	w.mu.Lock()
	w.buffer, w.queue = w.queue, spare
	w.waiting = len(w.buffer)
	w.mu.Unlock()
	w.taken = w.buffer
}

// abandon counts the lines that were never written.
func (w *Writer) abandon() {
	lines := bytes.Count(w.taken, []byte{'\n'})
	w.mu.Lock()
	lines += bytes.Count(w.queue, []byte{'\n'})
	w.mu.Unlock()
	w.dropped.Add(uint64(lines))
}

// report logs when writing begins to fail, and when it works again.
func (w *Writer) report(err error) {
	w.err = err
	if failing := err != nil; failing != w.failing {
		w.failing = failing
		if failing {
			w.opts.Log.Error("access log cannot be written; lines wait in memory", "path", w.opts.Path, "error", err)
		}
	}
	if lost := w.dropped.Load(); err == nil && lost > w.lost {
		w.opts.Log.Warn("access log lost lines", "path", w.opts.Path, "lines", lost-w.lost)
		w.lost = lost
	}
}
