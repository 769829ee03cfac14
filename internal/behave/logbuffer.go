package behave

import (
	"strings"
	"sync"
	"time"
)

// logBuffer keeps the lines that a gateway logs.
type logBuffer struct {
	mu      sync.Mutex // guards the fields below
	lines   []string
	rest    string        // of a line that has not ended
	arrived chan struct{} // closed and replaced whenever a line comes
}

func newLogBuffer() *logBuffer { return &logBuffer{arrived: make(chan struct{})} }

// Write takes some of the log.
func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			break
		}
		l.lines, l.rest = append(l.lines, line), rest
	}
	close(l.arrived)
	l.arrived = make(chan struct{})
	return len(p), nil
}

// mark returns a number for what comes from now on.
func (l *logBuffer) mark() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// find returns the first line behind the mark that matches, as soon as there is one or time is up.
func (l *logBuffer) find(mark int, p pattern, limit time.Duration) string {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		l.mu.Lock()
		lines, arrived := l.lines[mark:], l.arrived
		l.mu.Unlock()
		for _, line := range lines {
			if p.match(line) {
				return line
			}
		}
		mark += len(lines)
		select {
		case <-arrived:
		case <-timer.C:
			return ""
		}
	}
}
