package limitcount

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// visit is a request and what is expected of it.
type visit struct {
	after  time.Duration // before the request
	header [2]string
	remote string
	status int
	fields []string // of the response
}

func (v visit) exchange() *plugintest.Exchange {
	opts := []plugintest.Option{plugintest.WithTarget("/hello")}
	if v.header[0] != "" {
		opts = append(opts, plugintest.WithHeader(v.header[0], v.header[1]))
	}
	if v.remote != "" {
		opts = append(opts, plugintest.WithRemoteAddr(v.remote))
	}
	return plugintest.New(opts...)
}

func quotaFields(limit, remaining, reset string) []string {
	return []string{"X-RateLimit-Limit: " + limit, "X-RateLimit-Remaining: " + remaining, "X-RateLimit-Reset: " + reset}
}

func TestAccess(t *testing.T) {
	tests := []struct {
		name   string
		conf   string
		visits []visit
	}{
		{
			name: "fixed window",
			conf: `{"count":2,"time_window":60}`,
			visits: []visit{
				{status: 200, fields: quotaFields("2", "1", "60")},
				{after: 20 * time.Millisecond, status: 200, fields: quotaFields("2", "0", "59.98")},
				{after: 9_880 * time.Millisecond, status: 503, fields: quotaFields("2", "0", "50.1")},
				{remote: "192.0.2.1", status: 200, fields: quotaFields("2", "1", "60")},
				{after: 50_100 * time.Millisecond, status: 200, fields: quotaFields("2", "1", "60")},
			},
		},
		{
			name: "sliding window", // the fake clock starts at a full minute
			conf: `{"count":4,"time_window":60,"window_type":"sliding"}`,
			visits: []visit{
				{status: 200, fields: quotaFields("4", "3", "60")},
				{status: 200, fields: quotaFields("4", "2", "60")},
				{status: 200, fields: quotaFields("4", "1", "60")},
				{status: 200, fields: quotaFields("4", "0", "60")},
				{after: 30 * time.Second, status: 503, fields: quotaFields("4", "0", "30")},
				{after: 30 * time.Second, status: 503, fields: quotaFields("4", "0", "0")},
				{after: 30 * time.Second, status: 200, fields: quotaFields("4", "1", "30")},
				{status: 200, fields: quotaFields("4", "0", "30")},
				{status: 503, fields: quotaFields("4", "0", "0")},
				{after: 10 * time.Second, status: 200, fields: quotaFields("4", "0", "20")},
				{after: 140 * time.Second, status: 200, fields: quotaFields("4", "3", "60")},
			},
		},
		{
			name: "rejected with a message and without fields",
			conf: `{"count":1,"time_window":60,"rejected_code":429,"rejected_msg":"slow down","show_limit_quota_header":false,"key_type":"constant","key":"all"}`,
			visits: []visit{
				{status: 200, fields: []string{}},
				{remote: "192.0.2.1", status: 429, fields: []string{}},
			},
		},
		{
			name: "a variable as key, the address where it has no value",
			conf: `{"count":1,"time_window":60,"key":"http_user"}`,
			visits: []visit{
				{header: [2]string{"User", "a"}, status: 200},
				{header: [2]string{"User", "b"}, status: 200},
				{header: [2]string{"User", "a"}, remote: "192.0.2.1", status: 503},
				{status: 200}, {status: 503},
			},
		},
		{
			name: "a combination of variables as key",
			conf: `{"count":1,"time_window":60,"key_type":"var_combination","key":"$http_user-$remote_addr"}`,
			visits: []visit{
				{header: [2]string{"User", "a"}, status: 200},
				{header: [2]string{"User", "a"}, remote: "192.0.2.1", status: 200},
				{header: [2]string{"User", "a"}, status: 503},
			},
		},
		{
			name:   "a combination without any value",
			conf:   `{"count":1,"time_window":60,"key_type":"var_combination","key":"$http_user"}`,
			visits: []visit{{status: 200}, {remote: "192.0.2.1", status: 200}, {status: 503}},
		},
		{
			name: "variables in count and time_window",
			conf: `{"count":"${http_count ?? 2}","time_window":"${http_window ?? 10}"}`,
			visits: []visit{
				{header: [2]string{"Count", "3"}, status: 200, fields: quotaFields("3", "2", "10")},
				{status: 200, fields: quotaFields("2", "0", "10")},
				{header: [2]string{"Count", "5"}, status: 200, fields: quotaFields("5", "2", "10")},
				{status: 503, fields: quotaFields("2", "0", "10")},
				{header: [2]string{"Count", "0"}, status: 500},
				{header: [2]string{"Count", "-1"}, status: 500},
				{header: [2]string{"Count", "1.5"}, status: 500},
				{header: [2]string{"Window", "9999999999999999"}, status: 500},
				{header: [2]string{"Window", "x"}, status: 500},
			},
		},
		{
			name:   "degradation",
			conf:   `{"count":"$http_count","time_window":10,"allow_degradation":true}`,
			visits: []visit{{status: 200}, {header: [2]string{"Count", "1"}, status: 200}, {header: [2]string{"Count", "1"}, status: 503}},
		},
		{
			name: "rules",
			conf: `{"rules":[{"count":2,"time_window":10,"key":"${http_user}"},{"count":1,"time_window":20,"key":"${http_project}","header_prefix":"bar"}]}`,
			visits: []visit{
				{header: [2]string{"User", "jack"}, status: 200,
					fields: []string{"X-1-RateLimit-Limit: 2", "X-1-RateLimit-Remaining: 1", "X-1-RateLimit-Reset: 10"}},
				{header: [2]string{"Project", "jack"}, status: 200,
					fields: []string{"X-bar-RateLimit-Limit: 1", "X-bar-RateLimit-Remaining: 0", "X-bar-RateLimit-Reset: 20"}},
				{header: [2]string{"Project", "jack"}, status: 503},
				{header: [2]string{"User", "jack"}, status: 200},
				{status: 500},
			},
		},
		{
			name:   "a rule that can not be resolved leaves the others uncounted",
			conf:   `{"rules":[{"count":1,"time_window":10,"key":"$remote_addr"},{"count":"$http_count","time_window":20,"key":"x$remote_addr"}]}`,
			visits: []visit{{status: 500}, {header: [2]string{"Count", "5"}, status: 200}, {header: [2]string{"Count", "5"}, status: 503}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hooks := plugintest.Configure(t, New(), tt.conf, sdk.Scope{Resource: "routes/1"})
				for i, v := range tt.visits {
					time.Sleep(v.after)
					out := plugintest.Walk(hooks, v.exchange())
					if out.Err != nil || out.Status != v.status {
						t.Errorf("request %d: got status %d and error %v, want %d", i, out.Status, out.Err, v.status)
					}
					if diff := cmp.Diff(v.fields, out.Header.Lines()); v.fields != nil && diff != "" {
						t.Errorf("request %d: header (-want +got):\n%s", i, diff)
					}
				}
			})
		})
	}
}

func TestRejectedBody(t *testing.T) {
	plugin := New()
	for conf, want := range map[string]string{
		`{"count":1,"time_window":60,"rejected_msg":"slow down"}`: `{"error_msg":"slow down"}` + "\n",
		`{"count":1,"time_window":60}`:                            "",
	} {
		hooks := plugintest.Configure(t, plugin, conf, sdk.Scope{Resource: "routes/1"})
		plugintest.Walk(hooks, plugintest.New())
		if got := plugintest.Walk(hooks, plugintest.New()).Body; got != want {
			t.Errorf("body: got %q, want %q", got, want)
		}
	}
}

func TestInfoVariable(t *testing.T) {
	hooks := plugintest.Configure(t, New(), `{"count":2,"time_window":10,"key":"http_host"}`, sdk.Scope{Resource: "routes/1"})
	x := plugintest.New(plugintest.WithHeader("Host", `te"st`))
	plugintest.Walk(hooks, x)
	info := x.Vars()["rate_limiting_info"]
	before, after, _ := strings.Cut(info, `:te\"st"`)
	if want := `{"rate_limiting_key":"/apisix/routes/1:`; !strings.HasPrefix(before, want) {
		t.Errorf("got %q, want it to begin with %q", info, want)
	}
	if want := `,"rate_limiting_limit":2,"rate_limiting_remaining":1,"rate_limiting_reset":10}`; after != want {
		t.Errorf("got %q, want it to end with %q", info, want)
	}
}

func TestMetadata(t *testing.T) {
	hooks := plugintest.Configure(t, New(), `{"count":2,"time_window":10}`, sdk.Scope{
		Resource: "routes/1", Metadata: []byte(`{"limit_header":"X-Limit"}`),
	})
	want := []string{"X-Limit: 2", "X-RateLimit-Remaining: 1", "X-RateLimit-Reset: 10"}
	if diff := cmp.Diff(want, plugintest.Walk(hooks, plugintest.New()).Header.Lines()); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}
}

func TestCountersSurvive(t *testing.T) {
	const conf = `{"count":1,"time_window":60}`
	tests := []struct {
		name     string
		conf     string
		resource string
		want     int
	}{
		{"same configuration", conf, "routes/1", 503},
		{"other order of members", `{"time_window":60,"count":1,"unknown":1}`, "routes/1", 503},
		{"other configuration", `{"count":1,"time_window":61}`, "routes/1", 200},
		{"other resource", conf, "routes/2", 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plugin := New()
			plugintest.Walk(plugintest.Configure(t, plugin, conf, sdk.Scope{Resource: "routes/1", Version: "1"}), plugintest.New())
			hooks := plugintest.Configure(t, plugin, tt.conf, sdk.Scope{Resource: tt.resource, Version: "2"})
			if got := plugintest.Walk(hooks, plugintest.New()).Status; got != tt.want {
				t.Errorf("status: got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestGroup(t *testing.T) {
	plugin := New()
	const conf = `{"count":1,"time_window":60,"group":"g"}`
	one := plugintest.Configure(t, plugin, conf, sdk.Scope{Resource: "routes/1"})
	two := plugintest.Configure(t, plugin, conf, sdk.Scope{Resource: "routes/2"})
	if got := plugintest.Walk(one, plugintest.New()).Status; got != 200 {
		t.Errorf("first member: got %d, want 200", got)
	}
	if got := plugintest.Walk(two, plugintest.New()).Status; got != 503 {
		t.Errorf("second member: got %d, want 503", got)
	}
	const other = `{"count":2,"time_window":60,"group":"g"}`
	_, err := plugintest.TryConfigure(plugin, other, sdk.Scope{Resource: "routes/1"})
	if err == nil || err.Error() != "group conf mismatched" {
		t.Errorf("other configuration: got %v, want group conf mismatched", err)
	}
	for _, hooks := range []sdk.Hooks{one, two} {
		if err := hooks.Close(); err != nil {
			t.Errorf("close: got %v, want no error", err)
		}
	}
	if _, err := plugintest.TryConfigure(plugin, other, sdk.Scope{Resource: "routes/1"}); err != nil {
		t.Errorf("after the group was given up: got %v, want no error", err)
	}
}

func TestConfigureRefuses(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"both forms", `{"count":1,"time_window":1,"rules":[]}`, "count/time_window and rules cannot be specified at the same time"},
		{"no form", `{"count":1}`, "count and time_window, or rules, are required"},
		{"group with rules", `{"group":"g","rules":[]}`, "group and rules cannot be specified at the same time"},
		{"duplicate key", `{"rules":[{"count":1,"time_window":1,"key":"$a"},{"count":1,"time_window":1,"key":"$a"}]}`, "duplicate key '$a' in rules"},
		{"Redis", `{"count":1,"time_window":1,"policy":"redis"}`, `policy "redis" is not offered: counters are kept in the gateway, use "local"`},
		{"zero", `{"count":0,"time_window":1}`, `count: resolved value must be a positive number within 2^53-1, got "0"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(New(), tt.conf, sdk.Scope{})
			if got := fmt.Sprint(err); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestLongKey(t *testing.T) {
	p := New().(*plugin)
	hooks := plugintest.Configure(t, p, `{"count":1,"time_window":60,"key":"http_user"}`, sdk.Scope{})
	for _, last := range []string{"a", "b"} {
		x := plugintest.New(plugintest.WithHeader("User", strings.Repeat("x", 10_000)+last))
		if got := plugintest.Walk(hooks, x).Status; got != 200 {
			t.Errorf("status: got %d, want 200", got)
		}
	}
	if got := p.counters.len(); got != 2 {
		t.Errorf("counters: got %d, want 2", got)
	}
}

func BenchmarkAccess(b *testing.B) {
	for name, conf := range map[string]string{
		"fixed":    `{"count":1000000000,"time_window":60}`,
		"sliding":  `{"count":1000000000,"time_window":60,"window_type":"sliding"}`,
		"rejected": `{"count":1,"time_window":3600,"rejected_msg":"no"}`,
		"rules":    `{"rules":[{"count":1000000000,"time_window":60,"key":"$remote_addr"}]}`,
	} {
		b.Run(name, func(b *testing.B) {
			hooks, err := plugintest.TryConfigure(New(), conf, sdk.Scope{Resource: "routes/1"})
			if err != nil {
				b.Fatal(err)
			}
			x := plugintest.New()
			b.ReportAllocs()
			for b.Loop() {
				x.Reset()
				_ = hooks.Access(x)
			}
		})
	}
}
