// Package iprestriction is the plugin ip-restriction: it lets requests pass or refuses them by the client's address.
package iprestriction

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/polygate/polygate/internal/ipset"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "ip-restriction", Version: "0.1", Priority: 3000, Schema: schema}
}

type config struct {
	Whitelist    []string `json:"whitelist"`
	Blacklist    []string `json:"blacklist"`
	Message      string   `json:"message"`
	ResponseCode int      `json:"response_code"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	r := &restriction{status: conf.ResponseCode, body: refusal{conf.Message}, allow: len(conf.Whitelist) > 0}
	list := conf.Blacklist
	if r.allow {
		list = conf.Whitelist
	}
	var err error
	if r.set, err = ipset.Parse(list); err != nil {
		return sdk.Hooks{}, err
	}
	return sdk.Hooks{Access: r.access}, nil
}

// refusal is the body of a refusal.
type refusal struct {
	Message string `json:"message"`
}

// restriction is one configuration.
type restriction struct {
	set    *ipset.Set
	allow  bool // the set lists who may pass, not who may not
	status int
	body   any
}

func (r *restriction) access(x sdk.Exchange) error {
	if r.listed(x) == r.allow {
		return nil
	}
	return x.Exit(r.status, r.body)
}

// listed tells whether the client is in the set. One without an address, as behind a Unix socket, is in none.
func (r *restriction) listed(x sdk.Exchange) bool {
	remote, _ := x.Var("remote_addr")
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		return false
	}
	return r.set.Contains(addr)
}
