package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// signer signs requests to AWS with Signature Version 4
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
type signer struct {
	accessKey, secretKey string
	session              string // empty: the keys are not temporary
	region, service      string
}

// sign adds the headers that prove who sent the request. All headers that it has by then are signed. Its path must not need
// escaping, because services disagree on how often to do it.
func (s signer) sign(req *http.Request, body []byte, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	req.Header.Set("X-Amz-Date", stamp)
	if s.session != "" {
		req.Header.Set("X-Amz-Security-Token", s.session)
	}
	canonical, signed := canonicalRequest(req, body)
	scope := stamp[:8] + "/" + s.region + "/" + s.service + "/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + digest([]byte(canonical))
	signature := hex.EncodeToString(mac(s.key(stamp[:8]), text))
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+s.accessKey+"/"+scope+
		", SignedHeaders="+signed+", Signature="+signature)
}

// key returns the key for the signatures of a day, such as 20060102.
func (s signer) key(day string) []byte {
	key := []byte("AWS4" + s.secretKey)
	for _, part := range []string{day, s.region, s.service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

// canonicalRequest returns the form of a request that is signed, and the names of the headers in it.
func canonicalRequest(req *http.Request, body []byte) (text, signed string) {
	headers := map[string]string{"host": req.URL.Host}
	for name, values := range req.Header {
		trimmed := make([]string, len(values))
		for i, v := range values {
			trimmed[i] = strings.Join(strings.Fields(v), " ")
		}
		headers[strings.ToLower(name)] = strings.Join(trimmed, ",")
	}
	names := slices.Sorted(maps.Keys(headers))
	var b strings.Builder
	b.WriteString(req.Method + "\n" + "/" + strings.TrimPrefix(req.URL.EscapedPath(), "/") + "\n")
	b.WriteString(strings.ReplaceAll(req.URL.Query().Encode(), "+", "%20") + "\n")
	for _, name := range names {
		b.WriteString(name + ":" + headers[name] + "\n")
	}
	signed = strings.Join(names, ";")
	b.WriteString("\n" + signed + "\n" + digest(body))
	return b.String(), signed
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(text)) // it never fails
	return h.Sum(nil)
}
