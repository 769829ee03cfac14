// Package basicauth is the plugin basic-auth: it finds the consumer of a request by a user name and a password (RFC 7617).
package basicauth

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/polygate/polygate/plugins/internal/anonymous"
	"github.com/polygate/polygate/sdk"
)

const name = "basic-auth"

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
		Priority:        2520,
		Schema:          schema,
		ConsumerSchema:  consumerSchema,
		Auth:            true,
		CredentialField: "username",
		SecretFields:    []string{"password"},
	}
}

type config struct {
	Realm           string `json:"realm"`
	HideCredentials bool   `json:"hide_credentials"`
	Anonymous       string `json:"anonymous_consumer"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	b := &basicAuth{config: conf, challenge: `Basic realm="` + conf.Realm + `"`}
	return sdk.Hooks{Rewrite: b.rewrite}, nil
}

// refusal is the body of an answer with status 401.
type refusal struct {
	Message string `json:"message"`
}

// basicAuth is one configuration.
type basicAuth struct {
	config
	challenge string
}

func (b *basicAuth) rewrite(x sdk.Exchange) error {
	fields := x.Request().Header().Values("Authorization")
	if len(fields) == 0 {
		return b.anonymous(x)
	}
	given, err := read(fields)
	if err != nil {
		x.Log().Warn("the credentials of the request cannot be read", "error", err)
		return b.refuse(x, "Invalid authorization in request")
	}
	consumer, err := find(x.Consumers(), given)
	if err != nil {
		x.Log().Warn("the credentials of the request are refused", "error", err)
		return b.refuse(x, "Invalid user authorization")
	}
	if b.HideCredentials {
		x.Request().Header().Del("Authorization")
	}
	x.Consumers().Attach(consumer)
	return nil
}

// anonymous treats a request without credentials. Wrong ones never lead here.
func (b *basicAuth) anonymous(x sdk.Exchange) error {
	switch {
	case b.Anonymous == "":
		return b.refuse(x, "Missing authorization in request")
	case !anonymous.Attach(x, b.Anonymous):
		return b.refuse(x, "Invalid user authorization")
	}
	return nil
}

func (b *basicAuth) refuse(x sdk.Exchange, message string) error {
	x.Response().Header().Set("WWW-Authenticate", b.challenge)
	return x.Exit(401, refusal{message})
}
