// Package multiauth is the plugin multi-auth: several authentication plugins, of which one is enough.
package multiauth

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin. It can ask those of plugins that are authentication plugins; the others are only known by name. A schema of
// theirs that does not compile is a panic.
func New(plugins ...sdk.Plugin) sdk.Plugin {
	p := &plugin{known: make(map[string]member, len(plugins))}
	for _, other := range plugins {
		info := other.Info()
		m := member{plugin: other, auth: info.Auth}
		if info.Auth && info.Schema != nil {
			m.schema = jsonschema.MustCompile(info.Schema)
		}
		p.known[info.Name] = m
	}
	return p
}

type plugin struct{ known map[string]member }

// member is a plugin that may be asked.
type member struct {
	plugin sdk.Plugin
	auth   bool
	schema *jsonschema.Schema // nil accepts any object
}

// Info implements [sdk.Plugin].
func (*plugin) Info() sdk.Info {
	return sdk.Info{Name: "multi-auth", Version: "0.1", Priority: 2600, Schema: schema, Auth: true}
}

// Configure implements [sdk.Plugin].
func (p *plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf struct {
		Plugins []json.RawMessage `json:"auth_plugins"`
	}
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	m := &multiAuth{}
	for _, element := range conf.Plugins {
		if err := p.add(ctx, m, element); err != nil {
			return sdk.Hooks{}, errors.Join(err, m.close())
		}
	}
	return sdk.Hooks{Rewrite: m.rewrite, Close: m.close}, nil
}

// add configures the plugins of an element of auth_plugins; as a rule it is one.
func (p *plugin) add(ctx context.Context, m *multiAuth, element json.RawMessage) error {
	entries, err := inOrder(element)
	if err != nil {
		return err
	}
	for _, e := range entries {
		hooks, err := p.configure(ctx, e)
		if err != nil {
			return err
		}
		m.asked = append(m.asked, asked{name: e.name, hooks: hooks})
		if hooks.Rewrite == nil {
			return fmt.Errorf("%s plugin is not supported: it does nothing in the phase rewrite", e.name)
		}
	}
	return nil
}

// configure configures one plugin. The texts of its errors are APISIX's.
func (p *plugin) configure(ctx context.Context, e entry) (sdk.Hooks, error) {
	m, ok := p.known[e.name]
	if !ok {
		return sdk.Hooks{}, fmt.Errorf("%s plugin did not found", e.name)
	}
	if !m.auth {
		return sdk.Hooks{}, fmt.Errorf("%s plugin is not supported", e.name)
	}
	conf := e.conf
	if m.schema != nil {
		filled, err := m.schema.Fill(conf)
		if err != nil {
			return sdk.Hooks{}, fmt.Errorf("plugin %s check schema failed: %w", e.name, err)
		}
		conf = filled
	}
	hooks, err := m.plugin.Configure(ctx, conf)
	if err != nil {
		return sdk.Hooks{}, fmt.Errorf("plugin %s check schema failed: %w", e.name, err)
	}
	return hooks, nil
}
