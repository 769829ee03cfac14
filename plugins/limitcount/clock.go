package limitcount

import "time"

// clock tells the time in nanoseconds since 1970. It starts at the wall clock, so that sliding windows begin on the full minute
// or hour as they do in APISIX, and goes on with the monotonic one: setting the machine's clock changes no limit.
type clock struct {
	start time.Time
	nanos int64
}

func newClock() clock {
	start := time.Now()
	return clock{start: start, nanos: start.UnixNano()}
}

func (c clock) now() int64 { return c.nanos + int64(time.Since(c.start)) }
