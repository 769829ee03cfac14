package keyauth_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/polygate/polygate/plugins/keyauth"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const (
	missing = `{"message":"Missing API key in request"}` + "\n"
	invalid = `{"message":"Invalid API key in request"}` + "\n"
	noUser  = `{"message":"Invalid user authorization"}` + "\n"
)

// exchange makes an exchange with the consumers jack, whose key is "auth-one", "a b", and guest, who has none that is sent.
func exchange(target string, fields ...string) *plugintest.Exchange {
	jack := &sdk.Consumer{Username: "jack", Conf: []byte(`{"key":"auth-one"}`)}
	opts := []plugintest.Option{
		plugintest.WithTarget(target),
		plugintest.WithConsumer("key-auth", "auth-one", jack),
		plugintest.WithConsumer("key-auth", "a b", jack),
		plugintest.WithConsumer("key-auth", "", &sdk.Consumer{Username: "nobody"}),
		plugintest.WithConsumer("other-auth", "other", &sdk.Consumer{Username: "guest"}),
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		opts = append(opts, plugintest.WithHeader(name, value))
	}
	return plugintest.New(opts...)
}

func TestRewrite(t *testing.T) {
	tests := []struct {
		name, conf, target string
		fields             []string
		status             int
		body, consumer     string
	}{
		{"header", `{}`, "/", []string{"apikey: auth-one"}, 200, "", "jack"},
		{"header name ignores case", `{}`, "/", []string{"ApiKey: auth-one"}, 200, "", "jack"},
		{"own header", `{"header":"Authorization"}`, "/", []string{"Authorization: auth-one"}, 200, "", "jack"},
		{"query", `{}`, "/?a=1&apikey=auth-one", nil, 200, "", "jack"},
		{"own query", `{"query":"auth"}`, "/?auth=auth-one", nil, 200, "", "jack"},
		{"encoded query", `{}`, "/?%61pikey=a+b", nil, 200, "", "jack"},
		{"nothing", `{}`, "/", nil, 401, missing, ""},
		{"other parameter", `{}`, "/?key=auth-one&&apikeys=1", nil, 401, missing, ""},
		{"wrong header", `{}`, "/", []string{"apikey: 123"}, 401, invalid, ""},
		{"wrong query", `{}`, "/?apikey=123", nil, 401, invalid, ""},
		{"empty header", `{}`, "/?apikey=auth-one", []string{"apikey: "}, 401, invalid, ""},
		{"empty parameter", `{}`, "/?apikey=", nil, 401, invalid, ""},
		{"parameter without a value", `{}`, "/?apikey", nil, 401, invalid, ""},
		{"parameter twice", `{}`, "/?apikey=auth-one&apikey=auth-one", nil, 401, invalid, ""},
		{"broken escape", `{}`, "/?apikey=auth-one%", nil, 401, invalid, ""},
		{"header before query", `{}`, "/?apikey=auth-one", []string{"apikey: 123"}, 401, invalid, ""},
		{"two fields", `{}`, "/", []string{"apikey: auth-one", "apikey: 123"}, 401, invalid, ""},
		{"first of two fields is wrong", `{}`, "/", []string{"apikey: 123", "apikey: auth-one"}, 401, invalid, ""},
		{"credential of another plugin", `{}`, "/", []string{"apikey: other"}, 401, invalid, ""},
		{"anonymous", `{"anonymous_consumer":"guest"}`, "/", nil, 200, "", "guest"},
		{"key beside anonymous", `{"anonymous_consumer":"guest"}`, "/", []string{"apikey: auth-one"}, 200, "", "jack"},
		{"wrong key is not anonymous", `{"anonymous_consumer":"guest"}`, "/", []string{"apikey: 123"}, 401, invalid, ""},
		{"empty key is not anonymous", `{"anonymous_consumer":"guest"}`, "/", []string{"apikey: "}, 401, invalid, ""},
		{"no such anonymous", `{"anonymous_consumer":"ghost"}`, "/", nil, 401, noUser, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange(tt.target, tt.fields...)
			out := plugintest.Run(t, keyauth.New(), tt.conf, x)
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
			consumer, challenge := "", ""
			if c := x.Consumers().Attached(); c != nil {
				consumer = c.Username
			}
			if tt.status == 401 {
				challenge = `apikey realm="key"`
			}
			if consumer != tt.consumer {
				t.Errorf("got consumer %q, want %q", consumer, tt.consumer)
			}
			if got := out.Header.Get("WWW-Authenticate"); got != challenge {
				t.Errorf("got WWW-Authenticate %q, want %q", got, challenge)
			}
		})
	}
}

func TestHideCredentials(t *testing.T) {
	const hide = `{"hide_credentials":true}`
	tests := []struct {
		name, conf, target string
		fields             []string
		wantTarget         string
		wantFields         []string
	}{
		{"shown", `{}`, "/?apikey=1", []string{"apikey: auth-one"}, "/?apikey=1", []string{"apikey: auth-one"}},
		{"header", hide, "/?apikey=1", []string{"APIKEY: auth-one", "X: 1"}, "/?apikey=1", []string{"X: 1"}},
		{"query", hide, "/?b=%20&apikey=auth-one&a=1&b", nil, "/?b=%20&a=1&b", []string{}},
		{"encoded query", hide, "/?%61pikey=auth-one", nil, "/", []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, keyauth.New(), tt.conf, exchange(tt.target, tt.fields...))
			if out.Sent == nil {
				t.Fatalf("got %d %q, want a request to the upstream", out.Status, out.Body)
			}
			if out.Sent.Target != tt.wantTarget {
				t.Errorf("got target %q, want %q", out.Sent.Target, tt.wantTarget)
			}
			out.Sent.Header.Del("X-Consumer-Username")
			if diff := cmp.Diff(tt.wantFields, out.Sent.Header.Lines()); diff != "" {
				t.Errorf("fields differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRealm(t *testing.T) {
	out := plugintest.Run(t, keyauth.New(), `{"realm":"my realm"}`, exchange("/"))
	if got, want := out.Header.Get("WWW-Authenticate"), `apikey realm="my realm"`; got != want {
		t.Errorf("got WWW-Authenticate %q, want %q", got, want)
	}
}

func TestLogsNeverHoldTheKey(t *testing.T) {
	x := exchange("/", "apikey: wrong-secret")
	plugintest.Run(t, keyauth.New(), `{}`, x)
	if len(x.Logs()) == 0 {
		t.Error("a wrong key is not logged")
	}
	for _, r := range x.Logs() {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "wrong-secret") {
			t.Errorf("log record %s holds the key", text)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	if _, err := plugintest.TryConfigure(keyauth.New(), `{"header":1}`, sdk.Scope{}); err == nil {
		t.Error("a header name that is a number was accepted")
	}
}

func TestInfo(t *testing.T) {
	info := keyauth.New().Info()
	if !info.Auth || info.CredentialField != "key" || info.Priority != 2500 ||
		!json.Valid(info.Schema) || !json.Valid(info.ConsumerSchema) {
		t.Errorf("got info %+v", info)
	}
}
