// Package jwtauth is the plugin jwt-auth: it finds the consumer of a request by a signed token (RFC 7519).
package jwtauth

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/polygate/polygate/plugins/internal/anonymous"
	"github.com/polygate/polygate/sdk"
)

const name = "jwt-auth"

//go:embed schema.json
var schema []byte

//go:embed consumer_schema.json
var consumerSchema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{keys: &keyCache{}} }

type plugin struct{ keys *keyCache }

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{
		Name:            name,
		Version:         "0.1",
		Priority:        2510,
		Schema:          schema,
		ConsumerSchema:  consumerSchema,
		Auth:            true,
		CredentialField: "key",
		SecretFields:    []string{"secret"},
	}
}

type config struct {
	Header          string   `json:"header"`
	Query           string   `json:"query"`
	Cookie          string   `json:"cookie"`
	HideCredentials bool     `json:"hide_credentials"`
	KeyClaim        string   `json:"key_claim_name"`
	StoreInCtx      bool     `json:"store_in_ctx"`
	Realm           string   `json:"realm"`
	Anonymous       string   `json:"anonymous_consumer"`
	Claims          []string `json:"claims_to_verify"`
}

// Configure implements [sdk.Plugin].
func (p plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	j := &jwtAuth{config: conf, keys: p.keys, challenge: `Bearer realm="` + conf.Realm + `"`}
	return sdk.Hooks{Rewrite: j.rewrite}, nil
}

// refusal is the body of an answer with status 401.
type refusal struct {
	Message string `json:"message"`
}

// jwtAuth is one configuration.
type jwtAuth struct {
	config
	keys      *keyCache
	challenge string
}

func (j *jwtAuth) rewrite(x sdk.Exchange) error {
	found := j.locate(x.Request())
	if found.place == nowhere {
		return j.anonymous(x)
	}
	if found.bad {
		return j.refuse(x, "JWT token invalid")
	}
	t, err := parse(found.token)
	if err != nil {
		x.Log().Warn("the token of the request cannot be read", "error", err)
		return j.refuse(x, "JWT token invalid")
	}
	key, ok := t.key(j.KeyClaim)
	if !ok {
		return j.refuse(x, "missing user key in JWT token")
	}
	consumer, ok := x.Consumers().Find(name, key)
	if !ok || key == "" {
		x.Log().Warn("no consumer has the key of the token")
		return j.refuse(x, "Invalid user key in JWT token")
	}
	if err := j.verify(t, consumer); err != nil {
		x.Log().Warn("the token of the request is refused", "consumer", consumer.Username, "error", err)
		return j.refuse(x, "failed to verify jwt")
	}
	if j.HideCredentials {
		j.hide(x.Request(), found.place)
	}
	if j.StoreInCtx {
		x.SetVar("jwt_auth_payload", string(t.payload))
	}
	x.Consumers().Attach(consumer)
	return nil
}

// verify tells why t is no valid token of the consumer.
func (j *jwtAuth) verify(t *token, consumer *sdk.Consumer) error {
	var conf credential
	if err := json.Unmarshal(consumer.Conf, &conf); err != nil {
		return fmt.Errorf("decode the consumer's configuration: %w", err)
	}
	// The consumer says which algorithm it is. A token that could choose might make a public key a shared secret.
	if conf.Algorithm == "" {
		conf.Algorithm = "HS256"
	}
	if t.algorithm != conf.Algorithm {
		return fmt.Errorf("algorithm mismatch, expected %s", conf.Algorithm)
	}
	if err := conf.verify(t, j.keys); err != nil {
		return err
	}
	return t.checkClaims(j.Claims, time.Now(), conf.Grace)
}

// anonymous treats a request without a token. A wrong one never leads here.
func (j *jwtAuth) anonymous(x sdk.Exchange) error {
	switch {
	case j.Anonymous == "":
		return j.refuse(x, "Missing JWT token in request")
	case !anonymous.Attach(x, j.Anonymous):
		return j.refuse(x, "Invalid user authorization")
	}
	return nil
}

func (j *jwtAuth) refuse(x sdk.Exchange, message string) error {
	x.Response().Header().Set("WWW-Authenticate", j.challenge)
	return x.Exit(401, refusal{message})
}
