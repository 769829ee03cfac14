// Package hmacauth is the plugin hmac-auth: it finds the consumer of a request by a signature over parts of the request.
package hmacauth

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/polygate/polygate/plugins/internal/anonymous"
	"github.com/polygate/polygate/sdk"
)

const name = "hmac-auth"

//go:embed schema.json
var schema []byte

//go:embed consumer_schema.json
var consumerSchema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{
		Name:            name,
		Version:         "0.1",
		Priority:        2530,
		Schema:          schema,
		ConsumerSchema:  consumerSchema,
		Auth:            true,
		CredentialField: "key_id",
		SecretFields:    []string{"secret_key"},
	}
}

type config struct {
	Algorithms      []string `json:"allowed_algorithms"`
	ClockSkew       int64    `json:"clock_skew"`
	SignedHeaders   []string `json:"signed_headers"`
	ValidateBody    bool     `json:"validate_request_body"`
	MaxBody         int64    `json:"max_req_body_size"`
	HideCredentials bool     `json:"hide_credentials"`
	Realm           string   `json:"realm"`
	Anonymous       string   `json:"anonymous_consumer"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	h := &hmacAuth{
		config:    conf,
		skew:      time.Duration(min(conf.ClockSkew, int64(maxSkew/time.Second))) * time.Second,
		challenge: `hmac realm="` + conf.Realm + `"`,
	}
	return sdk.Hooks{Rewrite: h.rewrite}, nil
}

// maxSkew is longer than any clock is wrong, and short enough to be counted in nanoseconds.
const maxSkew = 100 * 365 * 24 * time.Hour

// refusal is the body of an answer that refuses a request.
type refusal struct {
	Message string `json:"message"`
}

// hmacAuth is one configuration.
type hmacAuth struct {
	config
	skew      time.Duration
	challenge string
}

// unvalidated is what a client is told whose signature is not accepted; why is for the log only.
const unvalidated = "client request can't be validated"

func (h *hmacAuth) rewrite(x sdk.Exchange) error {
	fields := x.Request().Header().Values("Authorization")
	if len(fields) == 0 {
		return h.anonymous(x)
	}
	given, err := read(fields)
	if errors.Is(err, errScheme) {
		x.Log().Warn("the request has no signature", "error", err)
		return h.refuse(x, unvalidated+": "+err.Error())
	}
	if err != nil {
		x.Log().Warn("the signature of the request cannot be read", "error", err)
		return h.refuse(x, unvalidated)
	}
	consumer, err := h.consumer(x, given)
	if err != nil {
		x.Log().Warn("the signature of the request is refused", "error", err)
		return h.refuse(x, unvalidated)
	}
	if h.ValidateBody {
		if err := h.checkBody(x); err != nil {
			return err
		}
	}
	if h.HideCredentials {
		x.Request().Header().Del("Authorization")
	}
	x.Consumers().Attach(consumer)
	return nil
}

// anonymous treats a request without a signature. A wrong one never leads here.
func (h *hmacAuth) anonymous(x sdk.Exchange) error {
	switch {
	case h.Anonymous == "":
		return h.refuse(x, unvalidated+": missing Authorization header")
	case !anonymous.Attach(x, h.Anonymous):
		return h.refuse(x, "Invalid user authorization")
	}
	return nil
}

func (h *hmacAuth) refuse(x sdk.Exchange, message string) error {
	x.Response().Header().Set("WWW-Authenticate", h.challenge)
	return x.Exit(401, refusal{message})
}
