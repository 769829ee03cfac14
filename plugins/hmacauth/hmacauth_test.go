package hmacauth

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

const (
	missing   = `{"message":"client request can't be validated: missing Authorization header"}` + "\n"
	noScheme  = `{"message":"client request can't be validated: Authorization header does not start with 'Signature'"}` + "\n"
	forbidden = `{"message":"client request can't be validated"}` + "\n"
	noUser    = `{"message":"Invalid user authorization"}` + "\n"
)

// date is a Date field so many seconds from now.
func date(seconds int) string {
	return "Date: " + time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

// mac signs lines.
func mac(algorithm, secret string, lines ...string) string {
	m := hmac.New(hashOf(algorithm), []byte(secret))
	m.Write([]byte(strings.Join(lines, "\n") + "\n"))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

func authorization(algorithm, headers, signature string) string {
	return fmt.Sprintf(`Authorization: Signature keyId="k",algorithm=%q,headers=%q,signature=%q`, algorithm, headers, signature)
}

// lower is a field as a line that is signed.
func lower(field string) string {
	name, value, _ := strings.Cut(field, ": ")
	return strings.ToLower(name) + ": " + value
}

// exchange makes an exchange with the consumers jack, whose key is k, and guest.
func exchange(method, target, body string, fields ...string) *plugintest.Exchange {
	opts := []plugintest.Option{
		plugintest.WithMethod(method),
		plugintest.WithTarget(target),
		plugintest.WithConsumer(name, "k", &sdk.Consumer{Username: "jack", Conf: []byte(`{"key_id":"k","secret_key":"secret"}`)}),
		plugintest.WithConsumer(name, "empty", &sdk.Consumer{Username: "empty", Conf: []byte(`{"secret_key":""}`)}),
		plugintest.WithConsumer(name, "broken", &sdk.Consumer{Username: "broken", Conf: []byte(`{"secret_key":1}`)}),
		plugintest.WithConsumer("key-auth", "k", &sdk.Consumer{Username: "guest"}),
	}
	if body != "" {
		opts = append(opts, plugintest.WithBody(body))
	}
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		opts = append(opts, plugintest.WithHeader(name, value))
	}
	return plugintest.New(opts...)
}

func TestRewrite(t *testing.T) {
	now, early, earlier, later := date(0), date(-60), date(-400), date(400)
	dated := func(date string) []string {
		return []string{date, authorization("hmac-sha256", "date", mac("hmac-sha256", "secret", "k", lower(date)))}
	}
	of := func(algorithm, secret string) string { return mac(algorithm, secret, "k", "GET /a?b=%20", lower(now)) }
	good := authorization("hmac-sha256", "@request-target date", of("hmac-sha256", "secret"))
	const both = "@request-target date"
	const guest = `{"anonymous_consumer":"guest"}`
	tests := []struct {
		name, conf     string
		fields         []string
		status         int
		body, consumer string
	}{
		{"SHA-256", `{}`, []string{now, good}, 200, "", "jack"},
		{"SHA-1", `{}`, []string{now, authorization("hmac-sha1", both, of("hmac-sha1", "secret"))}, 200, "", "jack"},
		{"SHA-512", `{}`, []string{now, authorization("hmac-sha512", both, of("hmac-sha512", "secret"))}, 200, "", "jack"},
		{"other spelling of a name", `{}`, []string{now, authorization("hmac-sha256", "Date", mac("hmac-sha256", "secret", "k", now))}, 200, "", "jack"},
		{"spaces and other parameters", `{}`, []string{now, strings.NewReplacer(`",`, `" , `, "Signature ", "Signature  created=1, x=\"y,z\",").Replace(good)}, 200, "", "jack"},
		{"field that is not there", `{}`, []string{now, authorization("hmac-sha256", "date x-a", mac("hmac-sha256", "secret", "k", lower(now)))}, 200, "", "jack"},
		{"own field", `{"signed_headers":["X-A"]}`, []string{now, "X-A: 1", authorization("hmac-sha256", "x-a", mac("hmac-sha256", "secret", "k", "x-a: 1"))}, 200, "", "jack"},
		{"nothing must be signed", `{"signed_headers":[]}`, []string{now, authorization("hmac-sha256", "", mac("hmac-sha256", "secret", "k"))}, 200, "", "jack"},
		{"a minute ago", `{}`, dated(early), 200, "", "jack"},
		{"nothing", `{}`, []string{now}, 401, missing, ""},
		{"two fields", `{}`, []string{now, good, good}, 401, forbidden, ""},
		{"other scheme", `{}`, []string{now, "Authorization: Basic x"}, 401, noScheme, ""},
		{"scheme runs on", `{}`, []string{now, "Authorization: SignatureX"}, 401, noScheme, ""},
		{"scheme alone", `{}`, []string{now, "Authorization: Signature"}, 401, forbidden, ""},
		{"no algorithm", `{}`, []string{now, `Authorization: Signature keyId="k",signature="YQ=="`}, 401, forbidden, ""},
		{"no key", `{}`, []string{now, `Authorization: Signature algorithm="hmac-sha256",signature="YQ=="`}, 401, forbidden, ""},
		{"unknown key", `{}`, []string{now, strings.Replace(good, `"k"`, `"x"`, 1)}, 401, forbidden, ""},
		{"consumer without a secret", `{"signed_headers":[]}`, []string{now, strings.Replace(authorization("hmac-sha256", "", mac("hmac-sha256", "", "empty")), `"k"`, `"empty"`, 1)}, 401, forbidden, ""},
		{"consumer that is broken", `{}`, []string{now, strings.Replace(good, `"k"`, `"broken"`, 1)}, 401, forbidden, ""},
		{"unknown algorithm", `{}`, []string{now, strings.Replace(good, "sha256", "md5", 1)}, 401, forbidden, ""},
		{"algorithm is not allowed", `{"allowed_algorithms":["hmac-sha512"]}`, []string{now, good}, 401, forbidden, ""},
		{"wrong secret", `{}`, []string{now, authorization("hmac-sha256", both, of("hmac-sha256", "guessed"))}, 401, forbidden, ""},
		{"no base64", `{}`, []string{now, authorization("hmac-sha256", both, "?")}, 401, forbidden, ""},
		{"parameter twice", `{}`, []string{now, good + `,keyId="k"`}, 401, forbidden, ""},
		{"quote is not closed", `{}`, []string{now, good[:len(good)-1]}, 401, forbidden, ""},
		{"no date", `{}`, []string{good}, 401, forbidden, ""},
		{"two dates", `{}`, []string{now, now, good}, 401, forbidden, ""},
		{"no time", `{}`, []string{"Date: today", authorization("hmac-sha256", "date", mac("hmac-sha256", "secret", "k", "date: today"))}, 401, forbidden, ""},
		{"too early", `{}`, dated(earlier), 401, forbidden, ""},
		{"too late", `{}`, dated(later), 401, forbidden, ""},
		{"date is not signed", `{}`, []string{now, authorization("hmac-sha256", "@request-target", mac("hmac-sha256", "secret", "k", "GET /a?b=%20"))}, 401, forbidden, ""},
		{"signed twice", `{}`, []string{now, authorization("hmac-sha256", "date Date", mac("hmac-sha256", "secret", "k", lower(now), now))}, 401, forbidden, ""},
		{"signed field is there twice", `{}`, []string{now, "X-A: 1", "X-A: 2", authorization("hmac-sha256", "date x-a", mac("hmac-sha256", "secret", "k", lower(now), "x-a: 1"))}, 401, forbidden, ""},
		{"too many fields", `{}`, []string{now, authorization("hmac-sha256", "date"+manyNames(), "YQ")}, 401, forbidden, ""},
		{"anonymous", guest, nil, 200, "", "guest"},
		{"wrong is not anonymous", guest, []string{now, "Authorization: Signature"}, 401, forbidden, ""},
		{"no such anonymous", `{"anonymous_consumer":"ghost"}`, nil, 401, noUser, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange("GET", "/a?b=%20", "", tt.fields...)
			out := plugintest.Run(t, New(), tt.conf, x)
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q; logs %v", out.Status, out.Body, out.Err, tt.status, tt.body, x.Logs())
			}
			consumer, challenge := "", ""
			if c := x.Consumers().Attached(); c != nil {
				consumer = c.Username
			}
			if tt.status == 401 {
				challenge = `hmac realm="hmac"`
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

func manyNames() string {
	var names strings.Builder
	for i := range 100 {
		fmt.Fprintf(&names, " x-%d", i)
	}
	return names.String()
}

func TestTargets(t *testing.T) {
	tests := []struct {
		name, target, real string
		signed             string
		ok                 bool
	}{
		{"as it is sent", "/a%20b?c=%20", "", "/a%20b?c=%20", true},
		{"decoded", "/a%20b?c=%20", "", "/a b?c=%20", true},
		{"before it was rewritten", "/new", "/old?x", "/old?x", true},
		{"decoded query", "/a%20b?c=%20", "", "/a b?c= ", false},
		{"no query", "/a?b", "", "/a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := date(0)
			x := exchange("DELETE", tt.target, "", now,
				authorization("hmac-sha256", "@request-target date", mac("hmac-sha256", "secret", "k", "DELETE "+tt.signed, lower(now))))
			if tt.real != "" {
				x.SetVar("real_request_uri", tt.real)
			}
			out := plugintest.Run(t, New(), `{}`, x)
			if (out.Status == 200) != tt.ok {
				t.Errorf("got %d, want accepted: %v", out.Status, tt.ok)
			}
		})
	}
}

func TestBody(t *testing.T) {
	const digest = "Digest: SHA-256=uU9vElx546X/qoJvWEwQ1SraZp5nYgUbgmtVd20FrtI=" // of "some text"
	const empty = "Digest: SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	const check = `{"validate_request_body":true,"max_req_body_size":9}`
	tests := []struct {
		name, conf, body string
		fields           []string
		status           int
		answer           string
	}{
		{"right", check, "some text", []string{digest}, 200, ""},
		{"no body", check, "", []string{empty}, 200, ""},
		{"other body", check, "SOME TEXT", []string{digest}, 401, forbidden},
		{"no digest", check, "some text", nil, 401, forbidden},
		{"two digests", check, "some text", []string{digest, digest}, 401, forbidden},
		{"other hash", check, "some text", []string{"Digest: MD5=x"}, 401, forbidden},
		{"too large", check, "some text!", []string{digest}, 413, `{"message":"request size 10 is greater than the maximum size 9 allowed"}` + "\n"},
		{"not looked at", `{}`, "other", []string{digest}, 200, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := date(0)
			fields := append([]string{now, authorization("hmac-sha256", "date", mac("hmac-sha256", "secret", "k", lower(now)))}, tt.fields...)
			out := plugintest.Run(t, New(), tt.conf, exchange("POST", "/", tt.body, fields...))
			if out.Status != tt.status || out.Body != tt.answer {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.answer)
			}
			if out.Sent != nil && out.Sent.Body != tt.body {
				t.Errorf("got body %q, want %q", out.Sent.Body, tt.body)
			}
		})
	}
}

func TestClockSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hooks := plugintest.Configure(t, New(), `{"clock_skew":10}`, sdk.Scope{})
		now := date(0)
		sent := []string{now, authorization("hmac-sha256", "date", mac("hmac-sha256", "secret", "k", lower(now)))}
		for _, want := range []int{200, 200, 401} {
			if out := plugintest.Walk(hooks, exchange("GET", "/", "", sent...)); out.Status != want {
				t.Errorf("got %d at %v, want %d", out.Status, time.Now(), want)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

func TestParseDate(t *testing.T) {
	want := time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)
	for _, text := range []string{"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"} {
		if got, ok := parseDate(text); !ok || !got.Equal(want) {
			t.Errorf("%q: got %v, %v, want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "0", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Nov 1994", "1994-11-06T08:49:37Z"} {
		if got, ok := parseDate(text); ok {
			t.Errorf("%q: got %v, want no date", text, got)
		}
	}
}

func TestHideCredentials(t *testing.T) {
	now := date(0)
	sent := []string{now, authorization("hmac-sha256", "date", mac("hmac-sha256", "secret", "k", lower(now)))}
	for conf, want := range map[string][]string{`{}`: sent, `{"hide_credentials":true}`: {now}} {
		out := plugintest.Run(t, New(), conf, exchange("GET", "/", "", sent...))
		if out.Sent == nil {
			t.Fatalf("got %d %q, want a request to the upstream", out.Status, out.Body)
		}
		out.Sent.Header.Del("X-Consumer-Username")
		if diff := cmp.Diff(want, out.Sent.Header.Lines()); diff != "" {
			t.Errorf("%s: fields differ (-want +got):\n%s", conf, diff)
		}
	}
}

func TestLogsNeverHoldCredentials(t *testing.T) {
	now := date(0)
	signature := mac("hmac-sha256", "guessed", "k", lower(now))
	x := exchange("GET", "/", "", now, authorization("hmac-sha256", "date", signature))
	plugintest.Run(t, New(), `{}`, x)
	if len(x.Logs()) == 0 {
		t.Error("a wrong signature is not logged")
	}
	for _, r := range x.Logs() {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), signature) || strings.Contains(string(text), "secret") {
			t.Errorf("log record %s holds the credentials", text)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	if _, err := plugintest.TryConfigure(New(), `{"realm":1}`, sdk.Scope{}); err == nil {
		t.Error("a realm that is a number was accepted")
	}
}

func TestInfo(t *testing.T) {
	info := New().Info()
	if !info.Auth || info.CredentialField != "key_id" || info.Priority != 2530 || !cmp.Equal(info.SecretFields, []string{"secret_key"}) {
		t.Errorf("got info %+v", info)
	}
}

// What is read must be what was written.
func FuzzRead(f *testing.F) {
	for _, field := range []string{
		"", "Signature", `Signature keyId="k",algorithm="a",headers="b c",signature="YQ=="`, `Signature keyId="k"`, `signature ,,a=b,keyId = "x" signature="YQ"`,
		`Signature keyId="`, `Signature =,=,=`, `Signature keyId="a",keyId="b"`, "Signature\tkeyId=k,signature=YQ,algorithm=x",
	} {
		f.Add(field)
	}
	f.Fuzz(func(t *testing.T, field string) {
		s, err := read([]string{field})
		if err != nil {
			return
		}
		if strings.Contains(s.keyID+s.algorithm+strings.Join(s.headers, ""), `"`) {
			return // a value without quotes may hold one in its middle, which cannot be written in quotes
		}
		again, err := read([]string{`Signature keyId="` + s.keyID + `",algorithm="` + s.algorithm + `",headers="` + strings.Join(s.headers, " ") +
			`",signature="` + base64.StdEncoding.EncodeToString(s.value) + `"`})
		if err != nil || !cmp.Equal(s, again, cmp.AllowUnexported(signature{})) {
			t.Errorf("%q: got %+v, which is read again as %+v (error %v)", field, s, again, err)
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	now := date(0)
	hooks := plugintest.Configure(b, New(), `{"clock_skew":86400}`, sdk.Scope{})
	x := exchange("GET", "/", "", now, authorization("hmac-sha256", "@request-target date", mac("hmac-sha256", "secret", "k", "GET /", lower(now))))
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Rewrite(x); err != nil {
			b.Fatal(err)
		}
	}
}
