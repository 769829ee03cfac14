package consumerrestriction_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/plugins/consumerrestriction"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestAccess(t *testing.T) {
	const (
		refused = `{"message":"The consumer_name is forbidden."}` + "\n"
		unknown = `{"message":"The request is rejected, please check the consumer_name for this request"}` + "\n"
		methods = `{"allowed_by_methods":[{"user":"jack","methods":["GET"]},{"user":"jack","methods":["PUT"]},{"user":"rose"},{"methods":["GET"]}]}`
	)
	jack := &sdk.Consumer{Username: "jack", GroupID: "g1"}
	rose := &sdk.Consumer{Username: "rose"}
	tests := []struct {
		name, conf, method string
		consumer           *sdk.Consumer
		status             int
		body               string
	}{
		{"on the whitelist", `{"whitelist":["jack"]}`, "GET", jack, 200, ""},
		{"not on the whitelist", `{"whitelist":["jack"]}`, "GET", rose, 403, refused},
		{"other spelling", `{"whitelist":["Jack"]}`, "GET", jack, 403, refused},
		{"on the blacklist", `{"blacklist":["jack"]}`, "GET", jack, 403, refused},
		{"not on the blacklist", `{"blacklist":["jack"]}`, "GET", rose, 200, ""},
		{"on both", `{"blacklist":["jack"],"whitelist":["jack"]}`, "GET", jack, 403, refused},
		{"no consumer", `{"blacklist":["jack"]}`, "GET", nil, 401, unknown},
		{"empty name on the whitelist", `{"whitelist":[""]}`, "GET", nil, 401, unknown},
		{"method", methods, "GET", jack, 200, ""},
		{"other method", methods, "PUT", jack, 403, refused},
		{"no methods", methods, "GET", rose, 403, refused},
		{"nobody's methods", methods, "PUT", &sdk.Consumer{Username: "eve"}, 200, ""},
		{"whitelist before methods", `{"whitelist":["jack"],"allowed_by_methods":[{"user":"jack","methods":["GET"]}]}`, "PUT", jack, 200, ""},
		{"methods do not help", `{"whitelist":["jack"],"allowed_by_methods":[{"user":"rose","methods":["GET"]}]}`, "GET", rose, 403, refused},
		{"blacklist before methods", `{"blacklist":["jack"],"allowed_by_methods":[{"user":"jack","methods":["GET"]}]}`, "GET", jack, 403, refused},
		{"group", `{"type":"consumer_group_id","whitelist":["g1"]}`, "GET", jack, 200, ""},
		{"no group", `{"type":"consumer_group_id","whitelist":["g1"]}`, "GET", rose, 401, strings.Replace(unknown, "consumer_name", "consumer_group_id", 1)},
		{"service", `{"type":"service_id","whitelist":["s1"]}`, "GET", nil, 200, ""},
		{"other service", `{"type":"service_id","blacklist":["s1"]}`, "GET", jack, 403, strings.Replace(refused, "consumer_name", "service_id", 1)},
		{"no route", `{"type":"route_id","whitelist":["r1"]}`, "GET", jack, 401, strings.Replace(unknown, "consumer_name", "route_id", 1)},
		{"message and status", `{"blacklist":["jack"],"rejected_code":409,"rejected_msg":"<no>"}`, "GET", jack, 409, `{"message":"<no>"}` + "\n"},
		{"empty message", `{"blacklist":["jack"],"rejected_msg":""}`, "GET", jack, 403, `{"message":""}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := plugintest.New(plugintest.WithMethod(tt.method), plugintest.WithVar("service_id", "s1"), plugintest.WithVar("consumer_name", "set by others"))
			if tt.consumer != nil {
				x.Consumers().Attach(tt.consumer)
			}
			out := plugintest.Run(t, consumerrestriction.New(), tt.conf, x)
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
		})
	}
}

func TestBadConfiguration(t *testing.T) {
	for _, conf := range []string{`{"whitelist":["a"],"rejected_code":600}`, `{"whitelist":"a"}`} {
		if _, err := plugintest.TryConfigure(consumerrestriction.New(), conf, sdk.Scope{}); err == nil {
			t.Errorf("%s was accepted", conf)
		}
	}
}

func TestInfo(t *testing.T) {
	if info := consumerrestriction.New().Info(); info.Name != "consumer-restriction" || info.Priority != 2400 {
		t.Errorf("got info %+v", info)
	}
}

func TestAllocations(t *testing.T) {
	hooks := plugintest.Configure(t, consumerrestriction.New(), `{"whitelist":["a","jack"]}`, sdk.Scope{})
	x := plugintest.New()
	x.Consumers().Attach(&sdk.Consumer{Username: "jack"})
	got := testing.AllocsPerRun(100, func() {
		if err := hooks.Access(x); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations, want 0", got)
	}
}
