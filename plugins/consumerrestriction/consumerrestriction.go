// Package consumerrestriction is the plugin consumer-restriction: it lets requests pass or refuses them by their consumer, the consumer's
// group, their service or their route.
package consumerrestriction

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "consumer-restriction", Version: "0.1", Priority: 2400, Schema: schema}
}

type config struct {
	Type      string   `json:"type"`
	Blacklist []string `json:"blacklist"`
	Whitelist []string `json:"whitelist"`
	ByMethods []struct {
		User    *string  `json:"user"`
		Methods []string `json:"methods"`
	} `json:"allowed_by_methods"`
	Status  int     `json:"rejected_code"`
	Message *string `json:"rejected_msg"`
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
	r := &restriction{
		subject:   conf.Type,
		blacklist: setOf(conf.Blacklist),
		whitelist: setOf(conf.Whitelist),
		status:    conf.Status,
		refused:   refusal{"The " + conf.Type + " is forbidden."},
		unknown:   refusal{"The request is rejected, please check the " + conf.Type + " for this request"},
	}
	if conf.Message != nil {
		r.refused = refusal{*conf.Message}
	}
	for _, entry := range conf.ByMethods {
		if entry.User != nil {
			r.restrict(*entry.User, entry.Methods)
		}
	}
	return sdk.Hooks{Access: r.access}, nil
}

// refusal is the body of a refusal.
type refusal struct {
	Message string `json:"message"`
}

type set map[string]struct{}

func setOf(names []string) set {
	if len(names) == 0 {
		return nil
	}
	s := make(set, len(names))
	for _, name := range names {
		s[name] = struct{}{}
	}
	return s
}

func (s set) has(name string) bool {
	_, ok := s[name]
	return ok
}

// restriction is one configuration. The refusals are interface values, so that answering allocates nothing for them.
type restriction struct {
	subject              string
	blacklist, whitelist set            // nil: there is none
	methods              map[string]set // by subject
	status               int
	refused, unknown     any
}

// restrict notes the methods that someone may use. Of several entries the first one counts.
func (r *restriction) restrict(user string, methods []string) {
	if r.methods == nil {
		r.methods = make(map[string]set)
	}
	if _, ok := r.methods[user]; !ok {
		r.methods[user] = setOf(methods)
	}
}

func (r *restriction) access(x sdk.Exchange) error {
	value := r.value(x)
	if value == "" {
		return x.Exit(401, r.unknown)
	}
	if r.blacklist.has(value) {
		return x.Exit(r.status, r.refused)
	}
	if r.whitelist != nil {
		if r.whitelist.has(value) {
			return nil
		}
		return x.Exit(r.status, r.refused)
	}
	if methods, ok := r.methods[value]; ok && !methods.has(x.Request().Method()) {
		return x.Exit(r.status, r.refused)
	}
	return nil
}

// value returns what is looked for in the lists, empty where the request has none.
func (r *restriction) value(x sdk.Exchange) string {
	switch r.subject {
	case "consumer_name", "consumer_group_id":
		// Not the variables of these names: another plugin may have set them.
		consumer := x.Consumers().Attached()
		switch {
		case consumer == nil:
			return ""
		case r.subject == "consumer_name":
			return consumer.Username
		}
		return consumer.GroupID
	}
	value, _ := x.Var(r.subject)
	return value
}
