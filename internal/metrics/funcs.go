package metrics

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// Emit takes one value of a family that is asked at every scrape, with the values of the family's labels.
type Emit func(value float64, labels ...string)

// GaugeFunc makes a gauge whose value is asked at every scrape. f may be called from several goroutines at once.
func (r *Registry) GaugeFunc(name, help string, f func() float64) error {
	return r.GaugesFunc(Spec{Name: name, Help: help}, func(emit Emit) { emit(f()) })
}

// CounterFunc makes a counter whose value is asked at every scrape. It must not shrink.
func (r *Registry) CounterFunc(name, help string, f func() float64) error {
	return r.CountersFunc(Spec{Name: name, Help: help}, func(emit Emit) { emit(f()) })
}

// GaugesFunc makes a family of gauges that f names at every scrape, each label set at most once. Of the spec, the name, the
// help and the labels count.
func (r *Registry) GaugesFunc(s Spec, f func(Emit)) error {
	return r.addFunc(s, prometheus.GaugeValue, f)
}

// CountersFunc is [Registry.GaugesFunc] for counters.
func (r *Registry) CountersFunc(s Spec, f func(Emit)) error {
	return r.addFunc(s, prometheus.CounterValue, f)
}

func (r *Registry) addFunc(s Spec, kind prometheus.ValueType, f func(Emit)) error {
	if err := checkSpec(s, false); err != nil {
		return err
	}
	c := &asked{desc: prometheus.NewDesc(s.Name, s.Help, s.Labels, nil), kind: kind, labels: len(s.Labels), ask: f}
	return r.add(s.Name, &family{collector: c, labels: s.Labels})
}

// asked is a family that is asked at every scrape.
type asked struct {
	desc   *prometheus.Desc
	kind   prometheus.ValueType
	labels int
	ask    func(Emit)
}

// Describe implements the client library's collector.
func (a *asked) Describe(out chan<- *prometheus.Desc) { out <- a.desc }

// Collect implements the client library's collector.
func (a *asked) Collect(out chan<- prometheus.Metric) {
	seen := map[string]bool{}
	a.ask(func(value float64, labels ...string) {
		values := make([]string, a.labels)
		for i := range min(a.labels, len(labels)) {
			values[i] = strings.ToValidUTF8(labels[i], "\uFFFD")
		}
		// The client library refuses the whole family for a label set that comes twice; the first one is the better answer.
		key := strings.Join(values, "\xff")
		if seen[key] {
			return
		}
		seen[key] = true
		m, err := prometheus.NewConstMetric(a.desc, a.kind, value, values...)
		if err != nil {
			m = prometheus.NewInvalidMetric(a.desc, fmt.Errorf("collect: %w", err))
		}
		out <- m
	})
}
