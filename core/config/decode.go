package config

import (
	"errors"
	"fmt"
	"strings"
)

// resource is what all types of resources have.
type resource interface {
	setID(ID)
}

// owned is what resources of kinds with a parent have.
type owned interface {
	setOwner(id string)
}

// Warning is what does not work of a resource that is valid all the same.
type Warning struct {
	Plugin string // the plugin that it is about, empty if none
	Text   string // a sentence that names the resource and what follows
}

func (m *Meta) setID(id ID)           { m.ID = id }
func (m *PluginMetadata) setID(id ID) { m.ID = id }

// bind keeps the properties as one configuration. The id is the gateway's, not the plugin's.
func (m *PluginMetadata) bind(doc any) error {
	conf, ok := object(doc)
	if !ok {
		return mismatch("an object", doc)
	}
	delete(conf, "id")
	m.Conf = encodeJSON(conf)
	return nil
}

// Decode checks a stored value and returns it as the type of its kind (*Route, *Service, *Upstream, *Consumer, *ConsumerGroup,
// *Credential, *PluginConfig, *GlobalRule, *SSL, *Proto, *Secret, *StreamRoute, *GraphQLCostDecoration, *PluginList or
// *PluginMetadata) with all defaults filled in, also those of the plugins' configurations. The key is the store's, or the id that
// [KindOfKey] returns of it, for example "routes/1" or "1"; it beats an id in the value.
//
// Hosts are in lower case, and bare IPv6 addresses of nodes have brackets. What is stored encrypted is decrypted, and references to
// secrets are replaced by their values. A plugin that is unknown is left out with a warning, or, in a strict catalog, makes the
// value invalid. A reference without a value stays with a warning, makes a certificate invalid, and has a consumer's or credential's
// authentication left out with a warning, so that nobody gets in with the text of the reference. The value itself is not changed, and nothing of it is kept. Decode is safe for
// concurrent use.
func Decode(kind, key string, value []byte, c *Catalog) (res any, warnings []Warning, err error) {
	k, ok := KindOf(kind)
	if !ok {
		return nil, nil, fmt.Errorf("there is no kind of resource named %q", kind)
	}
	e := newExamination(k, strings.TrimPrefix(key, k.folder()+"/"), c)
	e.loading = true
	r, err := e.decode(value)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", e.key(), err)
	}
	return r, e.warnings, nil
}

func (e *examination) decode(value []byte) (resource, error) {
	doc, err := decodeJSON(value)
	if err != nil {
		return nil, err
	}
	if e.take(doc) != nil {
		return nil, errors.New("invalid item data, it should be an object")
	}
	if err := e.apply(e.kind.load); err != nil {
		return nil, err
	}
	r := e.kind.make()
	if err := bind(r, e.doc); err != nil {
		return nil, err
	}
	r.setID(ID(e.id))
	if r, ok := r.(owned); ok && e.parent != "" {
		r.setOwner(e.parent)
	}
	return r, nil
}

// object returns doc as an object; an empty array is one too, as in Lua.
func object(doc any) (map[string]any, bool) {
	if o, ok := doc.(map[string]any); ok {
		return o, true
	}
	if emptyTable(doc) {
		return map[string]any{}, true
	}
	return nil, false
}
