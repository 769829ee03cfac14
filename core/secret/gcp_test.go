package secret_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/polygate/polygate/core/secret"
)

// gcpFake is Google's token server, which verifies assertions, and its Secret Manager.
type gcpFake struct {
	key     *rsa.PrivateKey
	now     func() time.Time
	secrets map[string]string
	life    int    // of tokens, in seconds
	kind    string // of tokens
	mu      sync.Mutex
	tokens  int // given so far
	revoked int // tokens up to this one are not good
}

func newGCPFake(t *testing.T) *gcpFake {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &gcpFake{key: key, now: time.Now, life: 3600, kind: "Bearer", secrets: map[string]string{
		"jack": `{"key":"value","n":7}`, "mysql": "s3cret",
	}}
}

func (g *gcpFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r.URL.Path == "/token" {
		if err := g.verify(r); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprintf(w, `{"error":"invalid_grant","error_description":%q}`, err.Error()+" "+r.PostFormValue("assertion"))
			return
		}
		g.tokens++
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","expires_in":%d,"token_type":%q}`, g.tokens, g.life, g.kind)
		return
	}
	if r.Header.Get("Authorization") != fmt.Sprintf("%s token-%d", g.kind, g.tokens) || g.tokens <= g.revoked {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"code":401,"message":"Request had invalid authentication credentials.","status":"UNAUTHENTICATED"}}`)
		return
	}
	name, found := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/versions/latest:access"), "/v1/projects/apisix/secrets/")
	value, ok := g.secrets[name]
	if !found || !ok {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":{"code":404,"message":"Secret not found or has no versions.","status":"NOT_FOUND"}}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"name":"x","payload":{"data":%q}}`, base64.StdEncoding.EncodeToString([]byte(value)))
}

// verify checks a request for a token (RFC 7523) with the public key.
func (g *gcpFake) verify(r *http.Request) error {
	if got := r.PostFormValue("grant_type"); got != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return fmt.Errorf("grant_type %q", got)
	}
	parts := strings.Split(r.PostFormValue("assertion"), ".")
	if len(parts) != 3 {
		return fmt.Errorf("%d parts", len(parts))
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return err
		}
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&g.key.PublicKey, crypto.SHA256, digest[:], decoded[2]); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	var header struct{ Alg, Typ string }
	var claims struct {
		Iss, Aud, Scope string
		Iat, Exp        int64
	}
	if err := json.Unmarshal(decoded[0], &header); err != nil || header.Alg != "RS256" || header.Typ != "JWT" {
		return fmt.Errorf("header %s", decoded[0])
	}
	if err := json.Unmarshal(decoded[1], &claims); err != nil {
		return err
	}
	now := g.now().Unix()
	switch {
	case claims.Iss != "gate@apisix.iam.gserviceaccount.com":
		return fmt.Errorf("iss %q", claims.Iss)
	case !strings.HasSuffix(claims.Aud, "/token"):
		return fmt.Errorf("aud %q", claims.Aud)
	case claims.Scope != "scope-1 scope-2":
		return fmt.Errorf("scope %q", claims.Scope)
	case claims.Iat > now || claims.Iat < now-60 || claims.Exp != claims.Iat+3600:
		return fmt.Errorf("iat %d, exp %d", claims.Iat, claims.Exp)
	}
	return nil
}

// account is a service account's key for the fake.
func (g *gcpFake) account(t *testing.T, url string) map[string]any {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(g.key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"client_email": "gate@apisix.iam.gserviceaccount.com",
		"private_key":  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		"project_id":   "apisix",
		"token_uri":    url + "/token",
		"scope":        []string{"scope-1", "scope-2"},
		"entries_uri":  url + "/v1",
	}
}

func encodeJSON(t *testing.T, v any) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGCP(t *testing.T) {
	fake := newGCPFake(t)
	server := serve(t, fake)
	r := resolver(t, secret.Options{})
	r.SetManagers(managers("gcp/1", encodeJSON(t, map[string]any{"auth_config": fake.account(t, server.URL)})))
	tests := []struct {
		name, ref, value string
		fails            []string
	}{
		{name: "a field", ref: "$secret://gcp/1/jack/key", value: "value"},
		{name: "a number", ref: "$secret://gcp/1/jack/n", value: "7"},
		{name: "text", ref: "$secret://gcp/1/mysql", value: "s3cret"},
		{name: "text has no fields", ref: "$secret://gcp/1/mysql/key", fails: []string{"field key of mysql", "not a JSON object"}},
		{name: "no such field", ref: "$secret://gcp/1/jack/a/b", fails: []string{"field a/b of jack: there is no such field"}},
		{name: "no such secret", ref: "$secret://gcp/1/other",
			fails: []string{"Google Cloud answered 404 for the secret other: NOT_FOUND Secret not found", "check project_id"}},
		{name: "another project", ref: "$secret://gcp/1/..%2F..%2Fx", fails: []string{"answered 404"}},
		{name: "a slash in front", ref: "$secret://gcp/1//apisix", fails: []string{"begins with a slash"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.fails != nil {
				wantError(t, r, tt.ref, tt.fails...)
				return
			}
			want(t, r, tt.ref, tt.value)
		})
	}
	if fake.tokens != 1 {
		t.Errorf("got %d tokens, want 1 that is kept", fake.tokens)
	}
	fake.mu.Lock()
	fake.revoked = 1
	fake.secrets["late"] = "late"
	fake.mu.Unlock()
	want(t, r, "$secret://gcp/1/late", "late")
	if fake.tokens != 2 {
		t.Errorf("got %d tokens, want another one for that which was revoked", fake.tokens)
	}
}

func TestGCPTokenExpires(t *testing.T) {
	fake := newGCPFake(t)
	fake.life, fake.kind = 600, "Custom"
	now := time.Now()
	fake.now = func() time.Time { return now }
	server := serve(t, fake)
	r := resolver(t, secret.Options{Now: fake.now, TTL: time.Second})
	r.SetManagers(managers("gcp/1", encodeJSON(t, map[string]any{"auth_config": fake.account(t, server.URL)})))
	for _, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {500 * time.Second, 1}, {39 * time.Second, 1}, {2 * time.Second, 2}} {
		now = now.Add(step.after)
		want(t, r, "$secret://gcp/1/mysql", "s3cret")
		if fake.tokens != step.want {
			t.Errorf("after another %v: got %d tokens, want %d", step.after, fake.tokens, step.want)
		}
	}
}

func TestGCPFile(t *testing.T) {
	fake := newGCPFake(t)
	server := serve(t, fake)
	file := filepath.Join(t.TempDir(), "account.json")
	r := resolver(t, secret.Options{NegTTL: time.Nanosecond})
	r.SetManagers(managers("gcp/1", encodeJSON(t, map[string]any{"auth_file": file})))
	wantError(t, r, "$secret://gcp/1/mysql", "auth_file: open "+file, "a file that it may read")

	for name, says := range map[string]string{
		"gcp-service-account-placeholder": "the configuration is not a JSON object: use the JSON key of a service account",
		`{"private_key":"PRIVATE"}`:       "client_email is missing",
		`{"client_email":"gate@apisix.iam.gserviceaccount.com","private_key":"PRIVATE","project_id":"apisix"}`: "private_key is not in PEM form",
	} {
		if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		wantError(t, r, "$secret://gcp/1/mysql", says)
	}
	if err := os.WriteFile(file, encodeJSON(t, fake.account(t, server.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, r, "$secret://gcp/1/mysql", "s3cret")
}

func TestGCPVerifiesCertificates(t *testing.T) {
	fake := newGCPFake(t)
	server := httptest.NewUnstartedServer(fake)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	server.StartTLS()
	defer server.Close()
	transport := &http.Transport{}
	r := resolver(t, secret.Options{Client: &http.Client{Transport: transport}})
	r.SetManagers(map[string]json.RawMessage{
		"gcp/1": encodeJSON(t, map[string]any{"auth_config": fake.account(t, server.URL)}),
		"gcp/2": encodeJSON(t, map[string]any{"auth_config": fake.account(t, server.URL), "ssl_verify": false}),
	})
	wantError(t, r, "$secret://gcp/1/mysql", "certificate")
	want(t, r, "$secret://gcp/2/mysql", "s3cret")
	if transport.TLSClientConfig != nil && transport.TLSClientConfig.InsecureSkipVerify {
		t.Error("the client that was given verifies nothing any more")
	}
}

func TestGCPRefuses(t *testing.T) {
	fake := newGCPFake(t)
	server := serve(t, fake)
	change := func(name string, value any) map[string]any {
		account := fake.account(t, server.URL)
		account[name] = value
		return map[string]any{"auth_config": account}
	}
	tests := []struct {
		name     string
		resource map[string]any
		says     string
	}{
		{"neither", map[string]any{}, "one of auth_config and auth_file is needed, and not both"},
		{"no project", change("project_id", ""), "auth_config: project_id is missing"},
		{"a number", change("client_email", 1234), "client_email must not be a number"},
		{"scope", change("scope", 1234), "scope is neither a string nor a list"},
		{"an address", change("entries_uri", "x"), "entries_uri is not the address"},
		{"another key", change("private_key", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"), "private_key cannot be read"},
		{"another scope", change("scope", "mine"), "Google Cloud answered 400 for an access token: invalid_grant scope \"mine\" ***"},
		{"token_uri", change("token_uri", server.URL+"/nothing"), "Google Cloud answered 401 for an access token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := resolver(t, secret.Options{})
			r.SetManagers(managers("gcp/1", encodeJSON(t, tt.resource)))
			wantError(t, r, "$secret://gcp/1/mysql", tt.says)
		})
	}
}

// TestGCPKeyForms has keys in PKCS #1, with a line break in front, and from the environment.
func TestGCPKeyForms(t *testing.T) {
	fake := newGCPFake(t)
	server := serve(t, fake)
	account := fake.account(t, server.URL)
	account["private_key"] = "\n" + string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(fake.key)}))
	vars := map[string]string{"KEY": account["private_key"].(string)}
	fromEnv := fake.account(t, server.URL)
	fromEnv["private_key"] = "$ENV://KEY"
	r := resolver(t, secret.Options{Env: env(vars)})
	r.SetManagers(map[string]json.RawMessage{
		"gcp/1": encodeJSON(t, map[string]any{"auth_config": account}),
		"gcp/2": encodeJSON(t, map[string]any{"auth_config": fromEnv}),
	})
	want(t, r, "$secret://gcp/1/mysql", "s3cret")
	want(t, r, "$secret://gcp/2/mysql", "s3cret")
}
