// Package acl is the plugin acl: it lets pass or refuses by the labels of the user who sent the request.
//
// The user is the request's consumer. A plugin that knows users from elsewhere tells of them in the variable external_user, a JSON
// object.
package acl

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/polygate/polygate/internal/jsonpath"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "acl", Version: "0.1", Priority: 2410, Schema: schema}
}

type config struct {
	Field     string  `json:"external_user_label_field"`
	FieldKey  string  `json:"external_user_label_field_key"`
	Parser    string  `json:"external_user_label_field_parser"`
	Separator string  `json:"external_user_label_field_separator"`
	Allow     wanted  `json:"allow_labels"`
	Deny      wanted  `json:"deny_labels"`
	Status    int     `json:"rejected_code"`
	Message   *string `json:"rejected_msg"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	if conf.Status > 599 {
		return sdk.Hooks{}, fmt.Errorf("rejected_code %d can not be sent: use one of 200 to 599", conf.Status)
	}
	path, err := jsonpath.Compile(conf.Field)
	if err != nil {
		return sdk.Hooks{}, fmt.Errorf("invalid external_user_label_field: %w", err)
	}
	a := &acl{
		allow: conf.Allow, deny: conf.Deny, status: conf.Status, refused: refusal{"The consumer is forbidden."},
		unknown: refusal{"Missing authentication."}, path: path, key: conf.Field, reader: newReader(conf.Parser, conf.Separator),
	}
	if conf.Message != nil {
		a.refused = refusal{*conf.Message}
	}
	if conf.FieldKey != "" {
		a.key = conf.FieldKey
	}
	return sdk.Hooks{Access: a.access}, nil
}

// refusal is the body of a refusal.
type refusal struct {
	Message string `json:"message"`
}

// acl is one configuration. The refusals are interface values, so that answering allocates nothing for them.
type acl struct {
	allow, deny      wanted // nil: there are none
	status           int
	refused, unknown any
	path             *jsonpath.Path // to the label of a user who is no consumer
	key              string         // of that label
	reader           reader         // of that label
}

// wanted are the values of labels of which one is enough.
type wanted map[string][]string

// labels returns the values of a label, none where the user does not have it.
type labels func(key string) []string

func (w wanted) meets(have labels) bool {
	for key, values := range w {
		for _, value := range have(key) {
			if slices.Contains(values, value) {
				return true
			}
		}
	}
	return false
}

func (a *acl) access(x sdk.Exchange) error {
	if consumer := x.Consumers().Attached(); consumer != nil {
		return a.decide(x, labelsOf(x, consumer))
	}
	text, ok := x.Var("external_user")
	if !ok {
		return x.Exit(401, a.unknown)
	}
	values, err := a.external(x, text)
	if err != nil {
		return fmt.Errorf("read the label %s of the user: %w", a.key, err)
	}
	return a.decide(x, func(key string) []string {
		if key == a.key {
			return values
		}
		return nil
	})
}

func (a *acl) decide(x sdk.Exchange, have labels) error {
	if a.deny.meets(have) || a.allow != nil && !a.allow.meets(have) {
		return x.Exit(a.status, a.refused)
	}
	return nil
}

func labelsOf(x sdk.Exchange, consumer *sdk.Consumer) labels {
	return func(key string) []string {
		if label, ok := consumer.Labels[key]; ok {
			return guess(x, label)
		}
		return nil
	}
}

// external returns the values of the label of a user who is no consumer.
func (a *acl) external(x sdk.Exchange, text string) ([]string, error) {
	var user any
	if err := json.Unmarshal([]byte(text), &user); err != nil {
		return nil, fmt.Errorf("decode the variable external_user: %w", err)
	}
	found := a.path.All(user)
	if len(found) == 1 {
		return a.reader.read(x, found[0])
	}
	var values []string
	for _, label := range found {
		more, err := a.reader.readOneOf(x, label)
		if err != nil {
			return nil, err
		}
		values = append(values, more...)
	}
	return values, nil
}
