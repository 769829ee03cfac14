package limitconn_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/plugins/limitconn"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const one = `{"conn":1,"burst":0,"default_conn_delay":0.1,"key":"http_a"`

// status is that of the answer of the access phase, 200 where there is none.
func status(t *testing.T, hooks sdk.Hooks, x *plugintest.Exchange) int {
	t.Helper()
	err := hooks.Access(x)
	if err == nil {
		return 200
	}
	exit, ok := errors.AsType[*sdk.Exit](err)
	if !ok {
		t.Fatalf("got error %v, want an answer", err)
	}
	return exit.Status
}

func withField(values ...string) *plugintest.Exchange {
	var opts []plugintest.Option
	for i := 0; i+1 < len(values); i += 2 {
		opts = append(opts, plugintest.WithHeader(values[i], values[i+1]))
	}
	return plugintest.New(opts...)
}

// statuses lets requests come while those before are under way.
func statuses(t *testing.T, hooks sdk.Hooks, requests ...*plugintest.Exchange) []int {
	t.Helper()
	var got []int
	for _, x := range requests {
		got = append(got, status(t, hooks, x))
	}
	for _, x := range requests {
		hooks.Log(x)
	}
	return got
}

func TestLimit(t *testing.T) {
	type fields = []string
	tests := []struct {
		name, conf string
		requests   []fields
		want       []int
	}{
		{"one at a time", one + `}`, []fields{{"A", "1"}, {"A", "1"}, {"A", "2"}}, []int{200, 503, 200}},
		{"the address without a key", one + `}`, []fields{{}, {}, {"A", "127.0.0.1"}}, []int{200, 503, 503}},
		{"status", one + `,"rejected_code":429}`, []fields{{}, {}}, []int{200, 429}},
		{"long keys", one + `}`, []fields{{"A", strings.Repeat("x", 999)}, {"A", strings.Repeat("x", 998)}, {"A", strings.Repeat("x", 999)}}, []int{200, 200, 503}},
		{
			"combination", `{"conn":1,"burst":0,"default_conn_delay":0.1,"key":"$http_a $http_b","key_type":"var_combination"}`,
			[]fields{{"A", "1"}, {"A", "1", "B", "1"}, {"A", "1"}, {}, {}}, []int{200, 200, 503, 200, 503},
		},
		{
			"combination without variables", `{"conn":1,"burst":0,"default_conn_delay":0.1,"key":"abc","key_type":"var_combination"}`,
			[]fields{{}, {}}, []int{200, 503},
		},
		{
			"variables", `{"conn":"${http_conn ?? 1}","burst":"${http_burst ?? 0}","default_conn_delay":0.0001,"key":"remote_addr"}`,
			[]fields{{}, {}, {"Conn", "2"}, {"Burst", "2"}, {"Conn", "1", "Burst", "2"}}, []int{200, 503, 200, 200, 503},
		},
		{
			"bad variables", `{"conn":"${http_conn ?? 1}","burst":"${http_burst ?? 0}","default_conn_delay":0.1,"key":"remote_addr"}`,
			[]fields{{"Conn", "0"}, {"Conn", "x"}, {"Burst", "-1"}, {"Burst", "1.5"}, {}}, []int{500, 500, 500, 500, 200},
		},
		{"degraded", `{"conn":"$http_conn","burst":0,"default_conn_delay":0.1,"key":"remote_addr","allow_degradation":true}`, []fields{{}, {}}, []int{200, 200}},
		{
			"rules", `{"default_conn_delay":0.1,"rules":[{"conn":1,"burst":0,"key":"$http_a"},{"conn":2,"burst":0,"key":"$http_b"}]}`,
			[]fields{{"A", "x"}, {"A", "x"}, {"B", "x"}, {"A", "y", "B", "x"}, {"A", "z", "B", "x"}, {}}, []int{200, 503, 200, 200, 503, 500},
		},
		{
			"a rule with bad variables does not apply",
			`{"default_conn_delay":0.1,"rules":[{"conn":"$http_conn","burst":0,"key":"$http_a"},{"conn":1,"burst":0,"key":"$http_b"}]}`,
			[]fields{{"A", "x", "B", "x"}, {"A", "x", "B", "x"}, {"A", "x"}}, []int{200, 503, 500},
		},
		{"a rule for everybody does not apply", `{"default_conn_delay":0.1,"rules":[{"conn":1,"burst":0,"key":"all"}]}`, []fields{{}}, []int{500}},
		{"huge numbers", `{"conn":1e300,"burst":1e300,"default_conn_delay":1,"key":"remote_addr"}`, []fields{{}, {}}, []int{200, 200}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hooks := plugintest.Configure(t, limitconn.New(), tt.conf, sdk.Scope{Resource: "routes/1"})
			// What has left must leave room for the same again.
			for range 3 {
				var requests []*plugintest.Exchange
				for _, f := range tt.requests {
					requests = append(requests, withField(f...))
				}
				if diff := cmp.Diff(tt.want, statuses(t, hooks, requests...)); diff != "" {
					t.Fatalf("statuses differ (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestMessage(t *testing.T) {
	hooks := plugintest.Configure(t, limitconn.New(), one+`,"rejected_msg":"busy"}`, sdk.Scope{})
	x := withField()
	if err := hooks.Access(x); err != nil {
		t.Fatal(err)
	}
	out := plugintest.Walk(hooks, withField())
	if want := `{"error_msg":"busy"}` + "\n"; out.Status != 503 || out.Body != want {
		t.Errorf("got %d %q, want 503 %q", out.Status, out.Body, want)
	}
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hooks := plugintest.Configure(t, limitconn.New(), `{"conn":2,"burst":4,"default_conn_delay":0.5,"key":"remote_addr"}`, sdk.Scope{})
		var waits []time.Duration
		for range 6 {
			start := time.Now()
			if got := status(t, hooks, withField()); got != 200 {
				t.Fatalf("got status %d, want 200", got)
			}
			waits = append(waits, time.Since(start))
		}
		const half = time.Second / 2
		if diff := cmp.Diff([]time.Duration{0, 0, half, half, 2 * half, 2 * half}, waits); diff != "" {
			t.Errorf("delays differ (-want +got):\n%s", diff)
		}
	})
}

// TestDelayBlocksNobody lets a request pass at once while another one waits.
func TestDelayBlocksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hooks := plugintest.Configure(t, limitconn.New(), `{"conn":1,"burst":1,"default_conn_delay":1e300,"key":"http_a"}`, sdk.Scope{})
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		first, second := withField(), plugintest.New(plugintest.WithContext(ctx))
		if got := status(t, hooks, first); got != 200 {
			t.Fatalf("got status %d, want 200", got)
		}
		done := make(chan error)
		go func() { done <- hooks.Access(second) }()
		synctest.Wait()
		start := time.Now()
		if got := statuses(t, hooks, withField("A", "1"), withField()); !cmp.Equal(got, []int{200, 503}) || time.Since(start) != 0 {
			t.Errorf("got statuses %v after %v, want 200 and 503 at once", got, time.Since(start))
		}
		cancel(gone)
		if err := <-done; !errors.Is(err, gone) {
			t.Errorf("got error %v, want %v", err, gone)
		}
		hooks.Log(second)
		hooks.Log(first)
		if got := statuses(t, hooks, withField()); !cmp.Equal(got, []int{200}) {
			t.Errorf("got statuses %v once both have left, want 200", got)
		}
	})
}

// TestLeave takes back only what was counted, under the key that it was counted for.
func TestLeave(t *testing.T) {
	hooks := plugintest.Configure(t, limitconn.New(), one+`}`, sdk.Scope{})
	first, refused := withField("A", "1"), withField("A", "1")
	if got := []int{status(t, hooks, first), status(t, hooks, refused)}; !cmp.Equal(got, []int{200, 503}) {
		t.Fatalf("got statuses %v, want 200 and 503", got)
	}
	hooks.Log(refused)
	if got := statuses(t, hooks, withField("A", "1")); !cmp.Equal(got, []int{503}) {
		t.Errorf("got statuses %v after the refused one has left, want 503", got)
	}
	first.Request().Header().Set("A", "2")
	hooks.Log(first)
	if got := statuses(t, hooks, withField("A", "1")); !cmp.Equal(got, []int{200}) {
		t.Errorf("got statuses %v after the first one has left, want 200", got)
	}
	hooks.Log(withField("A", "1")) // one that another plugin has refused before
}

func TestScope(t *testing.T) {
	plugin := limitconn.New()
	configure := func(conf, resource string) sdk.Hooks {
		return plugintest.Configure(t, plugin, conf, sdk.Scope{Resource: resource})
	}
	before := configure(one+`}`, "routes/1")
	x := withField()
	if got := status(t, before, x); got != 200 {
		t.Fatalf("got status %d, want 200", got)
	}
	tests := []struct {
		name  string
		hooks sdk.Hooks
		want  int
	}{
		{"the same again", configure(one+`}`, "routes/1"), 503},
		{"the same with something of others", configure(one+`,"_meta":{"priority":1}}`, "routes/1"), 503},
		{"another resource", configure(one+`}`, "consumers/jack"), 200},
		{"another configuration", configure(one+`,"rejected_code":429}`, "routes/1"), 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := statuses(t, tt.hooks, withField()); !cmp.Equal(got, []int{tt.want}) {
				t.Errorf("got statuses %v, want %d", got, tt.want)
			}
		})
	}
	// A global rule and a route count one request both, each for itself.
	global := configure(one+`}`, "global_rules/1")
	if got := status(t, global, x); got != 200 {
		t.Errorf("got status %d of the global rule, want 200", got)
	}
	before.Log(x)
	if got := statuses(t, global, withField()); !cmp.Equal(got, []int{503}) {
		t.Errorf("got statuses %v, want 503 until the global rule's hook has run", got)
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"policy", one + `,"policy":"redis"}`, `policy "redis" is not offered: requests are counted in the gateway, use "local"`},
		{"type", `{"conn":true,"burst":0,"default_conn_delay":1,"key":"a"}`, "conn: decode true"},
		{"type of a rule", `{"default_conn_delay":1,"rules":[{"conn":1,"burst":{},"key":"a"}]}`, "rule 1: burst: decode {}"},
		{"delay", `{"conn":1,"burst":0,"default_conn_delay":"1","key":"a"}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(limitconn.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	if info := limitconn.New().Info(); info.Name != "limit-conn" || info.Priority != 1003 {
		t.Errorf("got info %+v", info)
	}
}

func BenchmarkLimit(b *testing.B) {
	hooks := plugintest.Configure(b, limitconn.New(), `{"conn":5,"burst":1,"default_conn_delay":0.1,"key":"remote_addr"}`, sdk.Scope{})
	x := withField()
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Access(x); err != nil {
			b.Fatal(err)
		}
		hooks.Log(x)
	}
}
