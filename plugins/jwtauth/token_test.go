package jwtauth

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestParse(t *testing.T) {
	header, payload := encode(`{"alg":"HS256"}`), encode(`{"key":"k"}`)
	tests := []struct {
		name, text string
		algorithm  string // where it is accepted
		ok         bool
	}{
		{"three parts", header + "." + payload + ".YQ", "HS256", true},
		{"no signature", header + "." + payload + ".", "HS256", true},
		{"a signature that is none", header + "." + payload + ".@@@@", "HS256", true},
		{"no algorithm", encode(`{}`) + "." + payload + ".YQ", "", true},
		{"a number for an algorithm", encode(`{"alg":1}`) + "." + payload + ".YQ", "", true},
		{"escapes", encode(`{"\u0061lg":"HS\u0032"}`) + "." + payload + ".YQ", "HS2", true},
		{"other members", encode(`{"typ":"JWT","alg":"HS256","kid":[{"alg":1}]}`) + "." + payload + ".YQ", "HS256", true},
		{"nothing", "", "", false},
		{"two parts", header + "." + payload, "", false},
		{"four parts", header + "." + payload + ".YQ.", "", false},
		{"dots", strings.Repeat(".", 1<<20), "", false},
		{"empty parts", "..", "", false},
		{"padding", header + "=." + payload + ".YQ", "", false},
		{"other alphabet", encode(`{"a":"???>>>"}`)[:8] + "+/." + payload + ".YQ", "", false},
		{"line end", header + "\n." + payload + ".YQ", "", false},
		{"spare bits", header[:len(header)-1] + "1." + payload + ".YQ", "", false},
		{"header is an array", encode(`[1]`) + "." + payload + ".YQ", "", false},
		{"header is no JSON", encode(`{"alg"}`) + "." + payload + ".YQ", "", false},
		{"header is cut", encode(`{"alg":"HS256"`) + "." + payload + ".YQ", "", false},
		{"payload is null", header + "." + encode(`null`) + ".YQ", "", false},
		{"something behind the payload", header + "." + encode(`{} {}`) + ".YQ", "", false},
		{"algorithm twice", encode(`{"alg":"HS256","alg":"none"}`) + "." + payload + ".YQ", "", false},
		{"algorithm twice, escaped", encode(`{"alg":"HS256","\u0061lg":"none"}`) + "." + payload + ".YQ", "", false},
		{"claim twice", header + "." + encode(`{"key":"a","key":"b"}`) + ".YQ", "", false},
		{"no UTF-8", header + "." + encode("{\"key\":\"\xff\"}") + ".YQ", "", false},
		{"critical", encode(`{"alg":"HS256","crit":["b64"],"b64":false}`) + "." + payload + ".YQ", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tok, err := parse(tt.text)
			if (err == nil) != tt.ok {
				t.Fatalf("got error %v, want accepted: %v", err, tt.ok)
			}
			if err == nil && tok.algorithm != tt.algorithm {
				t.Errorf("got algorithm %q, want %q", tok.algorithm, tt.algorithm)
			}
		})
	}
}

func TestKey(t *testing.T) {
	tests := []struct {
		name, payload, want string
		ok                  bool
	}{
		{"text", `{"key":"k"}`, "k", true},
		{"escapes", `{"key":"\u006b"}`, "k", true},
		{"number", `{"key":1}`, "", true},
		{"null", `{"key":null}`, "", true},
		{"false", `{"key":false}`, "", false},
		{"none", `{"Key":"k"}`, "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			claims, err := object([]byte(tt.payload))
			if err != nil {
				t.Fatal(err)
			}
			if key, ok := (&token{claims: claims}).key("key"); key != tt.want || ok != tt.ok {
				t.Errorf("got %q, %v, want %q, %v", key, ok, tt.want, tt.ok)
			}
		})
	}
}

// What is taken for a token must have one meaning, also to the library's decoder.
func FuzzParse(f *testing.F) {
	for _, part := range []string{`{"alg":"none"}`, `{"alg":"HS256","alg":"x"}`, `[]`, `{`, "{\"\xff\":1}", `{"a":{"b":1,"b":2}}`} {
		f.Add(encode(part) + "." + encode(`{"key":"k"}`) + ".YQ")
		f.Add(encode(`{}`) + "." + encode(part) + ".")
	}
	for _, payload := range []string{
		`{ "a" : 1 , "b":"\\"}" ,"c":[{"d":"]"},[]],"e":{},"f":null}`, `{"a":-1.5e+3}`, " {}\n", `{"\ud800":1}`, `{"":""}`, `{"a":tru}`,
	} {
		f.Add(encode(`{}`) + "." + encode(payload) + ".")
	}
	f.Add("..")
	f.Add("a.b.c.d")
	f.Fuzz(func(t *testing.T, text string) {
		tok, err := parse(text)
		if err != nil {
			return
		}
		if strings.Count(text, ".") != 2 || !strings.HasPrefix(text, tok.signed+".") {
			t.Errorf("%q: got %q as what is signed", text, tok.signed)
		}
		if encode(string(tok.payload)) != tok.signed[strings.Index(tok.signed, ".")+1:] {
			t.Errorf("%q: the payload %q is encoded in another way", text, tok.payload)
		}
		var claims map[string]json.RawMessage
		if err := json.Unmarshal(tok.payload, &claims); err != nil || !cmp.Equal(claims, tok.claims, cmpopts.EquateEmpty()) {
			t.Errorf("%q: got claims %s, the library %s (error %v)", text, tok.claims, claims, err)
		}
	})
}

// What is located must not be there any more when it has been hidden.
func FuzzHide(f *testing.F) {
	f.Add("a=1&jwt=x&b", "a=b; jwt=y; c=d")
	f.Add("%6awt=x&jwt", "jwt=y")
	f.Add("", "jwt=; jwt")
	f.Add("jwt=%zz", ";;jwt=a;")
	j := &jwtAuth{config: config{Header: "Authorization", Query: "jwt", Cookie: "jwt"}}
	f.Fuzz(func(t *testing.T, query, cookie string) {
		x := plugintest.New(plugintest.WithHeader("Cookie", cookie))
		x.Request().SetQuery(query)
		found := j.locate(x.Request())
		j.hide(x.Request(), found.place)
		if left := j.locate(x.Request()); found.place != nowhere && left.place == found.place {
			t.Errorf("query %q, cookie %q: %q is left in query %q, cookies %q", query, cookie, left.token,
				x.Request().Query(), x.Request().Header().Values("Cookie"))
		}
	})
}

func BenchmarkRewrite(b *testing.B) {
	conf, key := holder("HS256", "")
	raw, err := json.Marshal(conf)
	must(err)
	x := plugintest.New(
		plugintest.WithConsumer(name, "k", &sdk.Consumer{Username: "jack", Conf: raw}),
		plugintest.WithHeader("Authorization", "Bearer "+sign(b, `{"alg":"HS256","typ":"JWT"}`, `{"key":"k","exp":4102444800}`, "HS256", key)),
	)
	hooks := plugintest.Configure(b, New(), `{}`, sdk.Scope{})
	b.ReportAllocs()
	for b.Loop() {
		if err := hooks.Rewrite(x); err != nil {
			b.Fatal(err)
		}
	}
}
