package prometheus_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins/prometheus"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// bare is an exchange whose parts cost little, so that the plugin's own cost shows.
type bare struct {
	sdk.Exchange
	response response
}

func (b *bare) Response() sdk.Response { return &b.response }

func (b *bare) Timing() (time.Time, time.Duration, time.Duration, int64, int64) {
	return time.Time{}, 3 * time.Millisecond, 2 * time.Millisecond, 200, 3000
}

func (b *bare) Var(name string) (string, bool) {
	switch name {
	case "route_id":
		return "1", true
	case "matched_uri":
		return "/hello", true
	case "balancer_ip":
		return "127.0.0.1", true
	case "consumer_name":
		return "jack", true
	}
	return "", false
}

type response struct{ sdk.Response }

func (*response) Status() int        { return 200 }
func (*response) Origin() sdk.Origin { return sdk.OriginUpstream }

func TestAllocations(t *testing.T) {
	r := metrics.New(metrics.Options{})
	scope := sdk.Scope{Attr: json.RawMessage(`{"metrics":{"http_status":{"expire":60}}}`)}
	hooks := plugintest.Configure(t, prometheus.New(r), `{}`, scope)
	x := &bare{}
	hooks.Log(x)
	if got := testing.AllocsPerRun(100, func() { hooks.Log(x) }); got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkLog(b *testing.B) {
	tests := []struct{ name, attr string }{
		{"plain", `{}`},
		{"expire", `{"metrics":{"http_status":{"expire":60},"http_latency":{"expire":60},"bandwidth":{"expire":60}}}`},
		{"extra labels", `{"metrics":{"http_status":{"extra_labels":[{"a":"$balancer_ip"}]}}}`},
	}
	for _, tt := range tests {
		hooks := plugintest.Configure(b, prometheus.New(metrics.New(metrics.Options{})), `{}`, sdk.Scope{Attr: json.RawMessage(tt.attr)})
		b.Run(tt.name, func(b *testing.B) {
			x := &bare{}
			b.ReportAllocs()
			for b.Loop() {
				hooks.Log(x)
			}
		})
	}
	b.Run("parallel", func(b *testing.B) {
		hooks := plugintest.Configure(b, prometheus.New(metrics.New(metrics.Options{})), `{}`, sdk.Scope{})
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			x := &bare{}
			for pb.Next() {
				hooks.Log(x)
			}
		})
	})
}
