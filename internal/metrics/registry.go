// Package metrics keeps the gateway's figures and shows them in Prometheus' text format.
//
// It hides the client library behind a few small types: [Counter], [Gauge] and [Histogram], families of them that differ by
// label values ([CounterVec] and its like), and functions that are asked at every scrape. The values of one family live as
// long as its [Registry]; whoever changes a value often keeps the handle that With returned.
package metrics

import (
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// DefaultMaxSeries is how many label sets one family holds where [Spec.MaxSeries] does not say otherwise.
const DefaultMaxSeries = 50_000

// OverflowValue is the value of all labels of the series that counts for label sets beyond [Spec.MaxSeries].
const OverflowValue = "overflow"

// ErrDuplicate is returned, wrapped, for a family whose name is taken.
var ErrDuplicate = errors.New("metric exists already")

// Options are the settings of a [Registry].
type Options struct {
	// Prefix is put before the name of every family, for example "apisix_".
	Prefix string
	// Runtime adds the metrics of the Go runtime and of the process (go_…, process_…), which never get the prefix.
	Runtime bool
}

// Spec describes one family of series.
type Spec struct {
	Name    string        // without the registry's prefix, for example "http_status"
	Help    string        // one sentence
	Labels  []string      // names of the labels, in the order in which they are shown
	Buckets []float64     // upper bounds of a histogram, ascending and without +Inf; nil for other kinds
	Expire  time.Duration // removes series that have not changed for this long; 0 keeps them for ever
	// MaxSeries is how many label sets the family holds at most; 0 means [DefaultMaxSeries]. Those that come later share one
	// series whose labels are all [OverflowValue].
	MaxSeries int
}

// Registry is a set of metric families. All methods may be called from several goroutines at once.
type Registry struct {
	own     *prometheus.Registry
	runtime *prometheus.Registry
	prefix  atomic.Pointer[string]
	epoch   atomic.Uint64
	refused atomic.Uint64

	mu       sync.Mutex
	families map[string]*family // guarded by mu
}

// family is what the registry knows of one registered name.
type family struct {
	collector prometheus.Collector
	labels    []string
	sweep     func(now time.Time) int // nil for families whose series do not expire
}

// New makes a registry.
func New(o Options) *Registry {
	r := &Registry{
		own:      prometheus.NewRegistry(),
		runtime:  prometheus.NewRegistry(),
		families: map[string]*family{},
	}
	r.SetPrefix(o.Prefix)
	if o.Runtime {
		r.runtime.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	return r
}

// SetPrefix replaces the prefix of all names from the next scrape on.
func (r *Registry) SetPrefix(prefix string) { r.prefix.Store(&prefix) }

// Epoch changes whenever series were removed because they expired. A handle that was obtained in an earlier epoch may belong
// to a series that is no longer shown; ask the family for a new one.
func (r *Registry) Epoch() uint64 { return r.epoch.Load() }

// Refused is how often a label set was turned away because its family was full.
func (r *Registry) Refused() uint64 { return r.refused.Load() }

// Remove takes the family of that name, without the prefix, out of the registry and reports whether there was one. Handles
// of it go on working, but nobody sees their values.
func (r *Registry) Remove(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.families[name]
	if !ok {
		return false
	}
	delete(r.families, name)
	return r.own.Unregister(f.collector)
}

// add registers a family.
func (r *Registry) add(name string, f *family) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.families[name]; ok {
		return fmt.Errorf("register metric %q: %w", name, ErrDuplicate)
	}
	if err := r.own.Register(f.collector); err != nil {
		return fmt.Errorf("register metric %q: %w", name, err)
	}
	r.families[name] = f
	return nil
}

// snapshot returns the families by name.
func (r *Registry) snapshot() map[string]*family {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.families)
}

// Must returns v, and panics where err is not nil. It is for families that the program itself names.
func Must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
