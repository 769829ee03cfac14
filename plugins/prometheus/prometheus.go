// Package prometheus is the plugin prometheus: it counts requests, their latency and their bytes, by route, service, consumer
// and node.
package prometheus

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

//go:embed metadata_schema.json
var metadataSchema []byte

// New makes the plugin, which keeps its figures in m and sets the prefix of all names there.
func New(m *metrics.Registry) sdk.Plugin { return &plugin{registry: m} }

type plugin struct {
	registry *metrics.Registry

	mu       sync.Mutex
	families *families // guarded by mu; nil before the first configuration
}

// Info implements [sdk.Plugin].
func (*plugin) Info() sdk.Info {
	return sdk.Info{
		Name:           "prometheus",
		Version:        "0.2",
		Priority:       500,
		Schema:         schema,
		MetadataSchema: metadataSchema,
		PreferRoute:    true,
	}
}

type config struct {
	PreferName bool `json:"prefer_name"`
}

type metadata struct {
	Disabled map[string][]string `json:"disabled_labels"`
}

// Configure implements [sdk.Plugin].
func (p *plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	scope := sdk.ScopeOf(ctx)
	var meta metadata
	if scope.Metadata != nil {
		if err := json.Unmarshal(scope.Metadata, &meta); err != nil {
			return sdk.Hooks{}, fmt.Errorf("decode metadata: %w", err)
		}
	}
	f, err := p.familiesFor(string(scope.Attr))
	if err != nil {
		return sdk.Hooks{}, err
	}
	e := newExporter(f, conf.PreferName, meta.Disabled)
	e.cache = newCache(p.registry, e.open)
	return sdk.Hooks{Log: e.log}, nil
}

// familiesFor returns the metric families for an entry of plugin_attr. Another entry than the one before replaces the
// families: their labels, buckets and life times come from there.
func (p *plugin) familiesFor(attr string) (*families, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.families != nil && p.families.attr == attr {
		return p.families, nil
	}
	a, err := parseAttributes(attr)
	if err != nil {
		return nil, err
	}
	// A trial run first: a bad entry must not cost the families that are in service.
	if _, err := newFamilies(metrics.New(metrics.Options{}), a); err != nil {
		return nil, err
	}
	if p.families != nil {
		p.registry.Remove(statusName)
		p.registry.Remove(latencyName)
		p.registry.Remove(bandwidthName)
	}
	f, err := newFamilies(p.registry, a)
	if err != nil {
		return nil, err
	}
	p.registry.SetPrefix(a.prefix())
	f.attr = attr
	p.families = f
	return f, nil
}
