package main

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"
)

// reportCPU writes the table of costs. Ratios are taken within a round, so that a slow minute of the machine counts on both sides.
func (b *bench) reportCPU(w io.Writer) {
	fmt.Fprintf(w, "\n%d rounds of %v, %d connections, one core, %s/%s\n\n", b.rounds, b.length, b.conns, runtime.GOOS, runtime.GOARCH)
	fmt.Fprintln(w, "| subject | µs/request | best | requests/s | times | of | spread | target | |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|---|---|--:|---|")
	for _, s := range chosen(b.subjects) {
		own, unit := b.samples[s.name], b.samples[s.unit]
		ratios := make([]float64, len(own))
		for i := range own {
			ratios[i] = float64(own[i].cost) / float64(unit[i].cost)
		}
		slices.Sort(ratios)
		ratio := ratios[len(ratios)/2]
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %.0f | %.2f | %s | %.2f-%.2f | %s |\n", s.name,
			float64(median(own, func(s sample) time.Duration { return s.cost }))/1e3, float64(best(own))/1e3,
			median(own, func(s sample) float64 { return s.rate }), ratio, s.unit, ratios[0], ratios[len(ratios)-1],
			verdict(ratio, s.target))
	}
}

// verdict is a target, and whether it is met.
func verdict(got, target float64) string {
	switch {
	case target == 0:
		return "|"
	case got <= target:
		return fmt.Sprintf("%.2f | met", target)
	}
	return fmt.Sprintf("%.2f | **missed**", target)
}

func median[T time.Duration | float64](samples []sample, of func(sample) T) T {
	values := make([]T, len(samples))
	for i, s := range samples {
		values[i] = of(s)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// best is the cost in the round that was disturbed least.
func best(samples []sample) time.Duration {
	least := samples[0].cost
	for _, s := range samples {
		least = min(least, s.cost)
	}
	return least
}

func reportMemory(w io.Writer, rows []memoryRow) {
	fmt.Fprintln(w, "\n| store | resources | RSS, MiB | target | |")
	fmt.Fprintln(w, "|---|--:|--:|--:|---|")
	for _, r := range rows {
		met := "met"
		if r.rss > r.target {
			met = "**missed**"
		}
		fmt.Fprintf(w, "| %s | %d | %.1f | %d | %s |\n", r.store, r.routes, float64(r.rss)/mib, r.target/mib, met)
	}
}
