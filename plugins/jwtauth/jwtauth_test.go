package jwtauth

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const (
	missing = `{"message":"Missing JWT token in request"}` + "\n"
	invalid = `{"message":"JWT token invalid"}` + "\n"
	noKey   = `{"message":"missing user key in JWT token"}` + "\n"
	badKey  = `{"message":"Invalid user key in JWT token"}` + "\n"
	failed  = `{"message":"failed to verify jwt"}` + "\n"
	noUser  = `{"message":"Invalid user authorization"}` + "\n"
)

// exchange makes an exchange with the consumers jack, who shares a secret, rsa, who has a key pair, and guest.
func exchange(target string, fields ...string) *plugintest.Exchange {
	public, err := json.Marshal(credential{Algorithm: "RS256", PublicKey: pairs()["RSA"].pem})
	must(err)
	opts := []plugintest.Option{
		plugintest.WithTarget(target),
		plugintest.WithConsumer(name, "k", &sdk.Consumer{Username: "jack", Conf: []byte(`{"key":"k","secret":"secret"}`)}),
		plugintest.WithConsumer(name, "r", &sdk.Consumer{Username: "rsa", Conf: public}),
		plugintest.WithConsumer(name, "", &sdk.Consumer{Username: "nobody", Conf: []byte(`{"secret":"secret"}`)}),
		plugintest.WithConsumer(name, "broken", &sdk.Consumer{Username: "broken", Conf: []byte(`{"secret":1}`)}),
		plugintest.WithConsumer("key-auth", "k", &sdk.Consumer{Username: "guest"}),
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		opts = append(opts, plugintest.WithHeader(name, value))
	}
	return plugintest.New(opts...)
}

func TestRewrite(t *testing.T) {
	hs := func(header, payload string) string { return sign(t, header, payload, "HS256", shared("secret")) }
	good := hs(`{"alg":"HS256"}`, `{"key":"k"}`)
	rs := sign(t, `{"alg":"RS256"}`, `{"key":"r"}`, "RS256", pairs()["RSA"])
	const guest = `{"anonymous_consumer":"guest"}`
	tests := []struct {
		name, conf, target string
		fields             []string
		status             int
		body, consumer     string
	}{
		{"header", `{}`, "/", []string{"Authorization: Bearer " + good}, 200, "", "jack"},
		{"small letters", `{}`, "/", []string{"authorization: bearer " + good}, 200, "", "jack"},
		{"no scheme", `{}`, "/", []string{"Authorization: " + good}, 200, "", "jack"},
		{"query", `{}`, "/?a=1&jwt=" + good, nil, 200, "", "jack"},
		{"encoded query", `{}`, "/?%6Awt=" + strings.ReplaceAll(good, ".", "%2E"), nil, 200, "", "jack"},
		{"cookie", `{}`, "/", []string{"Cookie: a=b; jwt=" + good}, 200, "", "jack"},
		{"second cookie field", `{}`, "/", []string{"Cookie: a=b", "Cookie: jwt=" + good}, 200, "", "jack"},
		{"own places", `{"header":"h","query":"q","cookie":"c"}`, "/", []string{"Cookie: c=" + good}, 200, "", "jack"},
		{"key pair", `{}`, "/", []string{"Authorization: Bearer " + rs}, 200, "", "rsa"},
		{"own claim", `{"key_claim_name":"sub"}`, "/", []string{"Authorization: " + hs(`{"alg":"HS256"}`, `{"sub":"k"}`)}, 200, "", "jack"},
		{"nothing", `{}`, "/?jw=1", []string{"Cookie: a=b"}, 401, missing, ""},
		{"empty header", `{}`, "/?jwt=" + good, []string{"Authorization: "}, 401, invalid, ""},
		{"two fields", `{}`, "/", []string{"Authorization: " + good, "Authorization: " + good}, 401, invalid, ""},
		{"two parameters", `{}`, "/?jwt=" + good + "&jwt=" + good, nil, 401, invalid, ""},
		{"parameter without a value", `{}`, "/?jwt", nil, 401, invalid, ""},
		{"broken escape", `{}`, "/?jwt=%zz", nil, 401, invalid, ""},
		{"two cookies", `{}`, "/", []string{"Cookie: jwt=" + good + "; jwt=" + good}, 401, invalid, ""},
		{"no token", `{}`, "/", []string{"Authorization: Bearer x"}, 401, invalid, ""},
		{"no key", `{}`, "/", []string{"Authorization: " + hs(`{"alg":"HS256"}`, `{}`)}, 401, noKey, ""},
		{"key of nobody", `{}`, "/", []string{"Authorization: " + hs(`{"alg":"HS256"}`, `{"key":"x"}`)}, 401, badKey, ""},
		{"empty key", `{}`, "/", []string{"Authorization: " + hs(`{"alg":"HS256"}`, `{"key":""}`)}, 401, badKey, ""},
		{"key is a number", `{}`, "/", []string{"Authorization: " + hs(`{"alg":"HS256"}`, `{"key":1}`)}, 401, badKey, ""},
		{"wrong signature", `{}`, "/", []string{"Authorization: " + good[:len(good)-8]}, 401, failed, ""},
		{"none", `{}`, "/", []string{"Authorization: " + encode(`{"alg":"none"}`) + "." + encode(`{"key":"k"}`) + "."}, 401, failed, ""},
		{"NONE", `{}`, "/", []string{"Authorization: " + encode(`{"alg":"nOnE"}`) + "." + encode(`{"key":"k"}`) + "."}, 401, failed, ""},
		{"no algorithm", `{}`, "/", []string{"Authorization: " + hs(`{}`, `{"key":"k"}`)}, 401, failed, ""},
		{"small letters for the algorithm", `{}`, "/", []string{"Authorization: " + hs(`{"alg":"hs256"}`, `{"key":"k"}`)}, 401, failed, ""},
		{"public key as secret", `{}`, "/",
			[]string{"Authorization: " + sign(t, `{"alg":"HS256"}`, `{"key":"r"}`, "HS256", shared(pairs()["RSA"].pem))}, 401, failed, ""},
		{"configuration that is none", `{}`, "/", []string{"Authorization: " + hs(`{"alg":"HS256"}`, `{"key":"broken"}`)}, 401, failed, ""},
		{"claim is missing", `{"claims_to_verify":["exp"]}`, "/", []string{"Authorization: " + good}, 401, failed, ""},
		{"anonymous", guest, "/", nil, 200, "", "guest"},
		{"token beside anonymous", guest, "/", []string{"Authorization: " + good}, 200, "", "jack"},
		{"wrong is not anonymous", guest, "/", []string{"Authorization: x"}, 401, invalid, ""},
		{"no such anonymous", `{"anonymous_consumer":"ghost"}`, "/", nil, 401, noUser, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange(tt.target, tt.fields...)
			out := plugintest.Run(t, New(), tt.conf, x)
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
			consumer, challenge := "", ""
			if c := x.Consumers().Attached(); c != nil {
				consumer = c.Username
			}
			if tt.status == 401 {
				challenge = `Bearer realm="jwt"`
			}
			if consumer != tt.consumer {
				t.Errorf("got consumer %q, want %q", consumer, tt.consumer)
			}
			if got := out.Header.Get("WWW-Authenticate"); got != challenge {
				t.Errorf("got WWW-Authenticate %q, want %q", got, challenge)
			}
			noSecrets(t, x, good)
		})
	}
}

// noSecrets fails the test if something was logged that could be used.
func noSecrets(t *testing.T, x *plugintest.Exchange, token string) {
	t.Helper()
	for _, r := range x.Logs() {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{token, token[len(token)-30:], "BEGIN PUBLIC KEY", `"secret"`} {
			if strings.Contains(string(text), secret) {
				t.Errorf("log record %s holds %q", text, secret)
			}
		}
	}
}

func TestHideCredentials(t *testing.T) {
	token := sign(t, `{"alg":"HS256"}`, `{"key":"k"}`, "HS256", shared("secret"))
	const hide = `{"hide_credentials":true}`
	tests := []struct {
		name, conf, target string
		fields             []string
		wantTarget         string
		wantFields         []string
	}{
		{"shown", `{}`, "/?a=1", []string{"Authorization: " + token}, "/?a=1", []string{"Authorization: " + token}},
		{"header", hide, "/?jwt=1", []string{"AUTHORIZATION: " + token, "X: 1"}, "/?jwt=1", []string{"X: 1"}},
		{"query", hide, "/?b=%20&jwt=" + token + "&a=1&b", nil, "/?b=%20&a=1&b", []string{}},
		{"only parameter", hide, "/?jwt=" + token, nil, "/", []string{}},
		{"cookie", hide, "/", []string{`Cookie: a="b; jwt=` + token + `; c=d`}, "/", []string{`Cookie: a="b; c=d`}},
		{"first cookie", hide, "/", []string{"Cookie: jwt=" + token + "; c=d"}, "/", []string{"Cookie: c=d"}},
		{"only cookie", hide, "/", []string{"Cookie: jwt=" + token}, "/", []string{}},
		{"cookie fields", hide, "/", []string{"Cookie: a=b", "Cookie: jwt=" + token}, "/", []string{"Cookie: a=b"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := plugintest.Run(t, New(), tt.conf, exchange(tt.target, tt.fields...))
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

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hooks := plugintest.Configure(t, New(), `{}`, sdk.Scope{})
		exp, err := json.Marshal(map[string]any{"key": "k", "exp": time.Now().Unix() + 10})
		must(err)
		token := sign(t, `{"alg":"HS256"}`, string(exp), "HS256", shared("secret"))
		for _, want := range []int{200, 401} {
			if out := plugintest.Walk(hooks, exchange("/", "Authorization: "+token)); out.Status != want {
				t.Errorf("got %d at %v, want %d", out.Status, time.Now(), want)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

func TestStore(t *testing.T) {
	token := sign(t, `{"alg":"HS256"}`, `{"key":"k", "a":[1]}`, "HS256", shared("secret"))
	for conf, want := range map[string]string{`{}`: "", `{"store_in_ctx":true}`: `{"key":"k", "a":[1]}`} {
		x := exchange("/", "Authorization: "+token)
		plugintest.Run(t, New(), conf, x)
		if got := x.Vars()["jwt_auth_payload"]; got != want {
			t.Errorf("%s: got %q, want %q", conf, got, want)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	if _, err := plugintest.TryConfigure(New(), `{"header":1}`, sdk.Scope{}); err == nil {
		t.Error("a header name that is a number was accepted")
	}
}

func TestInfo(t *testing.T) {
	info := New().Info()
	if !info.Auth || info.CredentialField != "key" || info.Priority != 2510 || !cmp.Equal(info.SecretFields, []string{"secret"}) {
		t.Errorf("got info %+v", info)
	}
}
