package secret_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core/secret"
)

// env is an environment.
func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// resolver returns one with a client of its own, whose connections end with the test.
func resolver(t *testing.T, o secret.Options) *secret.Resolver {
	t.Helper()
	if o.Client == nil {
		transport := &http.Transport{}
		t.Cleanup(transport.CloseIdleConnections)
		o.Client = &http.Client{Transport: transport}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return secret.New(o)
}

func TestVault(t *testing.T) {
	fake := newVaultFake()
	fake.set("kv/apisix/jack", `{"auth-key":"s3cret-1","port":6379,"on":true,"none":null,"list":["a"],"data":"plain"}`)
	fake.set("kv/apisix/apisix-key/jack", `{"key":"deep"}`)
	fake.set("kv/apisix/two", `{"data":{"key":"s3cret-2","metadata":"mine"},"metadata":{"version":3}}`)
	fake.set("kv/apisix/odd?name", `{"key":"odd"}`)
	fake.set("kv/apisix/with space", `{"key":"space"}`)
	server := serve(t, fake)
	tests := []struct {
		name, ref, value string
		fails            []string
	}{
		{name: "a field", ref: "$secret://vault/1/jack/auth-key", value: "s3cret-1"},
		{name: "a longer path", ref: "$secret://vault/1/apisix-key/jack/key", value: "deep"},
		{name: "more slashes", ref: "$secret://vault/1//apisix-key//jack/key", value: "deep"},
		{name: "a number", ref: "$secret://vault/1/jack/port", value: "6379"},
		{name: "a boolean", ref: "$secret://vault/1/jack/on", value: "true"},
		{name: "a field named data", ref: "$secret://vault/1/jack/data", value: "plain"},
		{name: "version 2", ref: "$secret://vault/1/two/key", value: "s3cret-2"},
		{name: "version 2, a field named metadata", ref: "$secret://vault/1/two/metadata", value: "mine"},
		{name: "a question mark", ref: "$secret://vault/1/odd?name/key", value: "odd"},
		{name: "a space, escaped", ref: "$secret://vault/1/with%20space/key", value: "space"},
		{name: "a space", ref: "$secret://vault/1/with space/key", value: "space"},

		{name: "no such field", ref: "$secret://vault/1/jack/other",
			fails: []string{"resolve $secret://vault/1/jack/other: secret manager vault/1: field other of jack: there is no such field"}},
		{name: "null", ref: "$secret://vault/1/jack/none", fails: []string{"no such field"}},
		{name: "a list", ref: "$secret://vault/1/jack/list", fails: []string{"an object or a list"}},
		{name: "no such path", ref: "$secret://vault/1/jill/key",
			fails: []string{"secret manager vault/1", "Vault answered 404 for /v1/kv/apisix/jill", `ends with "/data"`}},
		{name: "no field", ref: "$secret://vault/1/apisix", fails: []string{"the key apisix has no field"}},
		{name: "no path", ref: "$secret://vault/1//apisix", fails: []string{"has no path"}},
		{name: "a slash at the end", ref: "$secret://vault/1/apisix/", fails: []string{"ends with a slash"}},
		{name: "upwards", ref: "$secret://vault/1/../../sys/seal-status/key", fails: []string{"must stay below the prefix"}},
		{name: "upwards, escaped", ref: "$secret://vault/1/%2e%2e/sys/key", fails: []string{"must stay below the prefix"}},
		{name: "upwards, slash escaped", ref: "$secret://vault/1/a%2F..%2f../key", fails: []string{"must stay below the prefix"}},
		{name: "another manager", ref: "$secret://vault/2/jack/key",
			fails: []string{"there is no secret manager vault/2: create it with PUT /apisix/admin/secrets/vault/2"}},
		{name: "no key", ref: "$secret://vault/1", fails: []string{"names no id", "write $secret://"}},
		{name: "nothing", ref: "$secret://", fails: []string{"names no secret manager"}},
		{name: "an empty key", ref: "$secret://vault/1/", fails: []string{"names no key"}},
		{name: "upper case", ref: "$SECRET://vault/1/jack/auth-key", fails: []string{"does not begin with"}},
	}
	r := resolver(t, secret.Options{})
	r.SetManagers(managers("vault/1", vaultResource(server.URL, "root-token")))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fails != nil {
				wantError(t, r, tt.ref, tt.fails...)
				return
			}
			want(t, r, tt.ref, tt.value)
		})
	}
	if got := fake.count("kv/apisix/jack"); got != 1 {
		t.Errorf("got %d reads of a path, want 1 for all its fields", got)
	}
}

func TestVaultRequest(t *testing.T) {
	var got *http.Request
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		_, _ = io.WriteString(w, `{"data":{"key":"v"}}`)
	}))
	r := resolver(t, secret.Options{Env: env(map[string]string{"VAULT": `{"token":"root-token\n"}`})})
	r.SetManagers(managers("vault/1", json.RawMessage(
		`{"uri":"`+server.URL+`/mock/","prefix":"/kv/prefix/","token":"$env://VAULT/token","namespace":"apisix"}`)))
	want(t, r, "$secret://vault/1/jack/key", "v")
	if got.Method != "GET" || got.URL.String() != "/mock/v1/kv/prefix/jack" {
		t.Errorf("got %s %s, want GET /mock/v1/kv/prefix/jack", got.Method, got.URL)
	}
	for name, value := range map[string]string{"X-Vault-Token": "root-token", "X-Vault-Namespace": "apisix"} {
		if got := got.Header.Get(name); got != value {
			t.Errorf("%s: got %q, want %q", name, got, value)
		}
	}
}

func TestVaultRefuses(t *testing.T) {
	server := serve(t, newVaultFake())
	tests := []struct {
		name, resource string
		says           []string
	}{
		{"a wrong token", `{"uri":"URI","prefix":"kv","token":"wrong-token"}`,
			[]string{"Vault answered 403 for /v1/kv/jack: permission denied for ***", "check the token and that its policy"}},
		{"a token that is not set", `{"uri":"URI","prefix":"kv","token":"$ENV://VALT_TOKEN"}`,
			[]string{"token $ENV://VALT_TOKEN", "VALT_TOKEN is not set"}},
		{"a token that is a secret", `{"uri":"URI","prefix":"kv","token":"$secret://vault/2/a/b"}`,
			[]string{"token is a reference to a secret", "use $ENV://"}},
		{"a token with a line break", `{"uri":"URI","prefix":"kv","token":"root-token\nX: 1"}`, []string{"token contains a line break"}},
		{"a namespace with a line break", `{"uri":"URI","prefix":"kv","token":"t","namespace":"a\nb"}`, []string{"namespace contains"}},
		{"no token", `{"uri":"URI","prefix":"kv"}`, []string{"its configuration is bad: token is missing"}},
		{"a token of another type", `{"uri":"URI","prefix":"kv","token":1234}`, []string{"token must not be a number"}},
		{"no address", `{"uri":"vault:8200","prefix":"kv","token":"t"}`, []string{"uri is not the address of an HTTP server"}},
		{"an address with a query", `{"uri":"URI?a=b","prefix":"kv","token":"t"}`, []string{"uri has a query"}},
		{"a list", `[]`, []string{"not a JSON object"}},
		{"null", `null`, []string{"not a JSON object"}},
		{"no JSON", `{s3cret`, []string{"not a JSON object"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := resolver(t, secret.Options{Env: env(nil)})
			r.SetManagers(managers("vault/1", json.RawMessage(strings.ReplaceAll(tt.resource, "URI", server.URL))))
			wantError(t, r, "$secret://vault/1/jack/key", append(tt.says, "resolve $secret://vault/1/jack/key: secret manager vault/1: ")...)
			s := r.Status()
			if len(s) != 1 || s[0].Name != "vault/1" || s[0].OK || s[0].LastError == "" || s[0].Failed != 1 {
				t.Errorf("got status %+v, want that of a manager that fails", s)
			}
		})
	}
}

func TestUnknownKind(t *testing.T) {
	r := resolver(t, secret.Options{})
	r.SetManagers(map[string]json.RawMessage{"keychain/1": json.RawMessage(`{}`), "vault": json.RawMessage(`{}`)})
	wantError(t, r, "$secret://keychain/1/a/b", "there is no kind of secret manager named keychain: use vault, aws or gcp")
	if got := r.Status(); len(got) != 2 || got[1].LastError != "the id of a secret manager is <manager>/<id>, such as vault/1" {
		t.Errorf("got %+v", got)
	}
}

// TestBadAnswers has answers of servers that are not a Vault, or mean harm.
func TestBadAnswers(t *testing.T) {
	elsewhere := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Errorf("got a request with token %q at another host", r.Header.Get("X-Vault-Token"))
	}))
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
	}
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, s) }
	}
	tests := []struct {
		name    string
		handler http.HandlerFunc
		says    string
	}{
		{"HTML", text("<html>s3cret</html>"), "the answer is not the JSON object that is expected: check that uri is the address of Vault"},
		{"nothing", text(""), "not the JSON object"},
		{"half an answer", text(`{"data":{"key":"s3cret`), "not the JSON object"},
		{"data is null", text(`{"data":null}`), "not the JSON object"},
		{"data is text", text(`{"data":"s3cret"}`), "not the JSON object"},
		{"deep", text(`{"data":` + strings.Repeat("[", 100_000)), "not the JSON object"},
		{"another host", redirect(elsewhere.URL), "redirect to " + elsewhere.URL + ", which is not followed because the credentials are for"},
		{"another scheme", redirect("https://127.0.0.1:1/"), "redirect to https://127.0.0.1:1"},
		{"a hostile place", redirect("http://evil\u202e.example/"), "redirect to http://evil..example, which is not followed"},
		{"a hostile header", redirect("/\u0007" + strings.Repeat("x", 4096)), "xxx…: check the address"},
		{"round and round", redirect("/again"), "in a row"},
		{"an error page", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "s3cret", http.StatusInternalServerError) },
			"Vault answered 500 for /v1/kv/apisix/jack"},
		{"sealed", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, `{"errors":["Vault is sealed\u0000"]}`, http.StatusServiceUnavailable)
		}, "Vault is sealed.: check that Vault is unsealed"},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			chunk := []byte(strings.Repeat(" ", 1<<16))
			for range 1 << 10 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}, "is larger than 1048576 bytes"},
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"data":`)
		}, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := serve(t, tt.handler)
			r := resolver(t, secret.Options{})
			r.SetManagers(managers("vault/1", vaultResource(server.URL, "root-token")))
			wantError(t, r, "$secret://vault/1/jack/key", tt.says)
		})
	}
}

func TestRedirectWithinHost(t *testing.T) {
	server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/kv/apisix/jack" {
			http.Redirect(w, r, "/ui/v1/kv/apisix/jack", http.StatusTemporaryRedirect)
			return
		}
		_, _ = fmt.Fprintf(w, `{"data":{"key":%q}}`, r.Header.Get("X-Vault-Token"))
	}))
	r := resolver(t, secret.Options{})
	r.SetManagers(managers("vault/1", vaultResource(server.URL, "root-token")))
	want(t, r, "$secret://vault/1/jack/key", "root-token")
}

// TestHangingServer uses the time limit and the client that are the default.
func TestHangingServer(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	log := &logBuffer{}
	r := secret.New(secret.Options{Timeout: 100 * time.Millisecond, Logger: log.logger()})
	r.SetManagers(managers("vault/1", vaultResource("http://"+listener.Addr().String(), "root-token")))
	begun := time.Now()
	for i := range 20 {
		wantError(t, r, fmt.Sprintf("$secret://vault/1/jack%d/key", i), "does not answer in time")
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("got %v for 20 references, want the first one to be the only one that waits", took)
	}
	if got := log.count("does not answer"); got == 0 || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("got log %q, want one line", log)
	}
	if s := r.Status(); s[0].OK || !strings.Contains(s[0].LastError, "does not answer in time") {
		t.Errorf("got status %+v", s)
	}
}

func TestVerifiesCertificates(t *testing.T) {
	server := httptest.NewUnstartedServer(newVaultFake())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	defer server.Close()
	r := secret.New(secret.Options{Logger: (&logBuffer{}).logger()})
	r.SetManagers(managers("vault/1", vaultResource(server.URL, "root-token")))
	wantError(t, r, "$secret://vault/1/jack/key", "certificate")
}
