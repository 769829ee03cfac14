package secret

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzReference takes references apart as all kinds of managers do.
func FuzzReference(f *testing.F) {
	for _, s := range []string{
		"$secret://vault/1/a/b", "$secret://aws/1/a/b/c", "$secret://gcp/1/a", "$secret:////", "$ENV://A/b", "$env://",
		"$secret://vault/1/../../sys/x", "$secret://vault/1/%2e%2e%2f/a", "$secret://vault/1/\x00\xff/\u202e",
	} {
		f.Add(s)
	}
	v, a, g := &vault{}, &aws{}, &gcp{}
	lookup := func(string) (string, bool) { return `{"b":"1"}`, true }
	f.Fuzz(func(t *testing.T, s string) {
		if isEnv(s) {
			_, _ = envValue(lookup, s)
		}
		ref, err := parseReference(s)
		if err != nil {
			return
		}
		if !IsRef(s) || secretPrefix+ref.manager+"/"+ref.key != s || ref.key == "" {
			t.Errorf("got %+v of %q", ref, s)
		}
		for _, b := range []backend{v, a, g} {
			places, err := b.places(ref.key)
			if err == nil && (len(places) == 0 || len(places) > mostPlaces) {
				t.Errorf("got %d places of %q", len(places), ref.key)
			}
			for _, p := range places {
				if p.path == "" {
					t.Errorf("got an empty path of %q", ref.key)
				}
				if b == backend(v) && climbs(p.path) {
					t.Errorf("got the path %q of %q", p.path, ref.key)
				}
			}
		}
	})
}

// FuzzAnswer decodes what managers answer.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		`{"data":{"key":"value"}}`, `{"data":{"data":{"key":"v"},"metadata":{}}}`, `{"data":{"data":null,"metadata":{}}}`,
		`{"SecretString":"{\"key\":1}"}`, `{"SecretBinary":"AA=="}`, `{"payload":{"data":"eyJrZXkiOnRydWV9"}}`,
		`{"errors":["x"],"warnings":null}`, `{"__type":"a#b","Message":"c\nd"}`, `{"error":{"message":"m","status":"s"}}`, `{"error":"e"}`,
		``, `null`, `[]`, `{"data":`, `{"data":{"data":[],"metadata":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range []func() (*content, error){
			func() (*content, error) { return vaultContent(body, "/v1/a") },
			func() (*content, error) { return awsContent(body, "a") },
			func() (*content, error) { return gcpContent(body, "a") },
		} {
			c, err := read()
			if (c == nil) == (err == nil) {
				t.Fatalf("got %v, %v of %q", c, err, body)
			}
			if c != nil {
				_, _ = c.value(place{path: "a", field: "key"})
				_, _ = c.value(place{path: "a", whole: true})
			}
		}
		for _, err := range []error{
			vaultFailure(answer{status: 403, body: body}, "/v1/a", "token"),
			awsFailure(answer{status: 400, body: body}, "a", signer{secretKey: "SECRET", session: "SESSION"}),
			gcpFailure(answer{status: 403, body: body}, "a", "token"),
		} {
			for _, bad := range []string{"\n", "SECRET", "SESSION", "token\"", "\x00"} {
				if strings.Contains(err.Error(), bad) {
					t.Errorf("got %q in %q", bad, err)
				}
			}
			if len(err.Error()) > 4*longestShown+500 {
				t.Errorf("got %d bytes of error", len(err.Error()))
			}
		}
	})
}

// FuzzSettings decodes the configurations of managers.
func FuzzSettings(f *testing.F) {
	f.Add("vault/1", []byte(`{"uri":"http://a","prefix":"kv","token":"t","namespace":"n"}`))
	f.Add("aws/1", []byte(`{"access_key_id":"a","secret_access_key":"b","region":"eu-west-1","endpoint_url":"http://x"}`))
	f.Add("gcp/1", []byte(`{"auth_config":{"client_email":"a","private_key":"b","project_id":"c","scope":["s"]},"ssl_verify":false}`))
	f.Add("gcp/2", []byte(`{"auth_file":"a"}`))
	f.Add("", []byte(`null`))
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		s, err := parseSettings(name, json.RawMessage(raw))
		if (s == nil) == (err == nil) {
			t.Fatalf("got %v, %v", s, err)
		}
		if s != nil {
			if again, err := parseSettings(name, json.RawMessage(raw)); err != nil || again != s {
				t.Errorf("got %v, %v, want the same settings to be equal", again, err)
			}
		}
	})
}
