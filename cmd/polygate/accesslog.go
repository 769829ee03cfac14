package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/accesslog"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/internal/metrics"
)

// accessLog is the access log of the process, or nothing where there is none.
type accessLog struct {
	format *accesslog.Format
	writer *accesslog.Writer
	lines  sync.Pool // of *[]byte
}

// openAccessLog opens the access log that the settings ask for, nil if they ask for none.
func openAccessLog(s *settings.Settings, log *slog.Logger) (*accessLog, error) {
	conf := &s.Nginx.HTTP
	if !conf.EnableAccessLog || conf.AccessLog == "" || conf.AccessLog == "off" {
		return nil, nil
	}
	format, err := accessFormat(s)
	if err != nil {
		return nil, err
	}
	w, err := accesslog.Open(accesslog.Options{Path: conf.AccessLog, Flush: int(conf.AccessLogBuffer), Log: log})
	if err != nil {
		return nil, &failure{exitConfig, fmt.Errorf(
			"%s: nginx_config.http.access_log: %w; name another file, or set enable_access_log: false", s.File, err)}
	}
	return &accessLog{format: format, writer: w, lines: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

// count shows how many lines were dropped because the disk was full or too slow: that is how a log with gaps is noticed.
func (a *accessLog) count(m *metrics.Registry) error {
	return m.CounterFunc("access_log_dropped_lines_total", "Lines of the access log that were dropped because the disk was full or too slow",
		func() float64 { return float64(a.writer.Dropped()) })
}

// accessFormat compiles the format of the lines of the access log.
func accessFormat(s *settings.Settings) (*accesslog.Format, error) {
	conf := &s.Nginx.HTTP
	format, err := accesslog.Compile(conf.AccessLogFormat, conf.AccessLogFormatEscape)
	if err != nil {
		return nil, &failure{exitConfig, fmt.Errorf("%s: nginx_config.http.access_log_format: %w", s.File, err)}
	}
	return format, nil
}

// record writes the line of one request.
func (a *accessLog) record(v core.Vars) {
	line := a.lines.Get().(*[]byte)
	*line = append(a.format.Append((*line)[:0], v), '\n')
	_, _ = a.writer.Write(*line) // fails only after Close, when no request is left
	a.lines.Put(line)
}

// reopenOn opens the file again on SIGUSR1 until ctx ends, as nginx does for the rotation of logs.
func (a *accessLog) reopenOn(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return
		case <-signals:
			a.writer.Reopen()
		}
	}
}
