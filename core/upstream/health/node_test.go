package health

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

func TestCount(t *testing.T) {
	healthy := rule{successes: 2}
	unhealthy := rule{failures: 3, refusals: 2, timeouts: 0}
	tests := []struct {
		name   string
		events string // s: success, h: HTTP failure, t: TCP failure, o: timeout
		want   Status
		counts [events]int
		turns  int
	}{
		{"new", "", Healthy, [events]int{}, 0},
		{"successes of a healthy node", "sss", Healthy, [events]int{}, 0},
		{"one failure", "h", MostlyHealthy, [events]int{0, 1, 0, 0}, 0},
		{"failures of different kinds", "hht", MostlyHealthy, [events]int{0, 2, 1, 0}, 0},
		{"enough failures", "hhh", Unhealthy, [events]int{0, 3, 0, 0}, 1},
		{"enough refusals", "htt", Unhealthy, [events]int{0, 1, 2, 0}, 1},
		{"what has no limit does not count", "oooo", Healthy, [events]int{}, 0},
		{"more failures do not count", "tttth", Unhealthy, [events]int{0, 0, 2, 0}, 1},
		{"a success forgives failures", "hhs", MostlyHealthy, [events]int{1, 0, 0, 0}, 0},
		{"two are healthy again", "hhss", Healthy, [events]int{2, 0, 0, 0}, 0},
		{"failures begin again", "hhshh", MostlyHealthy, [events]int{0, 2, 0, 0}, 0},
		{"one success", "tts", MostlyUnhealthy, [events]int{1, 0, 0, 0}, 1},
		{"a failure after a success", "ttst", MostlyUnhealthy, [events]int{0, 0, 1, 0}, 1},
		{"down again", "ttstt", Unhealthy, [events]int{0, 0, 2, 0}, 1},
		{"up again", "ttss", Healthy, [events]int{2, 0, 0, 0}, 2},
		{"up and down", "ttsstt", Unhealthy, [events]int{0, 0, 2, 0}, 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, turns := &node{}, 0
			for i := range len(tt.events) {
				e := event(strings.IndexByte("shto", tt.events[i]))
				if n.count(e, e.limit(&healthy, &unhealthy)) {
					turns++
				}
			}
			got, counts := n.snapshot()
			if got != tt.want || counts != tt.counts || turns != tt.turns {
				t.Errorf("got %v %v and %d turns, want %v %v and %d", got, counts, turns, tt.want, tt.counts, tt.turns)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	for s, want := range map[Status]string{
		Healthy: "healthy", Unhealthy: "unhealthy", MostlyHealthy: "mostly_healthy", MostlyUnhealthy: "mostly_unhealthy", 9: "status 9",
	} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestCountHammer checks that turns are told once each, whoever counts.
func TestCountHammer(t *testing.T) {
	n := &node{}
	var mu sync.Mutex
	turns := 0
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20000 {
				if n.count(rand.N(events), 2) {
					mu.Lock()
					turns++
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if got := turns%2 == 0; got != n.load().Serves() {
		t.Errorf("got %d turns and a node that is %v at the end", turns, n.load())
	}
}
