package basicauth_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/plugins/basicauth"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const (
	missing = `{"message":"Missing authorization in request"}` + "\n"
	invalid = `{"message":"Invalid authorization in request"}` + "\n"
	noUser  = `{"message":"Invalid user authorization"}` + "\n"
)

func basic(credentials string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
}

// exchange makes an exchange with consumers of several kinds.
func exchange(authorization ...string) *plugintest.Exchange {
	consumer := func(user, conf string) plugintest.Option {
		return plugintest.WithConsumer("basic-auth", user, &sdk.Consumer{Username: "consumer " + user, Conf: []byte(conf)})
	}
	opts := []plugintest.Option{
		consumer("foo", `{"username":"foo","password":"bar"}`),
		consumer("spaced", `{"username":"spaced","password":"a b:c"}`),
		consumer("empty", `{"username":"empty","password":""}`),
		consumer("", `{"username":"","password":"x"}`),
		consumer("broken", `{"password":1}`),
		plugintest.WithConsumer("key-auth", "k", &sdk.Consumer{Username: "guest"}),
	}
	for _, value := range authorization {
		opts = append(opts, plugintest.WithHeader("Authorization", value))
	}
	return plugintest.New(opts...)
}

func TestRewrite(t *testing.T) {
	const guest = `{"anonymous_consumer":"guest"}`
	tests := []struct {
		name, conf     string
		authorization  []string
		status         int
		body, consumer string
	}{
		{"good", `{}`, []string{basic("foo:bar")}, 200, "", "consumer foo"},
		{"scheme ignores case", `{}`, []string{"bAsIc Zm9vOmJhcg=="}, 200, "", "consumer foo"},
		{"no padding", `{}`, []string{"Basic Zm9vOmJhcg"}, 200, "", "consumer foo"},
		{"several spaces", `{}`, []string{" Basic   Zm9vOmJhcg== "}, 200, "", "consumer foo"},
		{"line end", `{}`, []string{basic("foo:bar\n")}, 200, "", "consumer foo"},
		{"spaces in between", `{}`, []string{basic("f oo:b\tar")}, 200, "", "consumer foo"},
		{"colon and space in the password", `{}`, []string{basic("spaced:a b:c")}, 200, "", "consumer spaced"},
		{"space left out", `{}`, []string{basic("spaced:ab:c")}, 401, noUser, ""},
		{"cut at a colon", `{}`, []string{basic("foo:bar:x")}, 401, noUser, ""},
		{"nothing", `{}`, nil, 401, missing, ""},
		{"empty", `{}`, []string{""}, 401, invalid, ""},
		{"other scheme", `{}`, []string{"Bearer Zm9vOmJhcg=="}, 401, invalid, ""},
		{"something before the scheme", `{}`, []string{"xBasic Zm9vOmJhcg=="}, 401, invalid, ""},
		{"scheme alone", `{}`, []string{"Basic"}, 401, invalid, ""},
		{"scheme and space", `{}`, []string{"Basic "}, 401, invalid, ""},
		{"base64", `{}`, []string{"Basic aca_a"}, 401, invalid, ""},
		{"no colon", `{}`, []string{basic("foo")}, 401, invalid, ""},
		{"no password", `{}`, []string{basic("foo:")}, 401, invalid, ""},
		{"zero byte", `{}`, []string{basic("foo:bar\x00")}, 401, noUser, ""},
		{"huge", `{}`, []string{basic(strings.Repeat("x", 100_000))}, 401, invalid, ""},
		{"unknown user", `{}`, []string{basic("bar:bar")}, 401, noUser, ""},
		{"wrong password", `{}`, []string{basic("foo:foo")}, 401, noUser, ""},
		{"other letters", `{}`, []string{basic("foo:Bar")}, 401, noUser, ""},
		{"empty user", `{}`, []string{basic(":x")}, 401, noUser, ""},
		{"space for a password", `{}`, []string{basic("empty: ")}, 401, noUser, ""},
		{"configuration that is none", `{}`, []string{basic("broken:1")}, 401, noUser, ""},
		{"two fields", `{}`, []string{basic("foo:bar"), basic("foo:bar")}, 401, invalid, ""},
		{"anonymous", guest, nil, 200, "", "guest"},
		{"good beside anonymous", guest, []string{basic("foo:bar")}, 200, "", "consumer foo"},
		{"wrong is not anonymous", guest, []string{basic("foo:foo")}, 401, noUser, ""},
		{"broken is not anonymous", guest, []string{"Bad"}, 401, invalid, ""},
		{"no such anonymous", `{"anonymous_consumer":"ghost"}`, nil, 401, noUser, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange(tt.authorization...)
			out := plugintest.Run(t, basicauth.New(), tt.conf, x)
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
			consumer, challenge := "", ""
			if c := x.Consumers().Attached(); c != nil {
				consumer = c.Username
			}
			if tt.status == 401 {
				challenge = `Basic realm="basic"`
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
	tests := []struct {
		name, conf string
		want       []string
	}{
		{"shown", `{}`, []string{"Authorization: Basic Zm9vOmJhcg=="}},
		{"hidden", `{"hide_credentials":true}`, []string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, basicauth.New(), tt.conf, exchange(basic("foo:bar")))
			if out.Sent == nil {
				t.Fatalf("got %d %q, want a request to the upstream", out.Status, out.Body)
			}
			out.Sent.Header.Del("X-Consumer-Username")
			if diff := cmp.Diff(tt.want, out.Sent.Header.Lines()); diff != "" {
				t.Errorf("fields differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLogsNeverHoldCredentials(t *testing.T) {
	for _, credentials := range []string{"foo:wrong-secret", "wrong-secret:x", "wrong-secret"} {
		x := exchange(basic(credentials))
		plugintest.Run(t, basicauth.New(), `{}`, x)
		if len(x.Logs()) == 0 {
			t.Errorf("%s: the refusal is not logged", credentials)
		}
		for _, r := range x.Logs() {
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "wrong-secret") || strings.Contains(string(text), basic(credentials)[6:]) {
				t.Errorf("log record %s holds the credentials", text)
			}
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	if _, err := plugintest.TryConfigure(basicauth.New(), `{"realm":1}`, sdk.Scope{}); err == nil {
		t.Error("a realm that is a number was accepted")
	}
}

func TestInfo(t *testing.T) {
	info := basicauth.New().Info()
	if !info.Auth || info.CredentialField != "username" || info.Priority != 2520 || !cmp.Equal(info.SecretFields, []string{"password"}) {
		t.Errorf("got info %+v", info)
	}
}

func BenchmarkRewrite(b *testing.B) {
	hooks := plugintest.Configure(b, basicauth.New(), `{}`, sdk.Scope{})
	x := exchange(basic("foo:bar"))
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Rewrite(x); err != nil {
			b.Fatal(err)
		}
	}
}
