package prometheus

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/polygate/polygate/internal/metrics"
)

// The names of the families, without prefix.
const (
	statusName    = "http_status"
	latencyName   = "http_latency"
	bandwidthName = "bandwidth"
)

const defaultPrefix = "apisix_"

// attributes are the plugin's entry under plugin_attr of config.yaml, as far as the plugin reads it.
type attributes struct {
	MetricPrefix   *string                    `json:"metric_prefix"`
	DefaultBuckets []float64                  `json:"default_buckets"`
	Metrics        map[string]metricAttribute `json:"metrics"`
}

type metricAttribute struct {
	Expire      float64             `json:"expire"` // seconds
	ExtraLabels []map[string]string `json:"extra_labels"`
	MaxSeries   int                 `json:"max_series"` // 0 means the registry's default; not in APISIX
}

func parseAttributes(raw string) (attributes, error) {
	var a attributes
	if raw == "" {
		return a, nil
	}
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		return a, fmt.Errorf("decode plugin_attr.prometheus: %w", err)
	}
	if ok, err := regexp.MatchString(`^([a-zA-Z_:][a-zA-Z0-9_:]*)?$`, a.prefix()); err != nil || !ok {
		return a, fmt.Errorf("plugin_attr.prometheus.metric_prefix %q: use letters, digits, underscores and colons", a.prefix())
	}
	return a, nil
}

func (a attributes) prefix() string {
	if a.MetricPrefix == nil {
		return defaultPrefix
	}
	return *a.MetricPrefix
}

func (a attributes) buckets() []float64 {
	if len(a.DefaultBuckets) > 0 {
		return a.DefaultBuckets
	}
	return []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000}
}

// families are the metrics that the plugin keeps.
type families struct {
	attr      string // the entry that they were made from
	status    *metrics.CounterVec
	latency   *metrics.HistogramVec
	bandwidth *metrics.CounterVec
	extra     extraVars
}

// extraVars are the variables of the configured extra labels.
type extraVars struct{ status, latency, bandwidth []string }

func newFamilies(r *metrics.Registry, a attributes) (*families, error) {
	f := &families{}
	spec := func(name, help string, labels []string) (metrics.Spec, []string, error) {
		m := a.Metrics[name]
		s := metrics.Spec{Name: name, Help: help, Labels: labels, MaxSeries: m.MaxSeries}
		s.Expire = time.Duration(m.Expire * float64(time.Second))
		vars, err := m.extend(&s)
		return s, vars, err
	}
	status, vars, err := spec(statusName, "Number of responses by status code",
		[]string{"code", "route", "matched_uri", "matched_host", "service", "consumer", "node",
			"request_type", "request_llm_model", "llm_model", "response_source"})
	if err != nil {
		return nil, err
	}
	f.extra.status = vars
	traffic := []string{"type", "route", "service", "consumer", "node", "request_type", "request_llm_model", "llm_model"}
	latency, vars, err := spec(latencyName, "Duration of requests in milliseconds: all of it, the upstream's and the gateway's part",
		traffic)
	if err != nil {
		return nil, err
	}
	f.extra.latency, latency.Buckets = vars, a.buckets()
	bandwidth, vars, err := spec(bandwidthName, "Bytes received from and sent to clients", traffic)
	if err != nil {
		return nil, err
	}
	f.extra.bandwidth = vars
	if f.status, err = r.CounterVec(status); err != nil {
		return nil, err
	}
	if f.latency, err = r.HistogramVec(latency); err != nil {
		return nil, err
	}
	f.bandwidth, err = r.CounterVec(bandwidth)
	return f, err
}

// extend adds the extra labels to s and returns the variables of their values.
func (m metricAttribute) extend(s *metrics.Spec) ([]string, error) {
	var vars []string
	labels := s.Labels[:len(s.Labels):len(s.Labels)]
	for _, entry := range m.ExtraLabels {
		if len(entry) != 1 {
			return nil, fmt.Errorf("plugin_attr.prometheus.metrics.%s.extra_labels: each entry is one label and its variable", s.Name)
		}
		for label, variable := range entry {
			if !strings.HasPrefix(variable, "$") || len(variable) < 2 {
				return nil, fmt.Errorf("plugin_attr.prometheus.metrics.%s.extra_labels: the value of %s is %q: name a variable such as $upstream_addr",
					s.Name, label, variable)
			}
			labels = append(labels, label)
			vars = append(vars, variable[1:])
		}
	}
	s.Labels = labels
	return vars, nil
}
