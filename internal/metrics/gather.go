package metrics

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// maxScrapes bounds the scrapes that are answered at the same time; each holds the whole text in memory.
const maxScrapes = 4

// Handler answers scrapes. It does not look at the path.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(prometheus.GathererFunc(r.gather), promhttp.HandlerOpts{
		// A family that cannot be read must not hide the others.
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	})
}

// WriteText writes all families in Prometheus' text format, version 0.0.4.
func (r *Registry) WriteText(w io.Writer) error {
	families, err := r.gather()
	for _, f := range families {
		if _, werr := expfmt.MetricFamilyToText(w, f); werr != nil {
			return fmt.Errorf("write metrics: %w", werr)
		}
	}
	if err != nil {
		return fmt.Errorf("gather metrics: %w", err)
	}
	return nil
}

// gather reads all families; those that could be read come together with the error about the others.
func (r *Registry) gather() ([]*dto.MetricFamily, error) {
	known := r.snapshot()
	r.sweep(known, time.Now())
	families, err := r.own.Gather()
	prefix := *r.prefix.Load()
	for _, f := range families {
		if k := known[f.GetName()]; k != nil {
			orderLabels(f, k.labels)
		}
		name := prefix + f.GetName()
		f.Name = &name
	}
	others, otherErr := r.runtime.Gather()
	return append(families, others...), errors.Join(err, otherErr)
}

// sweep removes the series that have expired.
func (r *Registry) sweep(families map[string]*family, now time.Time) {
	dropped := 0
	for _, f := range families {
		if f.sweep != nil {
			dropped += f.sweep(now)
		}
	}
	if dropped > 0 {
		r.epoch.Add(1)
	}
}

// orderLabels puts the labels in the family's own order: the client library sorts them by name.
func orderLabels(f *dto.MetricFamily, order []string) {
	if len(order) < 2 {
		return
	}
	rank := make(map[string]int, len(order))
	for i, name := range order {
		rank[name] = i
	}
	for _, m := range f.Metric {
		// The list belongs to the series and is read by other scrapes at the same time.
		m.Label = slices.Clone(m.Label)
		slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return rank[a.GetName()] - rank[b.GetName()] })
	}
}
