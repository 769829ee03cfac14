// Package limitcount is the plugin limit-count: so many requests per time window and key, in a fixed or a sliding window.
//
// The counters are kept in this process. They belong to the resource that the plugin is configured for and to the
// configuration itself: as long as neither changes they outlive any change elsewhere.
package limitcount

import (
	"context"
	_ "embed"
	"encoding/json"

	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

//go:embed metadata_schema.json
var metadataSchema []byte

// maxKeys is how many counters a plugin keeps at most, expired ones included. One takes about 150 bytes.
const maxKeys = 1 << 20

// New makes the plugin with its own table of counters.
func New() sdk.Plugin {
	return &plugin{counters: newTable(maxKeys), groups: &groups{members: make(map[string]*member)}, clock: newClock()}
}

type plugin struct {
	counters *table
	groups   *groups
	clock    clock
}

// Info implements [sdk.Plugin].
func (*plugin) Info() sdk.Info {
	return sdk.Info{Name: "limit-count", Version: "0.5", Priority: 1002, Schema: schema, MetadataSchema: metadataSchema}
}

// Configure implements [sdk.Plugin].
func (p *plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	scope := sdk.ScopeOf(ctx)
	conf, err := decode(raw)
	if err != nil {
		return sdk.Hooks{}, err
	}
	names, err := decodeMetadata(scope.Metadata)
	if err != nil {
		return sdk.Hooks{}, err
	}
	l, err := newLimiter(p, conf, scope.Resource, names)
	if err != nil {
		return sdk.Hooks{}, err
	}
	if conf.Group == "" {
		return sdk.Hooks{Access: l.access}, nil
	}
	leave, err := p.groups.join(conf.Group, l.fingerprint)
	if err != nil {
		return sdk.Hooks{}, err
	}
	return sdk.Hooks{Access: l.access, Close: leave}, nil
}
