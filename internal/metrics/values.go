package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Counter is a value that only grows. Its methods do not lock and do not allocate.
type Counter struct {
	value prometheus.Counter
	age   *age
}

// Inc adds one.
func (c *Counter) Inc() {
	c.age.touch()
	c.value.Inc()
}

// Add adds v; a negative or undefined one is ignored.
func (c *Counter) Add(v float64) {
	if !(v >= 0) {
		return
	}
	c.age.touch()
	c.value.Add(v)
}

// Gauge is a value that rises and falls. Its methods do not lock and do not allocate.
type Gauge struct {
	value prometheus.Gauge
	age   *age
}

// Set replaces the value.
func (g *Gauge) Set(v float64) {
	g.age.touch()
	g.value.Set(v)
}

// Add adds v, which may be negative.
func (g *Gauge) Add(v float64) {
	g.age.touch()
	g.value.Add(v)
}

// Histogram counts observations by their size. Its methods do not lock and do not allocate.
type Histogram struct {
	value prometheus.Observer
	age   *age
}

// Observe adds one observation; an undefined one is ignored, because it would spoil the sum for ever.
func (h *Histogram) Observe(v float64) {
	if v != v {
		return
	}
	h.age.touch()
	h.value.Observe(v)
}

// age is when a series changed last; nil for series that do not expire.
type age struct{ millis atomic.Int64 }

func (a *age) touch() {
	if a == nil {
		return
	}
	// Most calls of a busy series fall into the same millisecond: a load leaves the cache line shared, a store would not.
	if now := time.Now().UnixMilli(); a.millis.Load() != now {
		a.millis.Store(now)
	}
}

// since returns for how long the series has not changed.
func (a *age) since(now time.Time) time.Duration {
	return time.Duration(now.UnixMilli()-a.millis.Load()) * time.Millisecond
}

// Counter makes a counter without labels.
func (r *Registry) Counter(name, help string) (*Counter, error) {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	return &Counter{value: c}, r.add(name, &family{collector: c})
}

// Gauge makes a gauge without labels.
func (r *Registry) Gauge(name, help string) (*Gauge, error) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	return &Gauge{value: g}, r.add(name, &family{collector: g})
}

// Histogram makes a histogram without labels.
func (r *Registry) Histogram(name, help string, buckets []float64) (*Histogram, error) {
	if err := checkBuckets(name, buckets); err != nil {
		return nil, err
	}
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
	return &Histogram{value: h}, r.add(name, &family{collector: h})
}
