package csrf

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestAccess(t *testing.T) {
	g := &guard{config: config{Key: "secret", Expires: 7200}}
	good := g.token(time.Now())
	const (
		noField  = `{"error_msg":"no csrf token in headers"}` + "\n"
		noCookie = `{"error_msg":"no csrf cookie"}` + "\n"
		mismatch = `{"error_msg":"csrf token mismatch"}` + "\n"
		wrong    = `{"error_msg":"Failed to verify the csrf token signature"}` + "\n"
	)
	tests := []struct {
		name, method, field, cookie string
		status                      int
		body                        string
	}{
		{"GET", "GET", "", "", 200, ""},
		{"HEAD", "HEAD", "", "", 200, ""},
		{"OPTIONS", "OPTIONS", "", "", 200, ""},
		{"small letters", "get", "", "", 401, noField},
		{"good", "POST", good, "apisix-csrf-token=" + good, 200, ""},
		{"among others", "DELETE", good, "a=b; apisix-csrf-token=" + good + "; c=d", 200, ""},
		{"nothing", "POST", "", "", 401, noField},
		{"only the cookie", "POST", "", "apisix-csrf-token=" + good, 401, noField},
		{"only the field", "POST", good, "", 401, noCookie},
		{"other cookie", "POST", good, "csrf-token=" + good, 401, noCookie},
		{"mismatch", "POST", good, "apisix-csrf-token=" + g.token(time.Now()), 401, mismatch},
		{"nonsense", "POST", "x", "apisix-csrf-token=x", 401, wrong},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := []plugintest.Option{plugintest.WithMethod(tt.method)}
			if tt.field != "" {
				opts = append(opts, plugintest.WithHeader("Apisix-Csrf-Token", tt.field))
			}
			if tt.cookie != "" {
				opts = append(opts, plugintest.WithHeader("Cookie", tt.cookie))
			}
			out := plugintest.Run(t, New(), `{"key":"secret"}`, plugintest.New(opts...))
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil {
				t.Errorf("got %d %q (error %v), want %d %q", out.Status, out.Body, out.Err, tt.status, tt.body)
			}
			if cookie := out.Header.Get("Set-Cookie"); !strings.HasPrefix(cookie, "apisix-csrf-token=") {
				t.Errorf("got Set-Cookie %q, want a token", cookie)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	now := time.Unix(10_000, 0)
	g := &guard{config: config{Key: "secret", Expires: 100}}
	object := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	signed := `"sign":"` + g.sign("0.5", "10000") + `"`
	tests := []struct {
		name, token string
		expires     int64
		want        string // part of the error
	}{
		{"own", g.token(now), 100, ""},
		{"without padding", strings.TrimRight(g.token(now), "="), 100, ""},
		{"other order", object(`{` + signed + `,"expires":10000,"random":0.50}`), 100, ""},
		{"of the last second", g.token(now.Add(-100 * time.Second)), 100, ""},
		{"old", g.token(now.Add(-101 * time.Second)), 100, "expired"},
		{"old, but for ever", g.token(now.Add(-101 * time.Second)), 0, ""},
		{"from the future", g.token(now.Add(time.Hour)), 100, ""},
		{"other key", (&guard{config: config{Key: "other"}}).token(now), 100, "signature"},
		{"other time", object(`{` + signed + `,"expires":10001,"random":0.5}`), 100, "signature"},
		{"other number", object(`{` + signed + `,"expires":10000,"random":0.6}`), 100, "signature"},
		{"no signature", object(`{"expires":10000,"random":0.5}`), 100, "signature"},
		{"no number", object(`{` + signed + `,"expires":10000}`), 100, "no random"},
		{"no time", object(`{` + signed + `,"random":0.5}`), 100, "no expires"},
		{"text for a time", object(`{` + signed + `,"random":0.5,"expires":"10000"}`), 100, "not an object"},
		{"array", object(`[]`), 100, "not an object"},
		{"null", object(`null`), 100, "no random"},
		{"no JSON", object(`{`), 100, "not an object"},
		{"no base64", "?", 100, "not base64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := &guard{config: config{Key: "secret", Expires: tt.expires}}
			err := g.check(tt.token, now)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestTokensDiffer(t *testing.T) {
	g := &guard{config: config{Key: "secret"}}
	if a, b := g.token(time.Now()), g.token(time.Now()); a == b {
		t.Errorf("got %q twice", a)
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hooks := plugintest.Configure(t, New(), `{"key":"secret","expires":10}`, sdk.Scope{})
		token := (&guard{config: config{Key: "secret"}}).token(time.Now())
		for _, want := range []int{200, 200, 401} {
			out := plugintest.Walk(hooks, plugintest.New(plugintest.WithMethod("POST"),
				plugintest.WithHeader("apisix-csrf-token", token), plugintest.WithHeader("Cookie", "apisix-csrf-token="+token)))
			if out.Status != want {
				t.Errorf("got %d at %v, want %d", out.Status, time.Now(), want)
			}
			time.Sleep(10 * time.Second)
		}
	})
}

func TestSetCookie(t *testing.T) {
	x := plugintest.New(plugintest.WithUpstream(plugintest.Upstream{Status: 200, Header: []plugintest.Field{{Name: "Set-Cookie", Value: "a=b"}}}))
	out := plugintest.Run(t, New(), `{"key":"secret","name":"t"}`, x)
	cookies := out.Header.Values("Set-Cookie")
	if len(cookies) != 2 || cookies[0] != "a=b" || !strings.HasPrefix(cookies[1], "t=") || !strings.Contains(cookies[1], ";path=/;SameSite=Lax;Expires=") {
		t.Errorf("got cookies %q, want the upstream's and a token", cookies)
	}
}

func TestCookieTime(t *testing.T) {
	now := time.Date(2026, 8, 20, 10, 17, 33, 0, time.UTC)
	tests := []struct {
		name    string
		seconds int64
		want    string
	}{
		{"now", 0, "Thu, 20-Aug-26 10:17:33 GMT"},
		{"later", 7200, "Thu, 20-Aug-26 12:17:33 GMT"},
		{"earlier", -7200, "Thu, 20-Aug-26 08:17:33 GMT"},
		{"four digits", 1_000_000_000, "Sun, 28-Apr-2058 12:04:13 GMT"},
		{"far away", 1 << 62, "Sat, 27-Jul-2126 10:17:33 GMT"},
		{"long ago", -1 << 62, "Wed, 20-Aug-25 10:17:33 GMT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cookieTime(now, tt.seconds); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestBadConfiguration(t *testing.T) {
	for _, conf := range []string{`{"key":1}`, `{"key":"a","name":""}`, `{"key":"a","name":"a b"}`, `{"key":"a","name":"a;b"}`} {
		if _, err := plugintest.TryConfigure(New(), conf, sdk.Scope{}); err == nil {
			t.Errorf("%s was accepted", conf)
		}
	}
}

func TestInfo(t *testing.T) {
	if info := New().Info(); info.Name != "csrf" || info.Priority != 2980 || !cmp.Equal(info.SecretFields, []string{"key"}) {
		t.Errorf("got info %+v", info)
	}
}

// Only what was signed with the key is accepted.
func FuzzCheck(f *testing.F) {
	g := &guard{config: config{Key: "secret"}}
	f.Add(g.token(time.Unix(0, 0)))
	f.Add("")
	f.Add(base64.StdEncoding.EncodeToString([]byte(`{"random":1e308,"expires":-1,"sign":""}`)))
	f.Add(base64.StdEncoding.EncodeToString([]byte(`{"random":{},"expires":[]}`)))
	now := time.Unix(0, 0)
	f.Fuzz(func(t *testing.T, token string) {
		if g.check(token, now) == nil && (&guard{config: config{Key: "other"}}).check(token, now) == nil {
			t.Errorf("%q is accepted with two keys", token)
		}
	})
}

func BenchmarkHeaderFilter(b *testing.B) {
	hooks := plugintest.Configure(b, New(), `{"key":"secret"}`, sdk.Scope{})
	x := plugintest.New()
	b.ReportAllocs()
	for b.Loop() {
		x.Reset()
		x.Respond()
		if err := hooks.HeaderFilter(x); err != nil {
			b.Fatal(err)
		}
	}
}
