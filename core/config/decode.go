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

// Decode checks a stored value and returns it as the type of its kind (*Route, *Service, *Upstream, *Consumer, *PluginConfig,
// *GlobalRule, *SSL or *PluginMetadata) with all defaults filled in, also those of the plugins' configurations. The key is the id,
// with or without the kind's name in front, for example "1" or "routes/1"; it beats an id in the value.
//
// Hosts are in lower case, and bare IPv6 addresses of nodes have brackets. A plugin that is unknown is left out with a warning,
// or, in a strict catalog, makes the value invalid. The value itself is not changed, and nothing of it is kept. Decode is safe for
// concurrent use.
func Decode(kind, key string, value []byte, c *Catalog) (res any, warnings []string, err error) {
	k, ok := KindOf(kind)
	if !ok {
		return nil, nil, fmt.Errorf("there is no kind of resource named %q", kind)
	}
	e := examination{kind: k, id: strings.TrimPrefix(key, kind+"/"), catalog: c, loading: true}
	r, err := e.decode(value)
	if err != nil {
		return nil, nil, fmt.Errorf("%s/%s: %w", kind, e.id, err)
	}
	return r, e.warnings, nil
}

func (e *examination) decode(value []byte) (resource, error) {
	doc, err := decodeJSON(value)
	if err != nil {
		return nil, err
	}
	var ok bool
	if e.doc, ok = object(doc); !ok {
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
