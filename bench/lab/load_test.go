package lab

import (
	"testing"
	"time"
)

func TestParseWrk(t *testing.T) {
	const head = "Running 3s test @ http://127.0.0.1:1/\n  1 threads and 50 connections\n"
	tests := []struct {
		name   string
		report string
		want   Done
		bad    bool
	}{
		{name: "plain", report: head + "  90000 requests in 3.00s, 12.34MB read\n", want: Done{90000, 3 * time.Second}},
		{name: "minutes", report: head + "  90000 requests in 1.50m, 12.34MB read\n", want: Done{90000, 90 * time.Second}},
		{name: "refused", report: head + "  9 requests in 3.00s, 1MB read\n  Non-2xx or 3xx responses: 9\n", bad: true},
		{name: "broken", report: head + "  9 requests in 3.00s, 1MB read\n  Socket errors: connect 0, read 3, write 0, timeout 0\n", bad: true},
		{name: "slow", report: head + "  9 requests in 3.00s, 1MB read\n  Socket errors: connect 0, read 0, write 0, timeout 3\n", want: Done{9, 3 * time.Second}},
		{name: "nothing done", report: head + "  0 requests in 3.00s, 0B read\n", bad: true},
		{name: "no report", report: "unable to connect", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseWrk(tt.report)
			if (err != nil) != tt.bad {
				t.Fatalf("got error %v, want one: %v", err, tt.bad)
			}
			if got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
