package metrics

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// CounterVec is a family of counters that differ by label values.
type CounterVec struct{ series *series[*Counter] }

// With returns the counter with these label values, in the order of [Spec.Labels]; a missing value is empty. The same values
// give the same counter. Bytes that are not UTF-8 are replaced.
func (v *CounterVec) With(values ...string) *Counter { return v.series.get(values) }

// GaugeVec is a family of gauges that differ by label values.
type GaugeVec struct{ series *series[*Gauge] }

// With returns the gauge with these label values, as [CounterVec.With] does.
func (v *GaugeVec) With(values ...string) *Gauge { return v.series.get(values) }

// Delete removes the series with these label values.
func (v *GaugeVec) Delete(values ...string) { v.series.remove(values) }

// HistogramVec is a family of histograms that differ by label values.
type HistogramVec struct{ series *series[*Histogram] }

// With returns the histogram with these label values, as [CounterVec.With] does.
func (v *HistogramVec) With(values ...string) *Histogram { return v.series.get(values) }

// CounterVec makes a family of counters.
func (r *Registry) CounterVec(s Spec) (*CounterVec, error) {
	if err := checkSpec(s, false); err != nil {
		return nil, err
	}
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: s.Name, Help: s.Help}, s.Labels)
	out := &CounterVec{newSeries(r, s, vec.DeleteLabelValues, func(values []string, a *age) (*Counter, error) {
		c, err := vec.GetMetricWithLabelValues(values...)
		return &Counter{c, a}, err
	})}
	return out, r.add(s.Name, &family{collector: vec, labels: s.Labels, sweep: out.series.sweep})
}

// GaugeVec makes a family of gauges.
func (r *Registry) GaugeVec(s Spec) (*GaugeVec, error) {
	if err := checkSpec(s, false); err != nil {
		return nil, err
	}
	vec := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: s.Name, Help: s.Help}, s.Labels)
	out := &GaugeVec{newSeries(r, s, vec.DeleteLabelValues, func(values []string, a *age) (*Gauge, error) {
		g, err := vec.GetMetricWithLabelValues(values...)
		return &Gauge{g, a}, err
	})}
	return out, r.add(s.Name, &family{collector: vec, labels: s.Labels, sweep: out.series.sweep})
}

// HistogramVec makes a family of histograms.
func (r *Registry) HistogramVec(s Spec) (*HistogramVec, error) {
	if err := checkSpec(s, true); err != nil {
		return nil, err
	}
	opts := prometheus.HistogramOpts{Name: s.Name, Help: s.Help, Buckets: s.Buckets}
	vec := prometheus.NewHistogramVec(opts, s.Labels)
	out := &HistogramVec{newSeries(r, s, vec.DeleteLabelValues, func(values []string, a *age) (*Histogram, error) {
		h, err := vec.GetMetricWithLabelValues(values...)
		return &Histogram{h, a}, err
	})}
	return out, r.add(s.Name, &family{collector: vec, labels: s.Labels, sweep: out.series.sweep})
}

// checkSpec refuses what the client library would panic about.
func checkSpec(s Spec, histogram bool) error {
	sorted := slices.Sorted(slices.Values(s.Labels))
	if len(slices.Compact(sorted)) != len(s.Labels) {
		return fmt.Errorf("register metric %q: a label name is used twice", s.Name)
	}
	for _, label := range s.Labels {
		if !validLabel(label) || histogram && label == "le" {
			return fmt.Errorf("register metric %q: label name %q is not allowed: use letters, digits and underscores",
				s.Name, label)
		}
	}
	if !histogram {
		return nil
	}
	return checkBuckets(s.Name, s.Buckets)
}

// validLabel tells whether name is a label name of the classic text format.
func validLabel(name string) bool {
	if name == "" || strings.HasPrefix(name, "__") || name[0] >= '0' && name[0] <= '9' {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func checkBuckets(name string, buckets []float64) error {
	if len(buckets) == 0 {
		return fmt.Errorf("register metric %q: %w", name, errors.New("a histogram needs buckets"))
	}
	last := math.Inf(-1)
	for _, b := range buckets {
		if !(b > last) || math.IsInf(b, 1) {
			return fmt.Errorf("register metric %q: buckets must be finite and ascend, %v does not follow %v", name, b, last)
		}
		last = b
	}
	return nil
}
