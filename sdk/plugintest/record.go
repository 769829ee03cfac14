package plugintest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
)

var _ slog.Handler = (*recorder)(nil)

// Record is one log record of a plugin.
type Record struct {
	Level   slog.Level
	Message string
	Attrs   map[string]string // nil where there are none; groups are joined with a dot
}

// recorder is a slog.Handler that keeps every record. Its copies made by WithAttrs and WithGroup write into the same list.
type recorder struct {
	root   *recorder
	prefix string
	attrs  []slog.Attr

	mu      sync.Mutex
	records []Record // guarded by mu; used in the root only
}

// Enabled implements [slog.Handler]: every level is.
func (*recorder) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements [slog.Handler].
func (r *recorder) Handle(_ context.Context, rec slog.Record) error {
	out := Record{Level: rec.Level, Message: rec.Message}
	put := func(name string, value slog.Value) {
		if out.Attrs == nil {
			out.Attrs = make(map[string]string)
		}
		out.Attrs[name] = value.String()
	}
	for _, a := range r.attrs {
		put(a.Key, a.Value)
	}
	rec.Attrs(func(a slog.Attr) bool {
		put(r.prefix+a.Key, a.Value)
		return true
	})
	root := r.owner()
	root.mu.Lock()
	defer root.mu.Unlock()
	root.records = append(root.records, out)
	return nil
}

// WithAttrs implements [slog.Handler].
func (r *recorder) WithAttrs(attrs []slog.Attr) slog.Handler {
	own := slices.Clone(r.attrs)
	for _, a := range attrs {
		own = append(own, slog.Attr{Key: r.prefix + a.Key, Value: a.Value})
	}
	return &recorder{root: r.owner(), prefix: r.prefix, attrs: own}
}

// WithGroup implements [slog.Handler].
func (r *recorder) WithGroup(name string) slog.Handler {
	return &recorder{root: r.owner(), prefix: r.prefix + name + ".", attrs: r.attrs}
}

func (r *recorder) owner() *recorder {
	if r.root != nil {
		return r.root
	}
	return r
}

func (r *recorder) all() []Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.records)
}
