package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// RefLookup answers what a check asks about the resources that are stored.
type RefLookup interface {
	// Exists tells whether there is a resource of that kind, for example "upstreams", and id.
	Exists(kind, id string) (bool, error)
	// Value returns the stored value of a resource, nil where there is none.
	Value(kind, id string) (json.RawMessage, error)
	// CredentialOwner returns who has that credential for that plugin, see [Catalog.Credentials]; the zero Owner if nobody.
	CredentialOwner(plugin, credential string) (Owner, error)
	// GlobalRules returns the ids of the global rules that configure that plugin.
	GlobalRules(plugin string) ([]string, error)
}

// Check tells whether the Admin API may write value as the resource of that kind and id, which is what [KindOfKey] returns, for
// example "1", "vault/1" or "jack/credentials/c1". Where the id is yet to be made it is empty, or ends with the slash behind the
// owner's folder: "s1/graphql_cost_decorations/". Its errors are APISIX's messages, word for word. A nil refs leaves out the questions about other resources.
//
// What an id may be is asked by [Kind.ResolveID] before, and timestamps are refused by [CheckTimes].
func Check(kind, id string, value []byte, refs RefLookup, c *Catalog) error {
	k, ok := KindOf(kind)
	if !ok {
		return fmt.Errorf("Unsupported resource type: %s", kind) //nolint:staticcheck // APISIX's text
	}
	doc, err := decodeJSON(value)
	if err != nil {
		return err
	}
	if doc == nil {
		return errors.New("missing configurations")
	}
	e := newExamination(k, id, c)
	e.refs = refs
	if err := e.take(doc); err != nil {
		return fmt.Errorf("invalid configuration: %w", err)
	}
	if e.needsID() && e.id != "" && !truthy(e.doc["id"]) {
		e.doc["id"] = e.id
	}
	if err := e.apply(k.write); err != nil {
		return err
	}
	return e.fits()
}

// fits tells what keeps a document that the rules accept from becoming a resource, such as numbers that no integer holds.
func (e *examination) fits() error {
	if err := bind(e.kind.make(), e.doc); err != nil {
		return &schemaError{err}
	}
	return nil
}

// examination is one check of one document.
type examination struct {
	kind       *Kind
	parent, id string         // the owner's and its own
	doc        map[string]any // defaults are filled in as it goes
	refs       RefLookup      // may be nil
	catalog    *Catalog
	loading    bool // for Decode, not for Check
	every      bool // do not stop at the first error
	unlinked   bool // do not ask whether what it refers to exists
	warnings   []Warning
}

func newExamination(k *Kind, id string, c *Catalog) *examination {
	e := &examination{kind: k, catalog: c}
	e.parent, e.id = k.SplitID(id)
	return e
}

// take makes doc what is examined. The list of a kind with a single resource becomes a property.
func (e *examination) take(doc any) error {
	if e.kind.Identity == Single {
		e.doc = map[string]any{e.kind.Name: doc}
		return nil
	}
	var ok bool
	if e.doc, ok = object(doc); !ok {
		return fmt.Errorf("wrong type: expected object, got %s", luaType(doc))
	}
	return nil
}

// needsID tells whether the Admin API writes the id into the value.
func (e *examination) needsID() bool { return e.kind.Identity == ByID || e.kind.Identity == ByManager }

// key is the key under which the store has the resource.
func (e *examination) key() string { return e.kind.Key(e.parent, e.id) }

func (e *examination) warn(plugin, text string) {
	e.warnings = append(e.warnings, Warning{Plugin: plugin, Text: text})
}

// rule is one question about a document.
type rule func(*examination) error

func (e *examination) apply(rules []rule) error {
	for _, ask := range rules {
		if err := ask(e); err != nil {
			return err
		}
	}
	return nil
}

// ResolveID returns the id of a resource that is to be written, from the path and from the property "id"; needed tells whether the
// method wants one (PUT, PATCH) or makes it (POST). For kinds that have their id from elsewhere it is the path's, or the username.
func (k *Kind) ResolveID(path string, value []byte, needed bool) (string, error) {
	if needed && path != "" && k.Identity == ByID && !mayName(value, "id") {
		return path, nil
	}
	doc, err := decodeJSON(value)
	if err != nil {
		return "", err
	}
	if doc == nil {
		return "", errors.New("missing configurations")
	}
	conf, _ := object(doc)
	switch k.Identity {
	case ByName:
		if path == "" {
			return text(conf, "username"), nil
		}
		return path, nil
	case ByPlugin:
		return path, nil
	}
	return k.resolveProperty(path, conf["id"], needed)
}

func (k *Kind) resolveProperty(path string, property any, needed bool) (string, error) {
	if !truthy(property) {
		property = nil
	}
	if !needed {
		if path != "" || property != nil {
			return "", fmt.Errorf("wrong %s id, do not need it", k.Singular)
		}
		return "", nil
	}
	if path == "" && property == nil {
		return "", fmt.Errorf("missing %s id", k.Singular)
	}
	if property == nil {
		return path, nil
	}
	id, ok := idText(property)
	if !ok {
		// Not an id at all: what is wrong with it is for the schema to say, which sees the property only if the path agrees.
		id = string(encodeJSON(property))
	}
	if path != "" && path != id {
		return "", fmt.Errorf("wrong %s id", k.Singular)
	}
	return id, nil
}

// mayName tells cheaply that no object in a JSON text has a property of that name.
func mayName(text []byte, name string) bool {
	return bytes.Contains(text, []byte(`"`+name+`"`)) || bytes.Contains(text, []byte(`\u`)) || !bytes.HasPrefix(text, []byte("{"))
}

// CheckTimes refuses a value that has create_time or update_time, which only the server sets, where APISIX looks for them.
func CheckTimes(value []byte) error {
	if !mayName(value, "create_time") && !mayName(value, "update_time") {
		return nil
	}
	doc, err := decodeJSON(value)
	if err != nil {
		return err
	}
	conf, _ := object(doc)
	for _, place := range []struct {
		name string
		doc  map[string]any
	}{
		{"", conf},
		{"upstream.", field(conf, "upstream")},
		{"plugins.", field(conf, "plugins")},
	} {
		for _, name := range []string{"create_time", "update_time"} {
			if truthy(place.doc[name]) {
				return fmt.Errorf("the property is forbidden:  %s%s", place.name, name)
			}
		}
	}
	return nil
}
