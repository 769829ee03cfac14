// Package limitconn is the plugin limit-conn: so many requests at the same time per key. Those that come on top are delayed, and
// refused where they are too many.
//
// The requests are counted in this process. A counter belongs to the resource that the plugin is configured for and to the
// configuration itself: requests that are under way still count after a change elsewhere.
package limitconn

import (
	"context"
	_ "embed"
	"encoding/json"
	"sync/atomic"

	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin with its own table of counters.
func New() sdk.Plugin { return &plugin{counters: newTable()} }

type plugin struct {
	counters *table
	made     atomic.Uint64 // limiters so far
}

// Info implements [sdk.Plugin].
func (*plugin) Info() sdk.Info {
	return sdk.Info{Name: "limit-conn", Version: "0.1", Priority: 1003, Schema: schema, SecretFields: []string{"redis_password"}}
}

// Configure implements [sdk.Plugin].
func (p *plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	conf, err := decode(raw)
	if err != nil {
		return sdk.Hooks{}, err
	}
	l, err := newLimiter(p, conf, sdk.ScopeOf(ctx).Resource)
	if err != nil {
		return sdk.Hooks{}, err
	}
	return sdk.Hooks{Access: l.access, Log: l.log}, nil
}
