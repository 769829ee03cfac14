package faultinjection_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/polygate/polygate/plugins/faultinjection"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestAbort(t *testing.T) {
	tests := []struct {
		name, conf, target string
		status             int
		body               string
	}{
		{"status alone", `{"abort":{"http_status":503}}`, "/", 503, ""},
		{"empty body", `{"abort":{"http_status":200,"body":""}}`, "/", 200, ""},
		{"variable", `{"abort":{"http_status":418,"body":"$arg_a, ${arg_b ?? none}\n"}}`, "/?a=1", 418, "1, none\n"},
		{"always", `{"abort":{"http_status":503,"percentage":100}}`, "/", 503, ""},
		{"never", `{"abort":{"http_status":503,"percentage":0}}`, "/", 200, ""},
		{"condition", `{"abort":{"http_status":503,"vars":[[["arg_a","==","1"],["arg_b","==","2"]]]}}`, "/?a=1&b=2", 503, ""},
		{"half a condition", `{"abort":{"http_status":503,"vars":[[["arg_a","==","1"],["arg_b","==","2"]]]}}`, "/?a=1", 200, ""},
		{"one of two", `{"abort":{"http_status":503,"vars":[[["arg_a","==","1"]],[["arg_b","==","2"]]]}}`, "/?b=2", 503, ""},
		{"typed operator", `{"abort":{"http_status":503,"vars":[[["arg_a","has","1"]]]}}`, "/?a=1", 200, ""},
		{"no conditions", `{"abort":{"http_status":503,"vars":[]}}`, "/", 200, ""},
		{"empty condition", `{"abort":{"http_status":503,"vars":[[]]}}`, "/", 503, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, faultinjection.New(), tt.conf, plugintest.New(plugintest.WithTarget(tt.target)))
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	const conf = `{"abort":{"http_status":200,"headers":{"X-A":"$arg_a","X-B":1.5,"X-C":"$arg_none"}}}`
	out := plugintest.Run(t, faultinjection.New(), conf, plugintest.New(plugintest.WithTarget("/?a=1%0d%0ab")))
	for name, want := range map[string]string{"X-A": "1%0D%0Ab", "X-B": "1.5", "X-C": ""} {
		if got := out.Header.Get(name); got != want || !out.Header.Has(name) {
			t.Errorf("got %s %q, want %q", name, got, want)
		}
	}
}

func TestPercentage(t *testing.T) {
	hooks := plugintest.Configure(t, faultinjection.New(), `{"abort":{"http_status":503,"percentage":30}}`, sdk.Scope{})
	hits := 0
	for range 10_000 {
		if hooks.Rewrite(plugintest.New()) != nil {
			hits++
		}
	}
	// Ten standard deviations.
	if hits < 2540 || hits > 3460 {
		t.Errorf("got %d of 10000, want about 3000", hits)
	}
}

func TestDelay(t *testing.T) {
	tests := []struct {
		name, conf string
		want       time.Duration
		status     int
	}{
		{"wait", `{"delay":{"duration":1.5}}`, 1500 * time.Millisecond, 200},
		{"no time", `{"delay":{"duration":0}}`, 0, 200},
		{"never", `{"delay":{"duration":1,"percentage":0}}`, 0, 200},
		{"no condition holds", `{"delay":{"duration":1,"vars":[[["arg_a","==","1"]]]}}`, 0, 200},
		{"before the answer", `{"delay":{"duration":1},"abort":{"http_status":503}}`, time.Second, 503},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				out := plugintest.Run(t, faultinjection.New(), tt.conf, plugintest.New())
				if got := time.Since(start); got != tt.want || out.Status != tt.status {
					t.Errorf("got %d after %v, want %d after %v", out.Status, got, tt.status, tt.want)
				}
			})
		})
	}
}

func TestClientGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(gone) })
		start := time.Now()
		out := plugintest.Run(t, faultinjection.New(), `{"delay":{"duration":1e30}}`, plugintest.New(plugintest.WithContext(ctx)))
		if !errors.Is(out.Err, gone) || time.Since(start) != time.Second {
			t.Errorf("got error %v after %v, want %v after a second", out.Err, time.Since(start), gone)
		}
	})
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"status", `{"abort":{"http_status":600}}`, "abort.http_status 600"},
		{"field", `{"abort":{"http_status":200,"headers":{"a b":"c"}}}`, "invalid field character in header"},
		{"operator", `{"abort":{"http_status":200,"vars":[[["a","abc","b"]]]}}`, "invalid operator 'abc'"},
		{"operator of the wait", `{"delay":{"duration":1,"vars":[[["a","abc","b"]]]}}`, "invalid operator 'abc'"},
		{"type", `{"delay":{"duration":"1"}}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(faultinjection.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	if info := faultinjection.New().Info(); info.Name != "fault-injection" || info.Priority != 11000 {
		t.Errorf("got info %+v", info)
	}
}
