package prometheus

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/sdk"
)

// exporter is one configuration.
type exporter struct {
	families *families
	reader   reader
	disabled map[string][]string // labels that are left empty, by family
	cache    *cache
}

// handles are the series that one kind of request changes.
type handles struct {
	status                    *metrics.Counter
	request, upstream, apisix *metrics.Histogram // upstream is nil for requests that no upstream took part in
	ingress, egress           *metrics.Counter
}

func newExporter(f *families, preferName bool, disabled map[string][]string) *exporter {
	e := &exporter{families: f, disabled: disabled}
	all := []string{statusName, latencyName, bandwidthName}
	needed := func(label string, families ...string) bool {
		return slices.ContainsFunc(families, func(f string) bool { return !slices.Contains(disabled[f], label) })
	}
	e.reader = reader{
		preferName: preferName,
		route:      needed("route", all...),
		service:    needed("service", all...),
		consumer:   needed("consumer", all...),
		node:       needed("node", all...),
		uri:        needed("matched_uri", statusName),
		host:       needed("matched_host", statusName),
		sources:    needed("response_source", statusName),
		request: needed("request_type", all...) || needed("request_llm_model", all...) ||
			needed("llm_model", all...),
		extra: slices.Concat(f.extra.status, f.extra.latency, f.extra.bandwidth),
	}
	return e
}

// log counts one request. It neither locks nor allocates for a kind of request that was seen before.
func (e *exporter) log(x sdk.Exchange) {
	f := measure(x)
	l := labels{proxied: f.proxied}
	e.reader.read(x, &l)
	h := e.cache.get(&l)
	h.status.Inc()
	h.request.Observe(milliseconds(f.total))
	if h.upstream != nil {
		h.upstream.Observe(milliseconds(f.upstream))
	}
	// Where both were measured by different clocks the difference can fall below zero.
	h.apisix.Observe(milliseconds(max(f.total-f.upstream, 0)))
	h.ingress.Add(float64(f.received))
	h.egress.Add(float64(f.sent))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// open finds the series for labels. It is called once for each kind of request.
func (e *exporter) open(l *labels) *handles {
	extras := strings.Split(l.extras, extraEnd)
	extra := e.families.extra
	forStatus := extras[:len(extra.status)]
	forLatency := extras[len(extra.status):][:len(extra.latency)]
	forBandwidth := extras[len(extra.status)+len(extra.latency):][:len(extra.bandwidth)]

	latency := func(kind string) *metrics.Histogram {
		return e.families.latency.With(e.traffic(latencyName, kind, l, forLatency)...)
	}
	bandwidth := func(kind string) *metrics.Counter {
		return e.families.bandwidth.With(e.traffic(bandwidthName, kind, l, forBandwidth)...)
	}
	h := &handles{
		status:  e.families.status.With(e.status(l, forStatus)...),
		request: latency("request"),
		apisix:  latency("apisix"),
		ingress: bandwidth("ingress"),
		egress:  bandwidth("egress"),
	}
	if l.proxied {
		h.upstream = latency("upstream")
	}
	return h
}

// status returns the label values of http_status.
func (e *exporter) status(l *labels, extra []string) []string {
	show := e.show(statusName)
	values := []string{
		strconv.Itoa(l.status), show("route", l.route), show("matched_uri", l.uri), show("matched_host", l.host),
		show("service", l.service), show("consumer", l.consumer), show("node", l.node),
		show("request_type", l.requestType), show("request_llm_model", l.requestModel), show("llm_model", l.model),
		show("response_source", l.source),
	}
	return append(values, extra...)
}

// traffic returns the label values of http_latency and bandwidth.
func (e *exporter) traffic(family, kind string, l *labels, extra []string) []string {
	show := e.show(family)
	values := []string{
		kind, show("route", l.route), show("service", l.service), show("consumer", l.consumer), show("node", l.node),
		show("request_type", l.requestType), show("request_llm_model", l.requestModel), show("llm_model", l.model),
	}
	return append(values, extra...)
}

// show returns a function that empties the values of labels that are switched off.
func (e *exporter) show(family string) func(label, value string) string {
	disabled := e.disabled[family]
	return func(label, value string) string {
		if slices.Contains(disabled, label) {
			return ""
		}
		return value
	}
}
