package core

import (
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/upstream/balance"
	"github.com/polygate/polygate/internal/template"
)

// hashKey is what requests are hashed by.
type hashKey struct {
	on       string             // the upstream's hash_on
	name     string             // of a variable
	template *template.Template // of vars_combinations
}

func newHashKey(cfg *config.Upstream) hashKey {
	k := hashKey{on: cfg.HashOn, name: cfg.Key}
	switch cfg.HashOn {
	case "header":
		k.name = "http_" + cfg.Key
	case "cookie":
		k.name = "cookie_" + cfg.Key
	case "vars_combinations":
		k.template = template.Compile(cfg.Key)
	}
	return k
}

// hash returns the hash of a request. One that lacks what it is to be hashed by goes by the client's address (apisix/balancer/chash.lua).
func (x *exchange) hash(k *hashKey) balance.Hash {
	var none balance.Hash
	switch k.on {
	case "consumer":
		if x.consumer != nil {
			return none.Add(x.consumer.Username)
		}
	case "vars_combinations":
		var buf [256]byte
		if text, filled := k.template.Expand(buf[:0], template.Source{Vars: x}); filled > 0 {
			return none.Add(string(text))
		}
	default:
		if value, ok := x.hashVar(k.name); ok {
			return none.Add(value)
		}
	}
	return none.Add(x.remoteText)
}

// hashVar returns a variable. Unlike Var it leaves the request's strings where they are: they are only looked at.
func (x *exchange) hashVar(name string) (string, bool) {
	if len(x.vars) > 0 {
		return x.Var(name)
	}
	if v, ok := x.requestVar(name); ok {
		return v, true
	}
	if v, ok := x.prefixedVar(name); ok {
		return v, true
	}
	return x.Var(name)
}
