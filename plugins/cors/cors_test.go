package cors_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/polygate/polygate/plugins/cors"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const metadata = `{"allow_origins":{"key_1":"https://domain.com","key_2":"https://sub.domain.com,https://sub2.domain.com","key_3":"*","key_4":"**"}}`

func walk(t *testing.T, conf, origin string, opts ...plugintest.Option) *plugintest.Outcome {
	t.Helper()
	scope := sdk.Scope{Metadata: json.RawMessage(metadata)}
	hooks := plugintest.Configure(t, cors.New(), conf, scope)
	if origin != "" {
		opts = append(opts, plugintest.WithHeader("Origin", origin))
	}
	out := plugintest.Walk(hooks, plugintest.New(opts...))
	if out.Err != nil {
		t.Fatalf("got error %v", out.Err)
	}
	return out
}

func TestAllowedOrigins(t *testing.T) {
	const (
		list = `{"allow_origins":"http://sub.domain.com,http://sub2.domain.com"}`
		re   = `{"allow_origins":"http://sub.domain.com,http://sub2.domain.com","allow_origins_by_regex":[".*\\.test.com$",".*\\.example.org$"]}`
		meta = `{"allow_origins":"https://test.com","allow_origins_by_metadata":["key_1","key_2"]}`
	)
	tests := []struct{ name, conf, origin, want, vary string }{
		{"default", `{}`, "", "*", ""},
		{"default with an origin", `{}`, "http://a.com", "*", ""},
		{"listed", list, "http://sub2.domain.com", "http://sub2.domain.com", "Origin"},
		{"not listed", list, "http://sub3.domain.com", "", "Origin"},
		{"list without an origin", list, "", "", "Origin"},
		{"one", `{"allow_origins":"http://a.com"}`, "http://a.com", "http://a.com", "Origin"},
		{"not that one", `{"allow_origins":"http://a.com"}`, "http://b.com", "", "Origin"},
		{"one without an origin", `{"allow_origins":"http://a.com"}`, "", "", "Origin"},
		{"case", `{"allow_origins":"http://a.com"}`, "http://A.com", "", "Origin"},
		{"null", `{"allow_origins":"null"}`, "null", "null", "Origin"},
		{"any by name", `{"allow_origins":"**"}`, "https://sub.domain.com", "https://sub.domain.com", "Origin"},
		{"any without an origin", `{"allow_origins":"**"}`, "", "*", "Origin"},
		{"pattern", re, "http://a.test.com", "http://a.test.com", "Origin"},
		{"second pattern", re, "http://foo.example.org", "http://foo.example.org", "Origin"},
		{"no pattern", re, "http://a.test2.com", "", "Origin"},
		{"patterns replace the list", re, "http://sub.domain.com", "", "Origin"},
		{"pattern without an origin", re, "", "", "Origin"},
		{"pattern beside the default", `{"allow_origins_by_regex":[".*\\.domain.com$"]}`, "http://sub.domain.com", "http://sub.domain.com", ""},
		{"metadata, in the list", meta, "https://test.com", "https://test.com", "Origin"},
		{"metadata, first key", meta, "https://domain.com", "https://domain.com", "Origin"},
		{"metadata, second key", meta, "https://sub2.domain.com", "https://sub2.domain.com", "Origin"},
		{"metadata, none", meta, "http://foo.example.org", "", "Origin"},
		{"metadata without an origin", meta, "", "", "Origin"},
		{"metadata, all", `{"allow_origins":"https://test.com","allow_origins_by_metadata":["key_3"]}`, "http://foo.org", "http://foo.org", "Origin"},
		{"metadata, all by name", `{"allow_origins":"https://test.com","allow_origins_by_metadata":["key_4"]}`, "http://foo.org", "http://foo.org", "Origin"},
		{"metadata beside the default", `{"allow_origins_by_metadata":["key_1"]}`, "http://foo.org", "", ""},
		{"metadata, unknown key", `{"allow_origins":"https://test.com","allow_origins_by_metadata":["key_9"]}`, "https://domain.com", "", "Origin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := walk(t, tt.conf, tt.origin)
			if got := out.Header.Get("Access-Control-Allow-Origin"); got != tt.want {
				t.Errorf("got origin %q, want %q", got, tt.want)
			}
			if got := out.Header.Get("Vary"); got != tt.vary {
				t.Errorf("got Vary %q, want %q", got, tt.vary)
			}
			if got := out.Header.Has("Access-Control-Allow-Methods"); got != (tt.want != "") {
				t.Errorf("got methods: %v, want %v", got, tt.want != "")
			}
		})
	}
}

func TestFields(t *testing.T) {
	tests := []struct {
		name, conf, origin string
		opts               []plugintest.Option
		want               []string
	}{
		{"default", `{}`, "", nil, []string{
			"Access-Control-Allow-Origin: *",
			"Access-Control-Allow-Methods: *",
			"Access-Control-Max-Age: 5",
			"Access-Control-Allow-Headers: *",
		}},
		{"all", `{"allow_origins":"http://a.com","allow_methods":"GET,POST","allow_headers":"h1,h2","expose_headers":"e1,e2","max_age":50,"allow_credential":true}`,
			"http://a.com", nil, []string{
				"Vary: Origin",
				"Access-Control-Allow-Origin: http://a.com",
				"Access-Control-Allow-Methods: GET,POST",
				"Access-Control-Max-Age: 50",
				"Access-Control-Expose-Headers: e1,e2",
				"Access-Control-Allow-Headers: h1,h2",
				"Access-Control-Allow-Credentials: true",
			}},
		{"everything by name", `{"allow_origins":"**","allow_methods":"**","allow_headers":"**","expose_headers":"*"}`, "https://a.com",
			[]plugintest.Option{plugintest.WithHeader("Access-Control-Request-Headers", "r1,r2")}, []string{
				"Vary: Origin",
				"Access-Control-Allow-Origin: https://a.com",
				"Access-Control-Allow-Methods: GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE",
				"Access-Control-Max-Age: 5",
				"Access-Control-Expose-Headers: *",
				"Access-Control-Allow-Headers: r1,r2",
			}},
		{"no header fields asked for", `{"allow_headers":"**"}`, "",
			[]plugintest.Option{plugintest.WithUpstream(plugintest.Upstream{
				Status: 200, Header: []plugintest.Field{{Name: "Access-Control-Allow-Headers", Value: "theirs"}},
			})}, []string{
				"Access-Control-Allow-Origin: *",
				"Access-Control-Allow-Methods: *",
				"Access-Control-Max-Age: 5",
			}},
		{"replaces what the upstream says", `{}`, "",
			[]plugintest.Option{plugintest.WithUpstream(plugintest.Upstream{Status: 200, Header: []plugintest.Field{
				{Name: "Access-Control-Allow-Origin", Value: "theirs"}, {Name: "Vary", Value: "Via"},
			}})}, []string{
				"Access-Control-Allow-Origin: *",
				"Vary: Via",
				"Access-Control-Allow-Methods: *",
				"Access-Control-Max-Age: 5",
				"Access-Control-Allow-Headers: *",
			}},
		{"adds to Vary", `{"allow_origins":"http://a.com"}`, "http://b.com",
			[]plugintest.Option{plugintest.WithUpstream(plugintest.Upstream{
				Status: 200, Header: []plugintest.Field{{Name: "Vary", Value: "Via"}},
			})}, []string{"Vary: Via", "Vary: Origin"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := walk(t, tt.conf, tt.origin, tt.opts...)
			if diff := cmp.Diff(tt.want, out.Header.Lines()); diff != "" {
				t.Errorf("fields differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTiming(t *testing.T) {
	const re = `{"timing_allow_origins":"http://a.com","timing_allow_origins_by_regex":["http://test.*?\\.domain\\.com"]}`
	tests := []struct{ name, conf, origin, want string }{
		{"not configured", `{}`, "http://a.com", ""},
		{"one", `{"timing_allow_origins":"http://a.com"}`, "http://a.com", "http://a.com"},
		{"not that one", `{"timing_allow_origins":"http://a.com"}`, "http://b.com", ""},
		{"list", `{"timing_allow_origins":"http://a.com,http://b.com"}`, "http://b.com", "http://b.com"},
		{"not in the list", `{"timing_allow_origins":"http://a.com,http://b.com"}`, "http://c.com", ""},
		{"all", `{"timing_allow_origins":"*"}`, "http://c.com", "*"},
		{"all by name", `{"timing_allow_origins":"**"}`, "http://c.com", "http://c.com"},
		{"pattern", re, "http://testurl.domain.com", "http://testurl.domain.com"},
		{"patterns replace the list", re, "http://a.com", ""},
		{"apart from who may read", `{"allow_origins":"http://a.com","timing_allow_origins":"http://b.com"}`, "http://b.com", "http://b.com"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := walk(t, tt.conf, tt.origin)
			if got := out.Header.Get("Timing-Allow-Origin"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	out := walk(t, `{}`, "http://a.com", plugintest.WithMethod("OPTIONS"))
	if out.Status != 200 || out.Body != "" || out.Sent != nil || out.Origin != sdk.OriginPlugin {
		t.Errorf("got %d %q from %v, sent %v; want an empty 200 of the plugin", out.Status, out.Body, out.Origin, out.Sent)
	}
	if got := out.Header.Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("got origin %q, want *", got)
	}
}

func TestOriginChangedForTheUpstream(t *testing.T) {
	hooks := plugintest.Configure(t, cors.New(), `{"allow_origins":"http://a.com"}`, sdk.Scope{})
	hooks.Access = func(x sdk.Exchange) error {
		x.Request().Header().Set("Origin", "http://other.com")
		return nil
	}
	out := plugintest.Walk(hooks, plugintest.New(plugintest.WithHeader("Origin", "http://a.com")))
	if got, want := out.Header.Get("Access-Control-Allow-Origin"), "http://a.com"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefusalsHaveTheFieldsToo(t *testing.T) {
	hooks := plugintest.Configure(t, cors.New(), `{}`, sdk.Scope{})
	hooks.Access = func(x sdk.Exchange) error { return x.Exit(401, nil) }
	out := plugintest.Walk(hooks, plugintest.New())
	if got := out.Header.Get("Access-Control-Allow-Origin"); out.Status != 401 || got != "*" {
		t.Errorf("got %d with origin %q, want 401 with *", out.Status, got)
	}
}

func TestBadConfiguration(t *testing.T) {
	const wildcard = "you can not set '*' for other option when 'allow_credential' is true"
	given := func(attribute string) string {
		conf := map[string]any{
			"allow_credential": true, "allow_origins": "http://a.com", "allow_methods": "GET", "allow_headers": "h",
		}
		conf[attribute] = "*"
		text, err := json.Marshal(conf)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	tests := []struct{ name, conf, want string }{
		{"any origin", given("allow_origins"), wildcard},
		{"any method", given("allow_methods"), wildcard},
		{"any header", given("allow_headers"), wildcard},
		{"any exposed header", given("expose_headers"), wildcard},
		{"any origin for timing", given("timing_allow_origins"), wildcard},
		{"pattern", `{"allow_origins_by_regex":["("]}`, "allow_origins_by_regex: "},
		{"pattern for timing", `{"timing_allow_origins_by_regex":["("]}`, "timing_allow_origins_by_regex: "},
		{"type", `{"max_age":"5"}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(cors.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
	scope := sdk.Scope{Metadata: json.RawMessage(`{"allow_origins":1}`)}
	if _, err := plugintest.TryConfigure(cors.New(), `{"allow_origins_by_metadata":["a"]}`, scope); err == nil {
		t.Error("bad metadata was accepted")
	}
}

func TestInfo(t *testing.T) {
	info := cors.New().Info()
	if info.Name != "cors" || info.Priority != 4000 || !json.Valid(info.Schema) || !json.Valid(info.MetadataSchema) {
		t.Errorf("got info %+v", info)
	}
}
