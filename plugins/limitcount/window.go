package limitcount

import "math"

const second = 1_000_000_000

// counter is the state of one key.
type counter struct {
	expires  int64 // in nanoseconds since 1970; the end of a fixed window
	window   int64 // the number of the current sliding window
	count    int64 // in the current window
	previous int64 // in the sliding window before
}

// quota is what may still be sent, and in which time.
type quota struct {
	limit     int64
	remaining int64
	reset     int64 // hundredths of a second until there is room again
	rejected  bool
}

// limit is a resolved pair of count and time_window.
type limit struct {
	count  int64
	window int64 // in seconds
}

// maxWindow keeps the end of a window within 63 bits of nanoseconds. It is more than 200 years.
const maxWindow = 7_000_000_000

func (l limit) nanos() int64 { return min(l.window, maxWindow) * second }

// fixed counts a request in a window that begins with its first request.
func (c *counter) fixed(l limit, now int64) quota {
	if c.expires <= now {
		*c = counter{expires: now + l.nanos()}
	}
	c.count++
	q := quota{limit: l.count, remaining: l.count - c.count, reset: (c.expires - now) / (second / 100)}
	if q.remaining < 0 {
		q.remaining, q.rejected = 0, true
	}
	return q
}

// sliding counts a request unless the current window, together with the part of the window before that is not yet over, is full.
func (c *counter) sliding(l limit, now int64) quota {
	size := l.nanos()
	if number := now / size; number != c.window {
		previous := int64(0)
		if number == c.window+1 {
			previous = c.count
		}
		*c = counter{window: number, previous: previous}
	}
	c.expires = (c.window + 2) * size
	left := float64(size - now%size)
	rate := float64(min(c.previous, l.count)) / float64(size)
	q := quota{limit: l.count, reset: hundredths(left)}
	if c.count < l.count && rate*left+float64(c.count) < float64(l.count) {
		c.count++
		// Why max? APISIX can tell -1 here, which is no number of requests.
		q.remaining = max(0, int64(math.Floor(float64(l.count-c.count)-rate*left)))
		return q
	}
	q.rejected = true
	if c.count < l.count {
		q.reset = hundredths(max(0, left-float64(l.count-c.count)/rate))
	}
	return q
}

// hundredths rounds nanoseconds up.
func hundredths(nanos float64) int64 { return int64(math.Ceil(nanos / (second / 100))) }
