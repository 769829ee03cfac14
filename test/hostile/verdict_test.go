package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/internal/regex"
)

// result is what happened in a case.
type result struct {
	seen
	received []byte // by the upstream
	requests int
}

// judge returns why no outcome holds, and nil if one does.
func judge(outcomes []outcome, r *result) error {
	var why []string
	for i := range outcomes {
		err := outcomes[i].holds(r)
		if err == nil {
			return nil
		}
		why = append(why, err.Error())
	}
	return fmt.Errorf("%s", strings.Join(why, "; or "))
}

func (o *outcome) holds(r *result) error {
	switch {
	case len(o.Status) > 0 && !slices.Contains(o.Status, r.status):
		return fmt.Errorf("got status %s, want %s", r.status, strings.Join(o.Status, " or "))
	case o.UpstreamMax != nil && r.requests > *o.UpstreamMax:
		return fmt.Errorf("got %d requests at the upstream, want at most %d", r.requests, *o.UpstreamMax)
	case r.responses < o.ResponsesMin:
		return fmt.Errorf("got %d responses, want at least %d", r.responses, o.ResponsesMin)
	case o.ResponsesMax > 0 && r.responses > o.ResponsesMax:
		return fmt.Errorf("got %d responses, want at most %d", r.responses, o.ResponsesMax)
	case o.MaxSeconds > 0 && r.took.Seconds() > o.MaxSeconds:
		return fmt.Errorf("it took %v, want at most %v s", r.took.Round(time.Millisecond), o.MaxSeconds)
	}
	for _, check := range []struct {
		side    string
		data    []byte
		list    []string
		matches bool
	}{
		{"the upstream received", r.received, o.UpstreamForbid, false},
		{"the upstream received", r.received, o.UpstreamRequire, true},
		{"the client received", r.bytes, o.ClientForbid, false},
		{"the client received", r.bytes, o.ClientRequire, true},
	} {
		for _, pattern := range check.list {
			got, err := matches(pattern, check.data)
			if err != nil {
				return err
			}
			if got != check.matches {
				return fmt.Errorf("%s something that matches %s: %v, want %v", check.side, pattern, got, check.matches)
			}
		}
	}
	return nil
}

// matches tells whether an expression matches bytes, each of which counts as the character of its number. Case does not matter, "^"
// begins a line, and "." is any byte.
func matches(pattern string, data []byte) (bool, error) {
	re, err := regex.Compile(pattern, "ims")
	if err != nil {
		return false, fmt.Errorf("expression %s: %w", pattern, err)
	}
	text := make([]rune, len(data))
	for i, b := range data {
		text[i] = rune(b)
	}
	got, err := re.Match(string(text))
	if err != nil {
		return false, fmt.Errorf("expression %s: %w", pattern, err)
	}
	return got, nil
}

func TestJudge(t *testing.T) {
	none, one := 0, 1
	good := result{
		seen:     seen{status: "200", responses: 1, bytes: []byte("HTTP/1.1 200 OK\r\n\r\nhello"), took: time.Second},
		received: []byte("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel\xb2o"), requests: 1,
	}
	tests := []struct {
		name    string
		outcome outcome
		want    bool
	}{
		{"nothing asked", outcome{}, true},
		{"status", outcome{Status: []string{"400", "200"}}, true},
		{"other status", outcome{Status: []string{"400"}}, false},
		{"few requests", outcome{UpstreamMax: &one}, true},
		{"too many requests", outcome{UpstreamMax: &none}, false},
		{"field at the upstream", outcome{UpstreamForbid: []string{"^content-length: 5"}}, false},
		{"no such field", outcome{UpstreamForbid: []string{"^transfer-encoding"}}, true},
		{"two fields at once", outcome{UpstreamForbid: []string{"(?=.*^content-length:)(?=.*^host:)"}}, false},
		{"one field alone", outcome{UpstreamForbid: []string{"(?=.*^content-length:)(?=.*^te:)"}}, true},
		{"byte above ASCII", outcome{UpstreamRequire: []string{"hel\\xb2o"}}, true},
		{"missing at the upstream", outcome{UpstreamRequire: []string{"smuggled"}}, false},
		{"client's bytes", outcome{ClientRequire: []string{"hello"}, ClientForbid: []string{"500"}}, true},
		{"client's forbidden bytes", outcome{ClientForbid: []string{"hello"}}, false},
		{"too few responses", outcome{ResponsesMin: 2}, false},
		{"enough responses", outcome{ResponsesMin: 1, ResponsesMax: 1}, true},
		{"too slow", outcome{MaxSeconds: 0.5}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := judge([]outcome{tt.outcome}, &good); (err == nil) != tt.want {
				t.Errorf("got %v, want it to hold: %v", err, tt.want)
			}
		})
	}
}
