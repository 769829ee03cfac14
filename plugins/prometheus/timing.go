package prometheus

import (
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/sdk"
)

// Timer is what an [sdk.Exchange] may implement to give its figures without the detour through variables.
type Timer interface {
	// Timing returns when the request began, how long it took, how long its upstream took (0 where none was asked), and
	// how many bytes were received from and sent to the client, heads included.
	Timing() (start time.Time, total, upstream time.Duration, bytesIn, bytesOut int64)
}

// figures are the measured values of one request.
type figures struct {
	total, upstream time.Duration
	proxied         bool
	received, sent  int64
}

// measure reads the figures of a request: directly where the exchange offers it, from variables otherwise.
func measure(x sdk.Exchange) figures {
	if t, ok := x.(Timer); ok {
		_, total, upstream, received, sent := t.Timing()
		return figures{total, upstream, upstream > 0, received, sent}
	}
	var f figures
	f.total, _ = seconds(x, "request_time")
	f.upstream, f.proxied = seconds(x, "upstream_response_time")
	f.received = count(x, "request_length")
	f.sent = count(x, "bytes_sent")
	return f
}

// seconds reads a variable that holds seconds, or those of several tries: "0.010, 0.002 : 0.030", "-" for one without.
func seconds(x sdk.Exchange, name string) (time.Duration, bool) {
	text, ok := x.Var(name)
	if !ok {
		return 0, false
	}
	var sum float64
	found := false
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ':' || r == ' ' }) {
		if v, err := strconv.ParseFloat(part, 64); err == nil && v >= 0 && v < 1e9 {
			sum += v
			found = true
		}
	}
	return time.Duration(sum * float64(time.Second)), found
}

func count(x sdk.Exchange, name string) int64 {
	text, _ := x.Var(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
