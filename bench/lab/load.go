package lab

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// Load is what is asked of a proxy.
type Load struct {
	URL     string
	Headers []string // "Name: value"
	Script  string   // path of a Lua script for wrk; empty: GET
	Conns   int
	For     time.Duration // whole seconds
}

// Done is what a proxy did under a load.
type Done struct {
	Requests int64
	Took     time.Duration
}

// Rate is in requests per second.
func (d Done) Rate() float64 { return float64(d.Requests) / d.Took.Seconds() }

// Run makes the load with wrk. Any answer that is not a success is an error: it would be cheaper than the real one.
func (l Load) Run(ctx context.Context) (Done, error) {
	args := []string{"-c", strconv.Itoa(CPULoad), "wrk", "-t1", fmt.Sprintf("-c%d", l.Conns), fmt.Sprintf("-d%ds", int(l.For.Seconds()))}
	if l.Script != "" {
		args = append(args, "-s", l.Script)
	}
	for _, h := range l.Headers {
		args = append(args, "-H", h)
	}
	out, err := exec.CommandContext(ctx, "taskset", append(args, l.URL)...).CombinedOutput()
	if err != nil {
		return Done{}, fmt.Errorf("load %s: %w\n%s", l.URL, err, out)
	}
	return parseWrk(string(out))
}

// parseWrk reads wrk's report.
func parseWrk(report string) (Done, error) {
	if trouble := regexp.MustCompile(`Non-2xx.*|Socket errors: connect \d+, read \d+, write \d+`).FindString(report); trouble != "" &&
		trouble != "Socket errors: connect 0, read 0, write 0" { // what remains are answers after more than 2 s, which count
		return Done{}, fmt.Errorf("not all requests succeeded: %s", trouble)
	}
	m := regexp.MustCompile(`(\d+) requests in ([\d.]+)(m?s|m),`).FindStringSubmatch(report)
	if m == nil {
		return Done{}, fmt.Errorf("no summary in the report of wrk: %s", report)
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		return Done{}, fmt.Errorf("read the report of wrk: %w", err)
	}
	took, err := time.ParseDuration(m[2] + m[3])
	if err != nil {
		return Done{}, fmt.Errorf("read the report of wrk: %w", err)
	}
	if n == 0 {
		return Done{}, fmt.Errorf("no request was completed: %s", report)
	}
	return Done{n, took}, nil
}
