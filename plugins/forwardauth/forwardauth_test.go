package forwardauth_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/plugins/forwardauth"
	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

// asked is a request as the service got it.
type asked struct {
	line, host, body string
	fields           []string
}

// serve starts a service and returns its address and what it is asked.
func serve(t *testing.T, answer http.HandlerFunc) (uri string, got *[]asked) {
	t.Helper()
	got = new([]asked)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read the question: %v", err)
		}
		a := asked{line: r.Method + " " + r.RequestURI, host: r.Host, body: string(body)}
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			for _, value := range r.Header[name] {
				a.fields = append(a.fields, name+": "+value)
			}
		}
		*got = append(*got, a)
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func answer(status int, body string, fields ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(fields); i += 2 {
			w.Header().Add(fields[i], fields[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func run(t *testing.T, uri, more string, opts ...plugintest.Option) (*plugintest.Outcome, *plugintest.Exchange) {
	t.Helper()
	x := plugintest.New(opts...)
	return plugintest.Run(t, forwardauth.New(), fmt.Sprintf(`{"uri":%q%s}`, uri, more), x), x
}

func TestQuestion(t *testing.T) {
	request := []plugintest.Option{
		plugintest.WithTarget("/hello?a=1"), plugintest.WithMethod("PUT"), plugintest.WithBody("body"),
		plugintest.WithHeader("Host", "example.com"), plugintest.WithHeader("Authorization", "1"), plugintest.WithHeader("Cookie", "a"),
		plugintest.WithHeader("cookie", "b"), plugintest.WithHeader("X-Forwarded-Host", "made-up"), plugintest.WithHeader("X-Empty", ""),
		plugintest.WithHeader("Content-Encoding", "gzip"), plugintest.WithHeader("Expect", "100-continue"),
		plugintest.WithHeader("User-Agent", "curl"), plugintest.WithHeader("Transfer-Encoding", "chunked"),
	}
	about := []string{
		"User-Agent: polygate", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: example.com", "X-Forwarded-Method: PUT",
		"X-Forwarded-Proto: http", "X-Forwarded-Uri: /hello?a=1",
	}
	with := func(fields ...string) []string { return slices.Sorted(slices.Values(append(fields, about...))) }
	instead := func(fields ...string) []string { return slices.Sorted(slices.Values(append(fields, about[1:]...))) }
	tests := []struct {
		name, conf string
		want       asked
	}{
		{"alone", ``, asked{line: "GET /auth?x", fields: with()}},
		{"POST", `,"request_method":"POST"`, asked{line: "POST /auth?x", body: "body", fields: with("Content-Encoding: gzip", "Content-Length: 4")}},
		{
			"fields of the request", `,"request_headers":["authorization","Cookie","X-Forwarded-Host","X-Empty","X-None"]`,
			asked{line: "GET /auth?x", fields: with("Authorization: 1", "Cookie: a", "Cookie: b", "X-Empty: ")},
		},
		{
			"fields of the request's framing", `,"request_headers":["Content-Length","Expect","transfer-encoding","Connection","Upgrade","TE"]`,
			asked{line: "GET /auth?x", fields: with()},
		},
		{"user agent", `,"request_headers":["User-Agent"]`, asked{line: "GET /auth?x", fields: instead("User-Agent: curl")}},
		{"host", `,"request_headers":["Host"]`, asked{line: "GET /auth?x", host: "example.com", fields: with()}},
		{
			"further fields", `,"extra_headers":{"tenant_id":"$arg_a","X-Both":"$request_method-${arg_b ?? none}","X-None":"$arg_none","Authorization":"own"},` +
				`"request_headers":["Authorization"]`,
			asked{line: "GET /auth?x", fields: with("Tenant_id: 1", "X-Both: PUT-none", "X-None: ", "Authorization: own")},
		},
		{
			"further fields of the framing", `,"extra_headers":{"Content-Length":"7","host":"other.test"}`,
			asked{line: "GET /auth?x", host: "other.test", fields: with()},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			uri, got := serve(t, answer(200, ""))
			out, _ := run(t, uri+"/auth?x", tt.conf, request...)
			if out.Status != 200 || out.Err != nil || len(*got) != 1 {
				t.Fatalf("got %d (error %v) and %d questions, want 200 and one", out.Status, out.Err, len(*got))
			}
			if tt.want.host == "" {
				tt.want.host = strings.TrimPrefix(uri, "http://")
			}
			if diff := cmp.Diff(tt.want, (*got)[0], cmp.AllowUnexported(asked{})); diff != "" {
				t.Errorf("question differs (-want +got):\n%s", diff)
			}
			if out.Sent.Body != "body" {
				t.Errorf("got body %q at the upstream, want it unchanged", out.Sent.Body)
			}
		})
	}
}

func TestOtherForwardedHost(t *testing.T) {
	uri, got := serve(t, answer(200, ""))
	run(t, uri, `,"extra_headers":{"x-forwarded-host":"mine"},"request_headers":["X-Forwarded-For"]`, plugintest.WithHeader("X-Forwarded-For", "made-up"))
	fields := strings.Join((*got)[0].fields, "\n")
	if !strings.Contains(fields, "X-Forwarded-Host: mine") || strings.Count(fields, "X-Forwarded-Host") != 1 || strings.Contains(fields, "made-up") {
		t.Errorf("got fields %s, want the host that is configured and not what the client says", fields)
	}
}

// TestEmptyPost frames a body that is none, so that the service need not wait for one.
func TestEmptyPost(t *testing.T) {
	uri, got := serve(t, answer(200, ""))
	run(t, uri, `,"request_method":"POST"`)
	if fields := (*got)[0].fields; !slices.Contains(fields, "Content-Length: 0") {
		t.Errorf("got fields %q, want Content-Length: 0", fields)
	}
}

func TestPass(t *testing.T) {
	uri, _ := serve(t, answer(204, "", "X-User-ID", "jack", "X-Role", "a", "X-Role", "b", "X-Other", "c", "Connection", "X-Role"))
	out, _ := run(t, uri, `,"upstream_headers":["x-user-id","X-Role","X-Missing","Content-Length","Connection"],"client_headers":["X-Other"]`,
		plugintest.WithMethod("POST"), plugintest.WithBody("body"), plugintest.WithHeader("X-User-Id", "made-up"),
		plugintest.WithHeader("X-Missing", "made-up"), plugintest.WithHeader("X-Other", "mine"))
	if out.Status != 200 || out.Sent == nil {
		t.Fatalf("got %d, want a request to the upstream", out.Status)
	}
	got := out.Sent.Header.Lines()
	slices.Sort(got)
	if diff := cmp.Diff([]string{"Content-Length: 4", "X-Other: mine", "X-Role: a", "X-Role: b", "x-user-id: jack"}, got); diff != "" {
		t.Errorf("fields differ (-want +got):\n%s", diff)
	}
	if out.Header.Has("X-Other") {
		t.Error("the client got a field of the service, want none where the request passes")
	}
}

func TestRefuse(t *testing.T) {
	tests := []struct {
		name, conf   string
		answer       http.HandlerFunc
		status       int
		body, fields string
	}{
		{"status and body", ``, answer(401, "who?", "Location", "/login"), 401, "who?", ""},
		{"empty body", ``, answer(403, ""), 403, "", ""},
		{"redirect", `,"client_headers":["Location","X-None"]`, answer(302, "", "Location", "/login"), 302, "", "Location: /login"},
		{
			"repeated field", `,"client_headers":["Set-Cookie","Content-Length","Transfer-Encoding"]`,
			answer(401, "no", "Set-Cookie", "a=1", "Set-Cookie", "b=2"), 401, "no", "Set-Cookie: a=1\nSet-Cookie: b=2",
		},
		{"not what is encoded", `,"client_headers":["Content-Encoding"]`, answer(401, "zip", "Content-Encoding", "gzip"), 401, "zip", "Content-Encoding: gzip"},
		{"server error is an answer", `,"allow_degradation":true`, answer(500, "oops"), 500, "oops", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			uri, got := serve(t, tt.answer)
			out, _ := run(t, uri, tt.conf)
			if out.Status != tt.status || out.Body != tt.body || out.Err != nil || out.Sent != nil || len(*got) != 1 {
				t.Errorf("got %d %q (error %v) and %d questions, want %d %q and one", out.Status, out.Body, out.Err, len(*got), tt.status, tt.body)
			}
			var fields []string
			for name, value := range out.Header.All() {
				if name != "Content-Length" && name != "Content-Type" {
					fields = append(fields, name+": "+value)
				}
			}
			if got := strings.Join(fields, "\n"); got != tt.fields {
				t.Errorf("got fields %q, want %q", got, tt.fields)
			}
		})
	}
}

func TestBodyTooLarge(t *testing.T) {
	uri, got := serve(t, answer(200, ""))
	post := plugintest.WithMethod("POST")
	if out, _ := run(t, uri, `,"request_method":"POST","max_req_body_size":10`, post, plugintest.WithBody("12345678901")); out.Status != 413 || len(*got) != 0 {
		t.Errorf("got %d and %d questions, want 413 and none", out.Status, len(*got))
	}
	if out, _ := run(t, uri, `,"request_method":"POST","max_req_body_size":10`, post, plugintest.WithBody("1234567890")); out.Status != 200 || len(*got) != 1 {
		t.Errorf("got %d and %d questions, want 200 and one", out.Status, len(*got))
	}
	if out, _ := run(t, uri, `,"max_req_body_size":10`, post, plugintest.WithBody("12345678901")); out.Status != 200 || len(*got) != 2 {
		t.Errorf("got %d and %d questions of a method without a body, want 200 and two", out.Status, len(*got))
	}
}

func TestBadConfiguration(t *testing.T) {
	tests := []struct{ name, conf, want string }{
		{"no address", `{"uri":"auth"}`, `uri "auth" is none of an HTTP service`},
		{"other scheme", `{"uri":"ftp://127.0.0.1/"}`, "is none of an HTTP service"},
		{"no host", `{"uri":"http://:80/"}`, "is none of an HTTP service"},
		{"escape", `{"uri":"http://127.0.0.1/%zz"}`, "uri: parse"},
		{"field", `{"uri":"http://127.0.0.1/","extra_headers":{"a b":"c"}}`, "extra_headers: "},
		{"type", `{"uri":1}`, "decode configuration: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := plugintest.TryConfigure(forwardauth.New(), tt.conf, sdk.Scope{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestInfo(t *testing.T) {
	if info := forwardauth.New().Info(); info.Name != "forward-auth" || info.Priority != 2002 || info.Auth {
		t.Errorf("got info %+v", info)
	}
}
