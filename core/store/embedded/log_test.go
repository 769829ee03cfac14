package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"go.uber.org/zap"
)

func TestLogger(t *testing.T) {
	cause := errors.New("the disk broke")
	tests := []struct {
		name  string
		write func(*zap.Logger)
		want  string // in the log; empty: nothing
		fault error
	}{
		{"less than an error", func(l *zap.Logger) { l.Warn("slow") }, "", nil},
		{"error", func(l *zap.Logger) { l.With(zap.Int("a", 1)).Error("bad", zap.String("b", "x")) }, `level=ERROR msg="embedded store: bad" a=1 b=x`, nil},
		{"fatal", func(l *zap.Logger) { l.Fatal("cannot write", zap.Error(cause)) }, `msg="embedded store: cannot write" error="the disk broke"`, cause},
		{"panic", func(l *zap.Logger) { l.Panic("impossible", zap.NamedError("why", cause)) }, `msg="embedded store: impossible"`, cause},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			f := &fault{happened: make(chan struct{})}
			log := zapLogger(slog.New(slog.NewTextHandler(&out, nil)), f)
			var wg sync.WaitGroup
			went := false
			wg.Go(func() {
				tt.write(log)
				went = true
			})
			wg.Wait()
			if !errors.Is(f.get(), tt.fault) || went == (tt.fault != nil) {
				t.Errorf("got fault %v and the goroutine went on: %v, want %v", f.get(), went, tt.fault)
			}
			if got := out.String(); !strings.Contains(got, tt.want) || (tt.want == "" && got != "") {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

func TestFaultHammer(t *testing.T) {
	f := &fault{happened: make(chan struct{})}
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			f.set(fmt.Errorf("fault %d", i))
			<-f.happened
			if f.get() == nil {
				t.Error("got no fault after it happened")
			}
		})
	}
	wg.Wait()
}
