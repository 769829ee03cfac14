// Package keyauth is the plugin key-auth: it finds the consumer of a request by a key in a header field or a query parameter.
package keyauth

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/polygate/polygate/plugins/internal/anonymous"
	"github.com/polygate/polygate/sdk"
)

const name = "key-auth"

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
		Priority:        2500,
		Schema:          schema,
		ConsumerSchema:  consumerSchema,
		Auth:            true,
		CredentialField: "key",
		SecretFields:    []string{"key"},
	}
}

type config struct {
	Header          string `json:"header"`
	Query           string `json:"query"`
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
	k := &keyAuth{
		config:      conf,
		challenge:   `apikey realm="` + conf.Realm + `"`,
		missing:     refusal{"Missing API key in request"},
		invalid:     refusal{"Invalid API key in request"},
		noAnonymous: refusal{"Invalid user authorization"},
	}
	return sdk.Hooks{Rewrite: k.rewrite}, nil
}

// refusal is the body of an answer with status 401.
type refusal struct {
	Message string `json:"message"`
}

// keyAuth is one configuration. The refusals are interface values, so that answering allocates nothing for them.
type keyAuth struct {
	config
	challenge                     string
	missing, invalid, noAnonymous any
}

func (k *keyAuth) rewrite(x sdk.Exchange) error {
	found := k.credential(x.Request())
	if found.place == nowhere {
		return k.anonymous(x)
	}
	if found.bad {
		return k.refuse(x, k.invalid)
	}
	consumer, ok := x.Consumers().Find(name, found.key)
	if !ok {
		x.Log().Warn("no consumer has the API key of the request")
		return k.refuse(x, k.invalid)
	}
	if k.HideCredentials {
		k.hide(x.Request(), found.place)
	}
	x.Consumers().Attach(consumer)
	return nil
}

// anonymous treats a request without a key. A wrong key never leads here.
func (k *keyAuth) anonymous(x sdk.Exchange) error {
	switch {
	case k.Anonymous == "":
		return k.refuse(x, k.missing)
	case !anonymous.Attach(x, k.Anonymous):
		return k.refuse(x, k.noAnonymous)
	}
	return nil
}

func (k *keyAuth) refuse(x sdk.Exchange, body any) error {
	x.Response().Header().Set("WWW-Authenticate", k.challenge)
	return x.Exit(401, body)
}
