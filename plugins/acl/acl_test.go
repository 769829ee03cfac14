package acl_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/plugins/acl"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const forbidden = `{"message":"The consumer is forbidden."}` + "\n"

func TestConsumer(t *testing.T) {
	jack := map[string]string{"org": "apache", "project": "gateway, apisix ,web-server"}
	rose := map[string]string{"org": `["opensource","apache"]`, "project": `["tomcat","web-server","http,server",7]`}
	tests := []struct {
		name, conf string
		labels     map[string]string
		status     int
		body       string
	}{
		{"one value", `{"allow_labels":{"org":["apache"]}}`, jack, 200, ""},
		{"list in JSON", `{"allow_labels":{"org":["apache"]}}`, rose, 200, ""},
		{"list with commas", `{"allow_labels":{"project":["apisix"]}}`, jack, 200, ""},
		{"first of the list", `{"allow_labels":{"project":["gateway"]}}`, jack, 200, ""},
		{"last of the list", `{"allow_labels":{"project":["web-server"]}}`, jack, 200, ""},
		{"the list is no value", `{"allow_labels":{"project":["gateway, apisix ,web-server"]}}`, jack, 403, forbidden},
		{"none of the values", `{"allow_labels":{"project":["apisix"]}}`, rose, 403, forbidden},
		{"one of several labels", `{"allow_labels":{"project":["x"],"org":["y","apache"]}}`, jack, 200, ""},
		{"value with a comma", `{"allow_labels":{"project":["http,server"]}}`, rose, 200, ""},
		{"number", `{"allow_labels":{"project":["7"]}}`, rose, 403, forbidden},
		{"other letters", `{"allow_labels":{"org":["Apache"]}}`, jack, 403, forbidden},
		{"no such label", `{"allow_labels":{"team":["x"]}}`, jack, 403, forbidden},
		{"no labels", `{"allow_labels":{"org":["apache"]}}`, nil, 403, forbidden},
		{"empty value", `{"allow_labels":{"org":[""]}}`, map[string]string{"org": ""}, 200, ""},
		{"broken JSON", `{"allow_labels":{"org":["[apache"]}}`, map[string]string{"org": "[apache"}, 403, forbidden},
		{"denied", `{"deny_labels":{"project":["apisix","tomcat"]},"rejected_msg":"go","rejected_code":401}`, jack, 401, `{"message":"go"}` + "\n"},
		{"empty message", `{"deny_labels":{"org":["apache"]},"rejected_msg":""}`, jack, 403, `{"message":""}` + "\n"},
		{"not denied", `{"deny_labels":{"project":["x"]}}`, jack, 200, ""},
		{"nothing to deny", `{"deny_labels":{"project":["x"]}}`, nil, 200, ""},
		{"denied although allowed", `{"deny_labels":{"org":["apache"]},"allow_labels":{"org":["apache"]}}`, jack, 403, forbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			// What another plugin tells of an external user does not matter for a consumer.
			x := plugintest.New(plugintest.WithVar("external_user", `{"groups":["apache","apisix","x"]}`))
			x.Consumers().Attach(&sdk.Consumer{Username: "jack", Labels: tt.labels})
			check(t, tt.conf, x, tt.status, tt.body)
		})
	}
}

func check(t *testing.T, conf string, x *plugintest.Exchange, status int, body string) {
	t.Helper()
	out := plugintest.Run(t, acl.New(), conf, x)
	if out.Status != status || out.Body != body || out.Err != nil {
		t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, status, body)
	}
}

func TestNobody(t *testing.T) {
	check(t, `{"deny_labels":{"org":["apache"]}}`, plugintest.New(), 401, `{"message":"Missing authentication."}`+"\n")
}

func TestExternalUser(t *testing.T) {
	allow := func(more string) string {
		return `{"allow_labels":{"org":["apache"],"team":["cloud","infra"]}` + more + `}`
	}
	const (
		anywhere  = `,"external_user_label_field":"$..team","external_user_label_field_key":"team"`
		segmented = anywhere + `,"external_user_label_field_parser":"segmented_text","external_user_label_field_separator":`
		asJSON    = anywhere + `,"external_user_label_field_parser":"json"`
		asTable   = anywhere + `,"external_user_label_field_parser":"table"`
	)
	tests := []struct {
		name, conf, user string
		status           int
	}{
		{"default field", `{"allow_labels":{"groups":["a"]}}`, `{"groups":["b","a"]}`, 200},
		{"default field without the value", `{"allow_labels":{"groups":["a"]}}`, `{"groups":["b"]}`, 403},
		{"property", allow(`,"external_user_label_field":"team"`), `{"team":"cloud"}`, 200},
		{"property with commas", allow(`,"external_user_label_field":"team"`), `{"team":"x , cloud"}`, 200},
		{"property with JSON", allow(`,"external_user_label_field":"team"`), `{"team":"[\"cloud\"]"}`, 200},
		{"property that is a number", allow(`,"external_user_label_field":"team"`), `{"team":7}`, 403},
		{"property that is null", allow(`,"external_user_label_field":"team"`), `{"team":null}`, 403},
		{"property that is an object", allow(`,"external_user_label_field":"team"`), `{"team":{"cloud":"cloud"}}`, 403},
		{"no property", allow(`,"external_user_label_field":"team"`), `{}`, 403},
		{"the path is the label", allow(`,"external_user_label_field":"$..team"`), `{"orgs":{"team":"cloud"}}`, 403},
		{"path and label", allow(anywhere), `{"orgs":{"team":"cloud"}}`, 200},
		{"table", allow(asTable), `{"orgs":{"a":{"team":["cloud","infra"]}}}`, 200},
		{"no table", allow(asTable), `{"orgs":{"a":{"team":"cloud,infra"}}}`, 403},
		{"segments", allow(segmented + `"\\|"`), `{"orgs":{"team":"x | infra"}}`, 200},
		{"separator that matches nothing", allow(segmented + `"|"`), `{"orgs":{"team":"cloud|infra"}}`, 403},
		{"characters", `{"allow_labels":{"team":["o"]}` + segmented + `"|"}`, `{"orgs":{"team":"cloud|infra"}}`, 200},
		{"bad separator", allow(segmented + `"(invalid(pattern"`), `{"orgs":{"team":"cloud,infra"}}`, 403},
		{"number in segments", `{"allow_labels":{"team":["7"]}` + segmented + `","}`, `{"orgs":{"team":7}}`, 200},
		{"JSON", allow(asJSON), `{"orgs":{"team":"[\"cloud\", \"infra\"]"}}`, 200},
		{"JSON that is a list already", allow(asJSON), `{"orgs":{"team":["cloud"]}}`, 403},
		{"no JSON", allow(asJSON), `{"orgs":{"team":"cloud"}}`, 403},
		{"bad JSON", allow(asJSON), `{"orgs":{"team":"[cloud"}}`, 403},
		{"several places", allow(segmented + `"\\|"`), `{"orgs":{"a":{"team":"x|infra"},"b":{"team":["qa"]}}}`, 200},
		{"several places, the list", `{"deny_labels":{"team":["qa"]}` + segmented + `"\\|"}`, `{"orgs":{"a":{"team":"x|infra"},"b":{"team":["qa"]}}}`, 403},
		{"several places, a packed value", `{"deny_labels":{"team":["infra"]}` + segmented + `","}`, `{"t":[{"team":"cloud"},{"team":"infra,qa"}]}`, 403},
		{"several places without a parser", allow(anywhere), `{"t":[{"team":"x"},{"team":"infra,qa"},{"team":false}]}`, 200},
		{"no object", allow(anywhere), `"cloud"`, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := ""
			if tt.status == 403 {
				body = forbidden
			}
			check(t, tt.conf, plugintest.New(plugintest.WithVar("external_user", tt.user)), tt.status, body)
		})
	}
}

// TestUnreadable fails the request where the values of a label are not known, and one of them might be denied.
func TestUnreadable(t *testing.T) {
	const conf = `{"deny_labels":{"groups":["a"]},"external_user_label_field_parser":"segmented_text","external_user_label_field_separator":`
	tests := []struct{ name, conf, user, want string }{
		{"list for a text", conf + `","}`, `{"groups":["a"]}`, "read the label groups of the user: the parser is specified as segmented_text"},
		{"no JSON", conf + `","}`, `{`, "decode the variable external_user"},
		{"no end but in linear time", conf + `"(x+x+)+y"}`, `{"groups":"` + strings.Repeat("x", 60) + `"}`, ""},
		{"no end for a back-reference", conf + `"(x+)+\\1{0}(?=b)"}`, `{"groups":"` + strings.Repeat("x", 60) + `"}`, "ran out of time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, acl.New(), tt.conf, plugintest.New(plugintest.WithVar("external_user", tt.user)))
			switch {
			case tt.want == "" && out.Err != nil:
				t.Errorf("got error %v, want none", out.Err)
			case tt.want != "" && (out.Status != 500 || out.Err == nil || !strings.Contains(out.Err.Error(), tt.want)):
				t.Errorf("got %d with error %v, want 500 with %q", out.Status, out.Err, tt.want)
			}
		})
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"path", `{"allow_labels":{"a":["b"]},"external_user_label_field":"$..([invalid"}`, "invalid external_user_label_field: "},
		{"status", `{"allow_labels":{"a":["b"]},"rejected_code":600}`, "rejected_code 600 can not be sent"},
		{"type", `{"allow_labels":["b"]}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(acl.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	if info := acl.New().Info(); info.Name != "acl" || info.Priority != 2410 || info.Auth {
		t.Errorf("got info %+v", info)
	}
}

func BenchmarkAccess(b *testing.B) {
	hooks := plugintest.Configure(b, acl.New(), `{"allow_labels":{"org":["apache"]}}`, sdk.Scope{})
	x := plugintest.New()
	x.Consumers().Attach(&sdk.Consumer{Username: "jack", Labels: map[string]string{"org": "apache"}})
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Access(x); err != nil {
			b.Fatal(err)
		}
	}
}
