package metrics

import (
	"errors"
	"io"
	"math"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// text returns the registry's lines without comments.
func text(t *testing.T, r *Registry) []string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatalf("write text: %v", err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

func TestText(t *testing.T) {
	labels := []string{"type", "route", "code"}
	tests := []struct {
		name string
		fill func(t *testing.T, r *Registry)
		want []string
	}{
		{"counter", func(_ *testing.T, r *Registry) {
			c := Must(r.Counter("tries", "tries"))
			c.Inc()
			c.Add(2.5)
			c.Add(-1)
			c.Add(math.NaN())
		}, []string{"p_tries 3.5"}},
		{"gauge", func(_ *testing.T, r *Registry) {
			g := Must(r.Gauge("depth", "depth"))
			g.Set(7)
			g.Add(-2)
		}, []string{"p_depth 5"}},
		{"histogram", func(_ *testing.T, r *Registry) {
			h := Must(r.Histogram("size", "size", []float64{1, 10}))
			h.Observe(0.5)
			h.Observe(20)
			h.Observe(math.NaN())
		}, []string{`p_size_bucket{le="1"} 1`, `p_size_bucket{le="10"} 1`, `p_size_bucket{le="+Inf"} 2`, "p_size_sum 20.5", "p_size_count 2"}},
		{"labels keep their order", func(_ *testing.T, r *Registry) {
			Must(r.CounterVec(Spec{Name: "c", Labels: labels})).With("t", "r", "200").Inc()
			Must(r.HistogramVec(Spec{Name: "h", Labels: labels, Buckets: []float64{1}})).With("t", "r", "200").Observe(1)
			Must(r.GaugeVec(Spec{Name: "g", Labels: labels})).With("t", "r", "200").Set(3)
		}, []string{
			`p_c{type="t",route="r",code="200"} 1`,
			`p_g{type="t",route="r",code="200"} 3`,
			`p_h_bucket{type="t",route="r",code="200",le="1"} 1`,
			`p_h_bucket{type="t",route="r",code="200",le="+Inf"} 1`,
			`p_h_sum{type="t",route="r",code="200"} 1`,
			`p_h_count{type="t",route="r",code="200"} 1`,
		}},
		{"missing and odd values", func(_ *testing.T, r *Registry) {
			v := Must(r.CounterVec(Spec{Name: "c", Labels: labels}))
			v.With("a\xff", "\"\\\n").Inc()
			v.With("1", "2", "3", "too many").Inc()
		}, []string{`p_c{type="a�",route="\"\\\n",code=""} 1`, `p_c{type="1",route="2",code="3"} 1`}},
		{"deleted", func(_ *testing.T, r *Registry) {
			v := Must(r.GaugeVec(Spec{Name: "g", Labels: []string{"a"}}))
			v.With("1").Set(1)
			v.With("2").Set(2)
			v.Delete("1")
			v.Delete("never")
		}, []string{`p_g{a="2"} 2`}},
		{"asked", func(t *testing.T, r *Registry) {
			err := errors.Join(
				r.GaugeFunc("g", "g", func() float64 { return 1 }),
				r.CounterFunc("c", "c", func() float64 { return 2 }),
				r.GaugesFunc(Spec{Name: "v", Labels: []string{"b", "a"}}, func(emit Emit) {
					emit(3, "x", "y")
					emit(4, "x", "y")
					emit(5)
				}),
			)
			if err != nil {
				t.Fatal(err)
			}
		}, []string{"p_c 2", "p_g 1", `p_v{b="",a=""} 5`, `p_v{b="x",a="y"} 3`}},
		{"full", func(_ *testing.T, r *Registry) {
			v := Must(r.CounterVec(Spec{Name: "c", Labels: []string{"a", "b"}, MaxSeries: 2}))
			for i := range 5 {
				v.With(strconv.Itoa(i), "x").Inc()
			}
		}, []string{`p_c{a="0",b="x"} 1`, `p_c{a="1",b="x"} 1`, `p_c{a="overflow",b="overflow"} 3`}},
		{"removed", func(t *testing.T, r *Registry) {
			Must(r.Counter("c", "c")).Inc()
			if !r.Remove("c") || r.Remove("c") {
				t.Error("Remove does not tell whether there was a family")
			}
			Must(r.Gauge("c", "c")).Set(4)
		}, []string{"p_c 4"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := New(Options{Prefix: "p_"})
			tt.fill(t, r)
			if diff := cmp.Diff(tt.want, text(t, r)); diff != "" {
				t.Errorf("text differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusedSpecs(t *testing.T) {
	tests := []struct {
		name string
		make func(r *Registry) error
		want string
	}{
		{"label twice", func(r *Registry) error {
			_, err := r.CounterVec(Spec{Name: "c", Labels: []string{"a", "a"}})
			return err
		}, "used twice"},
		{"bad label", func(r *Registry) error {
			_, err := r.GaugeVec(Spec{Name: "c", Labels: []string{"a-b"}})
			return err
		}, `"a-b" is not allowed`},
		{"le", func(r *Registry) error {
			_, err := r.HistogramVec(Spec{Name: "c", Labels: []string{"le"}, Buckets: []float64{1}})
			return err
		}, `"le" is not allowed`},
		{"no buckets", func(r *Registry) error {
			_, err := r.HistogramVec(Spec{Name: "c"})
			return err
		}, "needs buckets"},
		{"falling buckets", func(r *Registry) error {
			_, err := r.Histogram("c", "c", []float64{2, 1})
			return err
		}, "1 does not follow 2"},
		{"infinite bucket", func(r *Registry) error {
			_, err := r.Histogram("c", "c", []float64{2, math.Inf(1)})
			return err
		}, "must be finite"},
		{"asked with a bad label", func(r *Registry) error {
			return r.GaugesFunc(Spec{Name: "c", Labels: []string{"1"}}, func(Emit) {})
		}, "not allowed"},
		{"no name", func(r *Registry) error {
			_, err := r.Counter("", "")
			return err
		}, "register metric"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.make(New(Options{}))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestDuplicate(t *testing.T) {
	r := New(Options{})
	Must(r.Counter("c", "c"))
	if _, err := r.GaugeVec(Spec{Name: "c"}); !errors.Is(err, ErrDuplicate) {
		t.Errorf("got error %v, want %v", err, ErrDuplicate)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(Options{})
		v := Must(r.CounterVec(Spec{Name: "c", Labels: []string{"a"}, Expire: time.Minute, MaxSeries: 2}))
		idle, busy := v.With("idle"), v.With("busy")
		idle.Inc()
		v.With("beyond").Inc()
		epoch := r.Epoch()
		for range 3 {
			time.Sleep(40 * time.Second)
			busy.Inc()
		}
		if diff := cmp.Diff([]string{`c{a="busy"} 3`}, text(t, r)); diff != "" {
			t.Errorf("text differs (-want +got):\n%s", diff)
		}
		if r.Epoch() == epoch {
			t.Error("the epoch stayed although series expired")
		}
		v.With("idle").Inc()
		if diff := cmp.Diff([]string{`c{a="busy"} 3`, `c{a="idle"} 1`}, text(t, r)); diff != "" {
			t.Errorf("text differs (-want +got):\n%s", diff)
		}
		if got := r.Refused(); got != 1 {
			t.Errorf("got %d refused label sets, want 1", got)
		}
	})
}

func TestHandler(t *testing.T) {
	r := New(Options{Prefix: "apisix_", Runtime: true})
	Must(r.Counter("c", "c")).Inc()
	r.SetPrefix("my_")
	rec := httptest.NewRecorder()
	r.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/any", nil))
	if got := rec.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4") {
		t.Errorf("got content type %q", got)
	}
	for _, want := range []string{"\nmy_c 1\n", "\ngo_goroutines ", "\nprocess_open_fds "} {
		if !strings.Contains("\n"+rec.Body.String(), want) {
			t.Errorf("scrape lacks %q", want)
		}
	}
}

func TestGateway(t *testing.T) {
	r := New(Options{Prefix: "apisix_"})
	err := r.AddGateway(Gateway{
		Hostname:      "h",
		Version:       "3.18.0",
		Requests:      func() float64 { return 12 },
		Connections:   func() Connections { return Connections{Active: 1, Accepted: 5, Handled: 5, Waiting: 1} },
		EtcdReachable: func() bool { return true },
		ModifyIndexes: func(yield func(string, int64)) { yield("routes", 42) },
		Config: func() Config {
			return Config{Rejected: 2, Warnings: map[string]int{"": 1, "none-such": 3}, Lag: 7, FromCopy: true}
		},
		UpstreamStatus: func(yield func(NodeStatus)) {
			yield(NodeStatus{Name: "/apisix/upstreams/1", IP: "10.0.0.1", Port: "80", Healthy: true})
			yield(NodeStatus{Name: "/apisix/upstreams/1", IP: "10.0.0.2", Port: "80"})
		},
		BatchEntries: func(yield func(BatchStatus)) { yield(BatchStatus{"http logger", "1", "127.0.0.1", 3}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`apisix_batch_process_entries{name="http logger",route_id="1",server_addr="127.0.0.1"} 3`,
		`apisix_config_from_copy 1`,
		`apisix_config_lag_revisions 7`,
		`apisix_config_rejected 2`,
		`apisix_config_warnings{plugin=""} 1`,
		`apisix_config_warnings{plugin="none-such"} 3`,
		`apisix_etcd_modify_indexes{key="routes"} 42`,
		`apisix_etcd_reachable 1`,
		`apisix_http_requests_total 12`,
		`apisix_nginx_http_current_connections{state="accepted"} 5`,
		`apisix_nginx_http_current_connections{state="active"} 1`,
		`apisix_nginx_http_current_connections{state="handled"} 5`,
		`apisix_nginx_http_current_connections{state="reading"} 0`,
		`apisix_nginx_http_current_connections{state="waiting"} 1`,
		`apisix_nginx_http_current_connections{state="writing"} 0`,
		`apisix_nginx_metric_errors_total 0`,
		`apisix_node_info{hostname="h",version="3.18.0"} 1`,
		`apisix_upstream_status{name="/apisix/upstreams/1",ip="10.0.0.1",port="80"} 1`,
		`apisix_upstream_status{name="/apisix/upstreams/1",ip="10.0.0.2",port="80"} 0`,
	}
	if diff := cmp.Diff(want, text(t, r)); diff != "" {
		t.Errorf("text differs (-want +got):\n%s", diff)
	}
	if err := New(Options{}).AddGateway(Gateway{}); err != nil {
		t.Errorf("a gateway without figures: %v", err)
	}
}

// Writers, scrapes, expiry and removal at once; run with -race.
func TestHammer(t *testing.T) {
	r := New(Options{Runtime: true})
	counters := Must(r.CounterVec(Spec{Name: "c", Labels: []string{"b", "a"}, Expire: time.Nanosecond, MaxSeries: 50}))
	sizes := Must(r.HistogramVec(Spec{Name: "h", Labels: []string{"b", "a"}, Buckets: []float64{1, 2}}))
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := range 500 {
				label := strconv.Itoa((i + worker) % 100)
				counters.With(label, "x").Inc()
				sizes.With(label, "x").Observe(float64(i))
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			for range 20 {
				if err := r.WriteText(io.Discard); err != nil {
					t.Errorf("write text: %v", err)
				}
			}
		})
	}
	wg.Go(func() {
		for range 100 {
			Must(r.Gauge("g", "g")).Set(1)
			r.Remove("g")
		}
	})
	wg.Wait()
	if got := len(text(t, r)); got == 0 {
		t.Error("no lines after the hammer")
	}
}

func TestAllocations(t *testing.T) {
	r := New(Options{})
	v := Must(r.CounterVec(Spec{Name: "c", Labels: []string{"a", "b"}, Expire: time.Hour}))
	h := Must(r.Histogram("h", "h", []float64{1, 2}))
	got := testing.AllocsPerRun(100, func() {
		v.With("one", "two").Inc()
		h.Observe(1)
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}

func BenchmarkCounterHandle(b *testing.B) {
	c := Must(New(Options{}).CounterVec(Spec{Name: "c", Labels: []string{"a"}})).With("x")
	b.ReportAllocs()
	for b.Loop() {
		c.Inc()
	}
}

func BenchmarkCounterWith(b *testing.B) {
	v := Must(New(Options{}).CounterVec(Spec{Name: "c", Labels: []string{"a", "b", "c"}}))
	b.ReportAllocs()
	for b.Loop() {
		v.With("route-1", "service-1", "consumer").Inc()
	}
}

func BenchmarkHistogramHandle(b *testing.B) {
	h := Must(New(Options{}).Histogram("h", "h", []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000}))
	b.ReportAllocs()
	for b.Loop() {
		h.Observe(3.5)
	}
}
