package secret

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// How long tokens are asked for, and how long before their end they are replaced.
const (
	tokenLife   = time.Hour
	tokenMargin = time.Minute
)

// token is an access token of OAuth 2.0 and who it is for.
type token struct {
	text, kind string
	until      time.Time
	account    account
}

// bearer returns a token for an account: the one that is there, unless it is stale or its text is the given one.
func (g *gcp) bearer(ctx context.Context, acc account, not string) (token, error) {
	select {
	case g.turn <- struct{}{}:
	case <-ctx.Done():
		return token{}, &failure{cause: unreachable, err: fmt.Errorf("wait for a token: %w", ctx.Err())}
	}
	defer func() { <-g.turn }()
	if t := g.token; t.account == acc && t.text != not && g.tools.now().Before(t.until) {
		return t, nil
	}
	t, err := g.newToken(ctx, acc)
	if err != nil {
		return token{}, err
	}
	g.token = t
	return t, nil
}

// newToken exchanges a signed assertion for a token (RFC 7523, section 2.1).
func (g *gcp) newToken(ctx context.Context, acc account) (token, error) {
	now := g.tools.now()
	assertion, err := signAssertion(acc, now)
	if err != nil {
		return token{}, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, acc.TokenURI, strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, &failure{err: fmt.Errorf("make a request for a token: %w", err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got, err := g.tools.clients.send(req, g.settings.verify)
	if err != nil {
		return token{}, err
	}
	if got.status != http.StatusOK {
		f := gcpFailure(got, "an access token", assertion)
		if f, ok := errors.AsType[*failure](f); ok && f.cause == missing {
			f.cause, f.advice = refused, "check token_uri"
		}
		return token{}, f
	}
	var body struct {
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   float64 `json:"expires_in"` // seconds
	}
	if json.Unmarshal(got.body, &body) != nil || body.AccessToken == "" || !oneLine(body.AccessToken+body.TokenType) {
		return token{}, &failure{err: errors.New("the answer of token_uri has no access_token"), advice: "check token_uri"}
	}
	life := time.Duration(min(max(body.ExpiresIn, 0), tokenLife.Seconds())) * time.Second
	return token{
		text: body.AccessToken, kind: cmp.Or(body.TokenType, "Bearer"), account: acc,
		until: now.Add(life - tokenMargin),
	}, nil
}

// signAssertion makes the JSON Web Token that says who asks (RFC 7515, RFC 7518: RS256).
func signAssertion(acc account, now time.Time) (string, error) {
	key, err := parseRSA(acc.PrivateKey)
	if err != nil {
		return "", &failure{err: err, advice: "use the private key of a service account"}
	}
	claims, err := json.Marshal(map[string]any{
		"iss": acc.ClientEmail, "aud": acc.TokenURI, "scope": string(acc.Scope),
		"iat": now.Unix(), "exp": now.Add(tokenLife).Unix(),
	})
	if err != nil {
		return "", &failure{err: fmt.Errorf("encode an assertion: %w", err)}
	}
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", &failure{err: fmt.Errorf("sign an assertion: %w", err)}
	}
	return text + "." + encode(signature), nil
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// parseRSA reads a key in PKCS #8 or PKCS #1. Its errors contain nothing of it.
func parseRSA(text string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("private_key is not in PEM form")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("private_key cannot be read")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("private_key is not an RSA key")
	}
	return key, nil
}
