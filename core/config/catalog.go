package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/sdk"
)

// SchemaType says what a plugin's configuration is for.
type SchemaType uint8

// The types of configurations; consumer and metadata are APISIX's core.schema.TYPE_CONSUMER and TYPE_METADATA.
const (
	SchemaConf     SchemaType = iota // of a route, a service and so on
	SchemaConsumer                   // of a consumer
	SchemaMetadata                   // the plugin's metadata
	schemaTypes
)

// CatalogOptions say how a [Catalog] is made. The zero value enables every plugin.
type CatalogOptions struct {
	// Enabled are the names of the plugins that may be used; nil enables all. Names without a plugin are no error, see
	// [Catalog.Missing]: the list in a config.yaml of APISIX names plugins that may not be there.
	Enabled []string
	// Strict makes [Decode] refuse a resource with an unknown plugin instead of leaving the plugin out, as APISIX does with
	// configuration from files.
	Strict bool
	// Keyring decrypts what is stored encrypted. Where it is nil, nothing is, and only plain PEM is a valid private key.
	Keyring Keyring
	// Secrets returns the value of a reference such as "$secret://vault/1/jack/key" or "$ENV://KEY". Where it is nil, references
	// stay. It is called from several goroutines at once.
	Secrets func(ref string) (string, error)
	// Protocols are the protocols that stream routes may name.
	Protocols []string
}

// Catalog is the set of plugins that configurations may use. Only which of them are enabled changes. It is safe for concurrent use.
type Catalog struct {
	entries map[string]*entry // all plugins, also those that are not enabled
	opts    CatalogOptions
	in      atomic.Pointer[selection]
}

// selection is which plugins are enabled. It does not change.
type selection struct {
	enabled   map[string]*entry
	names     []string // from the highest priority to the lowest
	missing   []string
	secretive []string // the names of those with secret fields
}

// entry is a plugin and its schemas.
type entry struct {
	plugin  sdk.Plugin
	info    sdk.Info
	schemas [schemaTypes]namedSchema // without a compiled one, anything is accepted
}

// NewCatalog makes a catalog. Its error names every plugin that has no name, the name of another one, or a schema that does not
// work.
func NewCatalog(plugins []sdk.Plugin, opts CatalogOptions) (*Catalog, error) {
	c := &Catalog{entries: make(map[string]*entry, len(plugins)), opts: opts}
	var errs []error
	for _, p := range plugins {
		if err := c.add(p); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Enable(opts.Enabled)
	return c, nil
}

func (c *Catalog) add(p sdk.Plugin) error {
	info := p.Info()
	if info.Name == "" {
		return fmt.Errorf("a plugin of type %T has no name", p)
	}
	if _, ok := c.entries[info.Name]; ok {
		return fmt.Errorf("plugin %s: there are two of that name", info.Name)
	}
	e := &entry{plugin: p, info: info}
	conf, err := injectMeta(info.Schema)
	if err != nil {
		return fmt.Errorf("plugin %s: schema: %w", info.Name, err)
	}
	for t, raw := range [schemaTypes]json.RawMessage{conf, info.ConsumerSchema, info.MetadataSchema} {
		if raw == nil {
			continue
		}
		compiled, err := jsonschema.Compile(raw)
		if err != nil {
			return fmt.Errorf("plugin %s: %s: %w", info.Name, SchemaType(t), err)
		}
		e.schemas[t] = namedSchema{raw: raw, compiled: compiled}
	}
	c.entries[info.Name] = e
	return nil
}

// Enable replaces which plugins may be used; nil enables all. What was decoded before keeps what it has.
func (c *Catalog) Enable(names []string) {
	s := &selection{enabled: make(map[string]*entry, len(c.entries))}
	for _, name := range names {
		if e, ok := c.entries[name]; ok {
			s.enabled[name] = e
		} else {
			s.missing = append(s.missing, name)
		}
	}
	if names == nil {
		s.enabled = c.entries
	}
	s.names = slices.SortedFunc(maps.Keys(s.enabled), func(a, b string) int {
		byPriority := cmp.Compare(c.entries[b].info.Priority, c.entries[a].info.Priority)
		return cmp.Or(byPriority, cmp.Compare(a, b))
	})
	for _, name := range s.names {
		if len(c.entries[name].info.SecretFields) > 0 {
			s.secretive = append(s.secretive, name)
		}
	}
	c.in.Store(s)
}

// injectMeta returns a plugin's schema with that of "_meta" among its properties, marked like APISIX marks it.
func injectMeta(raw json.RawMessage) (json.RawMessage, error) {
	if raw == nil {
		raw = json.RawMessage(`{"type":"object"}`)
	}
	doc, err := decodeJSON(raw)
	if err != nil {
		return nil, err
	}
	schema, ok := doc.(map[string]any)
	if !ok {
		return nil, errors.New("it is not an object")
	}
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		properties = map[string]any{}
	}
	if _, ok := properties["_meta"]; ok {
		return nil, errors.New("it has a property _meta, which is the gateway's")
	}
	meta, _ := SchemaOf("plugin_meta")
	properties["_meta"] = meta
	schema["properties"] = properties
	schema["$comment"] = "this is a mark for our injected plugin schema"
	return encodeJSON(schema), nil
}

// Plugin returns the enabled plugin of that name.
func (c *Catalog) Plugin(name string) (sdk.Plugin, bool) {
	e, ok := c.enabled(name)
	if !ok {
		return nil, false
	}
	return e.plugin, true
}

// Info returns the description of the enabled plugin of that name.
func (c *Catalog) Info(name string) (sdk.Info, bool) {
	e, ok := c.enabled(name)
	if !ok {
		return sdk.Info{}, false
	}
	return e.info, true
}

// Names returns the names of the enabled plugins, from the highest priority to the lowest.
func (c *Catalog) Names() []string { return slices.Clone(c.in.Load().names) }

// Missing returns the names that were to be enabled but have no plugin.
func (c *Catalog) Missing() []string { return slices.Clone(c.in.Load().missing) }

// Schema returns a schema of an enabled plugin, that of its configuration with the injected "_meta", and whether there is one.
func (c *Catalog) Schema(name string, as SchemaType) (json.RawMessage, bool) {
	e, ok := c.enabled(name)
	if !ok || as >= schemaTypes || e.schemas[as].raw == nil {
		return nil, false
	}
	return e.schemas[as].raw, true
}

func (c *Catalog) enabled(name string) (*entry, bool) {
	e, ok := c.in.Load().enabled[name]
	return e, ok
}

// String returns what the schema is called in messages.
func (t SchemaType) String() string {
	switch t {
	case SchemaConsumer:
		return "consumer schema"
	case SchemaMetadata:
		return "metadata schema"
	}
	return "schema"
}
