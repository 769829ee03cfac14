package requestid_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/polygate/polygate/plugins/requestid"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestAlgorithms(t *testing.T) {
	const uuid = `^[0-9a-f]{8}-[0-9a-f]{4}-%d[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`
	tests := []struct{ name, conf, want string }{
		{"default", `{}`, fmt.Sprintf(uuid, 4)},
		{"uuid", `{"algorithm":"uuid"}`, fmt.Sprintf(uuid, 4)},
		{"uuidv7", `{"algorithm":"uuidv7"}`, fmt.Sprintf(uuid, 7)},
		{"nanoid", `{"algorithm":"nanoid"}`, `^[-_0-9a-zA-Z]{21}$`},
		{"range_id", `{"algorithm":"range_id"}`, `^[a-zA-Z0-9]{16}$`},
		{"own range_id", `{"algorithm":"range_id","range_id":{"length":80,"char_set":"abcdef"}}`, `^[a-f]{80}$`},
		{"ksuid", `{"algorithm":"ksuid"}`, `^[0-9A-Za-z]{27}$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := regexp.MustCompile(tt.want)
			hooks := plugintest.Configure(t, requestid.New(), tt.conf, sdk.Scope{})
			seen := map[string]bool{}
			for range 500 {
				out := plugintest.Walk(hooks, plugintest.New())
				id := out.Sent.Header.Get("X-Request-Id")
				if !want.MatchString(id) {
					t.Fatalf("got id %q, want one like %s", id, tt.want)
				}
				if got := out.Header.Get("X-Request-Id"); got != id {
					t.Fatalf("got %q on the response, want %q as on the request", got, id)
				}
				if seen[id] {
					t.Fatalf("id %q came twice", id)
				}
				seen[id] = true
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	upstream := plugintest.WithUpstream(plugintest.Upstream{
		Status: 200, Header: []plugintest.Field{{Name: "X-Request-Id", Value: "theirs"}},
	})
	given := plugintest.WithHeader("x-request-id", "123")
	tests := []struct {
		name, conf     string
		opts           []plugintest.Option
		sent, answered string // "" for any id, "-" for none
	}{
		{"kept", `{}`, []plugintest.Option{given}, "123", "123"},
		{"empty", `{}`, []plugintest.Option{plugintest.WithHeader("X-Request-Id", "")}, "", ""},
		{"first of two", `{}`, []plugintest.Option{given, plugintest.WithHeader("X-Request-Id", "456")}, "123", "123"},
		{"not in the response", `{"include_in_response":false}`, []plugintest.Option{given}, "123", "-"},
		{"upstream's own", `{}`, []plugintest.Option{given, upstream}, "123", "theirs"},
		{"made", `{}`, nil, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := plugintest.New(tt.opts...)
			out := plugintest.Run(t, requestid.New(), tt.conf, x)
			check := func(where, got, want string) {
				t.Helper()
				if want == "" && got != "" || want == got || want == "-" && got == "" {
					return
				}
				t.Errorf("got %q on the %s, want %q", got, where, want)
			}
			id := out.Sent.Header.Get("X-Request-Id")
			check("request", id, tt.sent)
			check("response", out.Header.Get("X-Request-Id"), tt.answered)
			if got, _ := x.Var("apisix_request_id"); got != id {
				t.Errorf("got variable %q, want %q", got, id)
			}
		})
	}
}

func TestLaterChangeOfTheRequest(t *testing.T) {
	hooks := plugintest.Configure(t, requestid.New(), `{}`, sdk.Scope{})
	hooks.Access = func(x sdk.Exchange) error {
		x.Request().Header().Del("X-Request-Id")
		return nil
	}
	out := plugintest.Walk(hooks, plugintest.New(plugintest.WithHeader("X-Request-Id", "123")))
	if got := out.Header.Get("X-Request-Id"); got != "123" {
		t.Errorf("got %q on the response, want 123", got)
	}
}

func TestTwoInstances(t *testing.T) {
	p := requestid.New()
	global := plugintest.Configure(t, p, `{"header_name":"Custom-Header-Name"}`, sdk.Scope{})
	route := plugintest.Configure(t, p, `{}`, sdk.Scope{})
	both := sdk.Hooks{
		Rewrite:      func(x sdk.Exchange) error { _ = global.Rewrite(x); return route.Rewrite(x) },
		HeaderFilter: func(x sdk.Exchange) error { _ = global.HeaderFilter(x); return route.HeaderFilter(x) },
	}
	out := plugintest.Walk(both, plugintest.New())
	first, second := out.Header.Get("Custom-Header-Name"), out.Header.Get("X-Request-Id")
	if first == "" || second == "" || first == second {
		t.Errorf("got ids %q and %q, want two different ones", first, second)
	}
}

func TestHeaderFilterWithoutRewrite(t *testing.T) {
	hooks := plugintest.Configure(t, requestid.New(), `{}`, sdk.Scope{})
	hooks.Rewrite = func(x sdk.Exchange) error { return x.Exit(403, nil) }
	out := plugintest.Walk(hooks, plugintest.New())
	if got := out.Header.Get("X-Request-Id"); got != "" {
		t.Errorf("got id %q, want none", got)
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"type", `{"include_in_response":"yes"}`, "decode configuration: "},
		{"no header", `{"header_name":""}`, `header_name "" is no name`},
		{"header", `{"header_name":"X Id"}`, `header_name "X Id" is no name`},
		{"length", `{"algorithm":"range_id","range_id":{"length":100000}}`, "range_id.length is 100000"},
		{"control character", `{"algorithm":"range_id","range_id":{"char_set":"abcdef\n"}}`, "control character 0xa"},
		{"no characters", `{"algorithm":"range_id","range_id":{"char_set":""}}`, "char_set is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(requestid.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	info := requestid.New().Info()
	if info.Name != "request-id" || info.Priority != 12015 || !json.Valid(info.Schema) {
		t.Errorf("got info %+v", info)
	}
}
