package embedded

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// fault is the first error that stopped the server.
type fault struct {
	happened chan struct{} // closed with the first error

	mu  sync.Mutex // guards err
	err error
}

func (f *fault) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err == nil {
		f.err = err
		close(f.happened)
	}
}

func (f *fault) get() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.err
}

// OnWrite implements zapcore.CheckWriteHook. The server logs at the levels "fatal" and "panic" where it wants to end the
// process. Only its goroutine ends: the gateway goes on with the configuration that it has.
func (f *fault) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	err := errors.New(entry.Message)
	for _, field := range fields {
		if cause, ok := field.Interface.(error); ok {
			err = &serverError{message: entry.Message, cause: cause}
		}
	}
	f.set(err)
	runtime.Goexit()
}

// serverError is what the server wrote, and its cause.
type serverError struct {
	message string
	cause   error
}

func (e *serverError) Error() string { return e.message + ": " + e.cause.Error() }
func (e *serverError) Unwrap() error { return e.cause }

// zapLogger returns a logger for the server: errors go to log, and what would end the process becomes the fault.
func zapLogger(log *slog.Logger, f *fault) *zap.Logger {
	return zap.New(slogCore{log: log}, zap.WithFatalHook(f), zap.WithPanicHook(f))
}

// slogCore is a zapcore.Core over a slog.Logger.
type slogCore struct{ log *slog.Logger }

// Enabled implements zapcore.LevelEnabler.
func (c slogCore) Enabled(level zapcore.Level) bool { return level >= zapcore.ErrorLevel }

// With implements zapcore.Core.
func (c slogCore) With(fields []zapcore.Field) zapcore.Core {
	return slogCore{log: slog.New(c.log.Handler().WithAttrs(attrs(fields)))}
}

// Check implements zapcore.Core.
func (c slogCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	// A server that ends right after its first start says this: it would have noted the version of its format a moment later.
	if c.Enabled(entry.Level) && entry.Message != "failed to update storage version" {
		return checked.AddCore(entry, c)
	}
	return checked
}

// Write implements zapcore.Core.
func (c slogCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	c.log.LogAttrs(context.Background(), slog.LevelError, "embedded store: "+entry.Message, attrs(fields)...)
	return nil
}

// Sync implements zapcore.Core.
func (c slogCore) Sync() error { return nil }

func attrs(fields []zapcore.Field) []slog.Attr {
	encoded := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(encoded)
	}
	list := make([]slog.Attr, 0, len(fields))
	for _, f := range fields {
		if v, ok := encoded.Fields[f.Key]; ok {
			list = append(list, slog.Any(f.Key, v))
		}
	}
	return list
}
