package secret_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/polygate/polygate/core/secret"
)

// awsFake is an AWS Secrets Manager that checks signatures as the documentation of Signature Version 4 says.
type awsFake struct {
	mu      sync.Mutex
	secrets map[string]string // name to the JSON of the answer
	session string
	asked   []string
}

func (a *awsFake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = a.check(r, body)
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"__type":"InvalidSignatureException","message":%q}`, err.Error()+"\nthe canonical request: "+a.session)
		return
	}
	var ask struct {
		Name         string `json:"SecretId"`
		VersionStage string
	}
	if err := json.Unmarshal(body, &ask); err != nil || ask.VersionStage != "AWSCURRENT" {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	a.asked = append(a.asked, ask.Name)
	answer, ok := a.secrets[ask.Name]
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.secretsmanager#ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`)
		return
	}
	_, _ = io.WriteString(w, answer)
}

// check computes the signature of a request from what came over the wire.
func (a *awsFake) check(r *http.Request, body []byte) error {
	auth := strings.ReplaceAll(r.Header.Get("Authorization"), ",", "")
	var credential, signed, signature string
	if _, err := fmt.Sscanf(auth, "AWS4-HMAC-SHA256 Credential=%s SignedHeaders=%s Signature=%s", &credential, &signed, &signature); err != nil {
		return fmt.Errorf("authorization %q", auth)
	}
	stamp := r.Header.Get("X-Amz-Date")
	scope := stamp[:8] + "/eu-west-1/secretsmanager/aws4_request"
	canonical := r.Method + "\n" + r.URL.Path + "\n" + r.URL.RawQuery + "\n"
	for name := range strings.SplitSeq(signed, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + signed + "\n" + fmt.Sprintf("%x", sha256.Sum256(body))
	key := []byte("AWS4SECRETKEY")
	for part := range strings.SplitSeq(scope, "/") {
		key = sum(key, part)
	}
	want := fmt.Sprintf("%x", sum(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+fmt.Sprintf("%x", sha256.Sum256([]byte(canonical)))))
	switch {
	case credential != "AKIDEXAMPLE/"+scope, signature != want:
		return fmt.Errorf("the signature we calculated does not match that of %s", credential)
	case r.Header.Get("X-Amz-Security-Token") != a.session:
		return fmt.Errorf("the security token is invalid")
	case !strings.Contains(signed, "host;x-amz-date"), !strings.Contains(signed, "x-amz-target"):
		return fmt.Errorf("headers are not signed: %s", signed)
	case a.session != "" && !strings.Contains(signed, "x-amz-security-token"):
		return fmt.Errorf("the session token is not signed")
	case r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue", r.Header.Get("Content-Type") != "application/x-amz-json-1.1":
		return fmt.Errorf("unknown operation")
	}
	return nil
}

func sum(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}

func awsResource(fields map[string]string) json.RawMessage {
	all := map[string]string{"access_key_id": "AKIDEXAMPLE", "secret_access_key": "SECRETKEY", "region": "eu-west-1"}
	for k, v := range fields {
		all[k] = v
	}
	data, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return data
}

func TestAWS(t *testing.T) {
	fake := &awsFake{session: "SESSION", secrets: map[string]string{
		"apisix-key":       `{"Name":"apisix-key","SecretString":"{\"jack\":\"value\",\"n\":1,\"a/b\":\"slash\"}"}`,
		"apisix-mysql":     `{"SecretString":"s3cret"}`,
		"john/secret":      `{"SecretString":"{\"john-key-auth\":\"john\"}"}`,
		"apisix/full/path": `{"SecretString":"full-value"}`,
		"binary":           `{"SecretBinary":"` + base64.StdEncoding.EncodeToString([]byte("bytes")) + `"}`,
		"empty":            `{"Name":"empty"}`,
		"garbage":          `<html>s3cret</html>`,
	}}
	server := serve(t, fake)
	r := resolver(t, secret.Options{Env: env(map[string]string{"AWS_SESSION_TOKEN": "SESSION"})})
	r.SetManagers(managers("aws/1", awsResource(map[string]string{"endpoint_url": server.URL + "/ignored", "session_token": "$ENV://AWS_SESSION_TOKEN"})))
	tests := []struct {
		name, ref, value string
		fails            []string
	}{
		{name: "a field", ref: "$secret://aws/1/apisix-key/jack", value: "value"},
		{name: "a number", ref: "$secret://aws/1/apisix-key/n", value: "1"},
		{name: "a field with a slash", ref: "$secret://aws/1/apisix-key/a/b", value: "slash"},
		{name: "text", ref: "$secret://aws/1/apisix-mysql", value: "s3cret"},
		{name: "a name with a slash", ref: "$secret://aws/1/john/secret/john-key-auth", value: "john"},
		{name: "a name that is the whole key", ref: "$secret://aws/1/apisix/full/path", value: "full-value"},
		{name: "bytes", ref: "$secret://aws/1/binary", value: "bytes"},
		{name: "no such field", ref: "$secret://aws/1/apisix-key/jill", fails: []string{"field jill of apisix-key: there is no such field"}},
		{name: "text has no fields", ref: "$secret://aws/1/apisix-mysql/user", fails: []string{"field user of apisix-mysql", "not a JSON object"}},
		{name: "no such secret", ref: "$secret://aws/1/other/key",
			fails: []string{"secret manager aws/1: AWS answered 400 for the secret other: ResourceNotFoundException", "check the name"}},
		{name: "no value", ref: "$secret://aws/1/empty", fails: []string{"no SecretString"}},
		{name: "garbage", ref: "$secret://aws/1/garbage", fails: []string{"check endpoint_url"}},
		{name: "a slash in front", ref: "$secret://aws/1//apisix", fails: []string{"begins with a slash"}},
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
	asked := 0
	for _, name := range fake.asked {
		if name == "apisix-key" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("got %d requests for apisix-key, want 1: %v", asked, fake.asked)
	}
}

func TestAWSRefuses(t *testing.T) {
	fake := &awsFake{session: "SESSION"}
	server := serve(t, fake)
	page := serve(t, http.NotFoundHandler())
	tests := []struct {
		name   string
		fields map[string]string
		says   string
	}{
		{"a wrong key", map[string]string{"endpoint_url": server.URL, "secret_access_key": "other", "session_token": "SESSION"},
			"InvalidSignatureException: the signature we calculated does not match that of AKIDEXAMPLE/"},
		{"no session token", map[string]string{"endpoint_url": server.URL}, "the security token is invalid: check the keys"},
		{"a key that is not set", map[string]string{"endpoint_url": server.URL, "access_key_id": "$ENV://NONE"}, "NONE is not set"},
		{"a secret key that is not set", map[string]string{"endpoint_url": server.URL, "secret_access_key": "$ENV://NONE"}, "NONE is not set"},
		{"no keys", map[string]string{"access_key_id": ""}, "access_key_id is missing"},
		{"no region", map[string]string{"region": "evil.example/"}, "region evil.example/ is not one"},
		{"no address", map[string]string{"endpoint_url": "ftp://x"}, "endpoint_url is not the address of an HTTP server"},
		{"not AWS", map[string]string{"endpoint_url": page.URL}, "AWS answered 404 for the secret a/b: : check endpoint_url"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := resolver(t, secret.Options{Env: env(nil)})
			r.SetManagers(managers("aws/1", awsResource(tt.fields)))
			wantError(t, r, "$secret://aws/1/a/b", tt.says)
		})
	}
}
