package prometheus_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins/prometheus"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// proxied are the variables of a request that a node answered.
func proxied(more ...string) map[string]string {
	vars := map[string]string{
		"route_id": "1", "route_name": "hello", "matched_uri": "/hello", "matched_host": "a.com",
		"service_id": "7", "service_name": "shop", "balancer_ip": "127.0.0.1",
		"request_time": "0.030", "upstream_response_time": "0.010",
		"request_length": "100", "bytes_sent": "2000",
	}
	for i := 0; i < len(more); i += 2 {
		vars[more[i]] = more[i+1]
	}
	return vars
}

func exchange(vars map[string]string) *plugintest.Exchange {
	opts := []plugintest.Option{plugintest.WithUpstream(plugintest.Upstream{Status: 200})}
	for name, value := range vars {
		opts = append(opts, plugintest.WithVar(name, value))
	}
	return plugintest.New(opts...)
}

// lines returns the lines of the registry that begin with one of the prefixes.
func lines(t *testing.T, r *metrics.Registry, prefixes ...string) []string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(b.String()) {
		for _, prefix := range prefixes {
			if strings.HasPrefix(line, prefix) {
				found = append(found, strings.TrimSuffix(line, "\n"))
			}
		}
	}
	return found
}

func TestSeries(t *testing.T) {
	all := []string{"apisix_http_status", "apisix_http_latency_sum", "apisix_bandwidth"}
	const tail = `request_type="traditional_http",request_llm_model="",llm_model=""`
	tests := []struct {
		name, conf, attr, meta string
		vars                   map[string]string
		answer                 func(sdk.Exchange) error
		show                   []string
		want                   []string
	}{
		{"proxied", `{}`, "", "", proxied(), nil, all, []string{
			`apisix_bandwidth{type="egress",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 2000`,
			`apisix_bandwidth{type="ingress",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 100`,
			`apisix_http_latency_sum{type="apisix",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 20`,
			`apisix_http_latency_sum{type="request",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 30`,
			`apisix_http_latency_sum{type="upstream",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 10`,
			`apisix_http_status{code="200",route="1",matched_uri="/hello",matched_host="a.com",service="7",consumer="",node="127.0.0.1",` + tail + `,response_source="upstream"} 1`,
		}},
		{"names", `{"prefer_name":true}`, "", "", proxied("consumer_name", "jack"), nil, all[:1], []string{
			`apisix_http_status{code="200",route="hello",matched_uri="/hello",matched_host="a.com",service="shop",consumer="jack",node="127.0.0.1",` + tail + `,response_source="upstream"} 1`,
		}},
		{"no names", `{"prefer_name":true}`, "", "", proxied("route_name", "", "service_name", ""), nil, all[:1], []string{
			`apisix_http_status{code="200",route="1",matched_uri="/hello",matched_host="a.com",service="7",consumer="",node="127.0.0.1",` + tail + `,response_source="upstream"} 1`,
		}},
		{"no route", `{}`, "", "", map[string]string{"request_time": "0.001"}, func(x sdk.Exchange) error { return x.Exit(404, nil) }, all, []string{
			`apisix_bandwidth{type="egress",route="",service="",consumer="",node="",` + tail + `} 0`,
			`apisix_bandwidth{type="ingress",route="",service="",consumer="",node="",` + tail + `} 0`,
			`apisix_http_latency_sum{type="apisix",route="",service="",consumer="",node="",` + tail + `} 1`,
			`apisix_http_latency_sum{type="request",route="",service="",consumer="",node="",` + tail + `} 1`,
			`apisix_http_status{code="404",route="",matched_uri="",matched_host="",service="",consumer="",node="",` + tail + `,response_source="apisix"} 1`,
		}},
		{"node failed", `{}`, "", "", proxied(), func(sdk.Exchange) error { return errors.New("no answer") }, all[:1], []string{
			`apisix_http_status{code="500",route="1",matched_uri="/hello",matched_host="a.com",service="7",consumer="",node="127.0.0.1",` + tail + `,response_source="nginx"} 1`,
		}},
		{"several tries", `{}`, "", "", proxied("upstream_response_time", "0.005, - : 0.015"), nil, []string{"apisix_http_latency_sum{type=\"upstream\""}, []string{
			`apisix_http_latency_sum{type="upstream",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 20`,
		}},
		{"upstream slower than all", `{}`, "", "", proxied("upstream_response_time", "9"), nil, []string{"apisix_http_latency_sum{type=\"apisix\""}, []string{
			`apisix_http_latency_sum{type="apisix",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 0`,
		}},
		{"odd figures", `{}`, "", "", proxied("upstream_response_time", "-", "request_length", "x", "request_time", "1e999"), nil, all[1:], []string{
			`apisix_bandwidth{type="egress",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 2000`,
			`apisix_bandwidth{type="ingress",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 0`,
			`apisix_http_latency_sum{type="apisix",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 0`,
			`apisix_http_latency_sum{type="request",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 0`,
		}},
		{"language model", `{}`, "", "", proxied("request_type", "ai_chat", "request_llm_model", strings.Repeat("m", 500), "llm_model", "gpt"), nil, all[:1], []string{
			`apisix_http_status{code="200",route="1",matched_uri="/hello",matched_host="a.com",service="7",consumer="",node="127.0.0.1",request_type="ai_chat",request_llm_model="` +
				strings.Repeat("m", 128) + `",llm_model="gpt",response_source="upstream"} 1`,
		}},
		{"disabled labels", `{}`, "", `{"disabled_labels":{"http_status":["route","node","matched_uri"],"bandwidth":["node"]}}`, proxied(), nil, all, []string{
			`apisix_bandwidth{type="egress",route="1",service="7",consumer="",node="",` + tail + `} 2000`,
			`apisix_bandwidth{type="ingress",route="1",service="7",consumer="",node="",` + tail + `} 100`,
			`apisix_http_latency_sum{type="apisix",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 20`,
			`apisix_http_latency_sum{type="request",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 30`,
			`apisix_http_latency_sum{type="upstream",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 10`,
			`apisix_http_status{code="200",route="",matched_uri="",matched_host="a.com",service="7",consumer="",node="",` + tail + `,response_source="upstream"} 1`,
		}},
		{"extra labels", `{}`, `{"metrics":{"http_status":{"extra_labels":[{"up":"$upstream_addr"},{"dummy":"$nothing"}]},"bandwidth":{"extra_labels":[{"ua":"$http_user_agent"}]}}}`, "",
			proxied("upstream_addr", "127.0.0.1:80", "http_user_agent", "a\xffb"), nil, []string{"apisix_http_status", `apisix_bandwidth{type="ingress"`}, []string{
				`apisix_bandwidth{type="ingress",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `,ua="a�b"} 100`,
				`apisix_http_status{code="200",route="1",matched_uri="/hello",matched_host="a.com",service="7",consumer="",node="127.0.0.1",` + tail + `,response_source="upstream",up="127.0.0.1:80",dummy=""} 1`,
			}},
		{"buckets and prefix", `{}`, `{"metric_prefix":"my_","default_buckets":[15,55]}`, "", proxied(), nil, []string{`my_http_latency_bucket{type="request"`}, []string{
			`my_http_latency_bucket{type="request",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `,le="15"} 0`,
			`my_http_latency_bucket{type="request",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `,le="55"} 1`,
			`my_http_latency_bucket{type="request",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `,le="+Inf"} 1`,
		}},
		{"full", `{}`, `{"metrics":{"http_status":{"max_series":-1},"bandwidth":{"max_series":1}}}`, "", proxied(), nil, []string{`apisix_bandwidth`}, []string{
			`apisix_bandwidth{type="ingress",route="1",service="7",consumer="",node="127.0.0.1",` + tail + `} 100`,
			`apisix_bandwidth{type="overflow",route="overflow",service="overflow",consumer="overflow",node="overflow",request_type="overflow",request_llm_model="overflow",llm_model="overflow"} 2000`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := metrics.New(metrics.Options{})
			scope := sdk.Scope{}
			if tt.attr != "" {
				scope.Attr = json.RawMessage(tt.attr)
			}
			if tt.meta != "" {
				scope.Metadata = json.RawMessage(tt.meta)
			}
			hooks := plugintest.Configure(t, prometheus.New(r), tt.conf, scope)
			hooks.Access = tt.answer
			plugintest.Walk(hooks, exchange(tt.vars))
			if diff := cmp.Diff(tt.want, lines(t, r, tt.show...)); diff != "" {
				t.Errorf("series differ (-want +got):\n%s", diff)
			}
		})
	}
}

// timed is an exchange that knows its own figures.
type timed struct{ *plugintest.Exchange }

func (timed) Timing() (time.Time, time.Duration, time.Duration, int64, int64) {
	return time.Time{}, 1500 * time.Microsecond, 500 * time.Microsecond, 10, 20
}

func TestTimer(t *testing.T) {
	r := metrics.New(metrics.Options{})
	hooks := plugintest.Configure(t, prometheus.New(r), `{}`, sdk.Scope{})
	hooks.Log(timed{exchange(map[string]string{"request_time": "99"})})
	var got []string
	for _, line := range lines(t, r, "apisix_http_latency_sum", "apisix_bandwidth") {
		_, line, _ = strings.Cut(line, `{type="`)
		kind, rest, _ := strings.Cut(line, `"`)
		got = append(got, kind+rest[strings.LastIndex(rest, " "):])
	}
	want := []string{"egress 20", "ingress 10", "apisix 1", "request 1.5", "upstream 0.5"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("figures differ (-want +got):\n%s", diff)
	}
}

func TestClientGone(t *testing.T) {
	r := metrics.New(metrics.Options{})
	hooks := plugintest.Configure(t, prometheus.New(r), `{}`, sdk.Scope{})
	hooks.Log(exchange(map[string]string{"status": "499"}))
	if got := lines(t, r, `apisix_http_status{code="499"`); len(got) != 1 {
		t.Errorf("got %q, want one series with code 499", got)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := metrics.New(metrics.Options{})
		scope := sdk.Scope{Attr: json.RawMessage(`{"metrics":{"http_status":{"expire":1.5}}}`)}
		hooks := plugintest.Configure(t, prometheus.New(r), `{}`, scope)
		plugintest.Walk(hooks, exchange(proxied()))
		plugintest.Walk(hooks, exchange(proxied()))
		time.Sleep(2 * time.Second)
		if got := lines(t, r, "apisix_http_status"); got != nil {
			t.Errorf("got %q after the series expired", got)
		}
		plugintest.Walk(hooks, exchange(proxied()))
		got := lines(t, r, "apisix_http_status")
		if len(got) != 1 || !strings.HasSuffix(got[0], "} 1") {
			t.Errorf("got %q after the series came back, want one with 1", got)
		}
		if got := lines(t, r, "apisix_bandwidth{type=\"ingress\""); len(got) != 1 || !strings.HasSuffix(got[0], "} 300") {
			t.Errorf("got %q, want one series that did not expire", got)
		}
	})
}

func TestConfigurations(t *testing.T) {
	r := metrics.New(metrics.Options{})
	p := prometheus.New(r)
	scope := func(attr string) sdk.Scope { return sdk.Scope{Attr: json.RawMessage(attr)} }
	for range 2 {
		plugintest.Walk(plugintest.Configure(t, p, `{}`, sdk.Scope{}), exchange(proxied()))
	}
	if got := lines(t, r, "apisix_http_status"); len(got) != 1 || !strings.HasSuffix(got[0], "} 2") {
		t.Errorf("got %q from two configurations, want one series with 2", got)
	}
	if _, err := plugintest.TryConfigure(p, `{}`, scope(`{"default_buckets":[2,1]}`)); err == nil {
		t.Error("falling buckets were accepted")
	}
	if got := lines(t, r, "apisix_http_status"); len(got) != 1 {
		t.Errorf("got %q after a bad entry, want the series as before", got)
	}
	hooks := plugintest.Configure(t, p, `{}`, scope(`{"metric_prefix":"new_"}`))
	plugintest.Walk(hooks, exchange(proxied()))
	if got := lines(t, r, "apisix_", "new_http_status"); len(got) != 1 || !strings.HasSuffix(got[0], "} 1") {
		t.Errorf("got %q after another entry, want one new series with 1", got)
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, attr, meta, want string }{
		{"type", `{"prefer_name":1}`, "", "", "decode configuration: "},
		{"metadata", `{}`, "", `{"disabled_labels":[]}`, "decode metadata: "},
		{"attr", `{}`, `{"metrics":1}`, "", "decode plugin_attr.prometheus: "},
		{"prefix", `{}`, `{"metric_prefix":"a b"}`, "", `metric_prefix "a b"`},
		{"extra label", `{}`, `{"metrics":{"bandwidth":{"extra_labels":[{"a-b":"$x"}]}}}`, "", `"a-b" is not allowed`},
		{"label of the family", `{}`, `{"metrics":{"http_latency":{"extra_labels":[{"node":"$x"}]}}}`, "", "used twice"},
		{"bucket label", `{}`, `{"metrics":{"http_latency":{"extra_labels":[{"le":"$x"}]}}}`, "", `"le" is not allowed`},
		{"no variable", `{}`, `{"metrics":{"http_status":{"extra_labels":[{"a":"x"}]}}}`, "", "name a variable"},
		{"two in one", `{}`, `{"metrics":{"http_status":{"extra_labels":[{"a":"$x","b":"$y"}]}}}`, "", "each entry is one label"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			scope := sdk.Scope{Attr: json.RawMessage(tt.attr), Metadata: json.RawMessage(tt.meta)}
			if tt.meta == "" {
				scope.Metadata = nil
			}
			_, err := plugintest.TryConfigure(prometheus.New(metrics.New(metrics.Options{})), tt.conf, scope)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	info := prometheus.New(metrics.New(metrics.Options{})).Info()
	if info.Name != "prometheus" || info.Priority != 500 || !info.PreferRoute || !json.Valid(info.Schema) || !json.Valid(info.MetadataSchema) {
		t.Errorf("got info %+v", info)
	}
}

// Requests of ever new kinds, expiry, scrapes and configurations at once; run with -race.
func TestHammer(t *testing.T) {
	r := metrics.New(metrics.Options{})
	p := prometheus.New(r)
	scope := sdk.Scope{Attr: json.RawMessage(`{"metrics":{"bandwidth":{"expire":0.001}}}`)}
	hooks := plugintest.Configure(t, p, `{}`, scope)
	const workers, each = 4, 300
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range each {
				hooks.Log(timed{exchange(proxied("consumer_name", strconv.Itoa(i%50)))})
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			lines(t, r)
			if _, err := plugintest.TryConfigure(p, `{}`, scope); err != nil {
				t.Error(err)
			}
		}
	})
	wg.Wait()
	total := 0
	for _, line := range lines(t, r, "apisix_http_status") {
		n, err := strconv.Atoi(line[strings.LastIndex(line, " ")+1:])
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != workers*each {
		t.Errorf("got %d requests in all, want %d", total, workers*each)
	}
}
