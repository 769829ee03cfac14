package config

import (
	"cmp"
	"encoding/json"
	"slices"
)

// Kind describes one kind of resource. All that is special about a kind is data here; the code is the same for all of them.
type Kind struct {
	// Name is the plural: the folder in the store and the segment in the Admin API's paths, for example "routes".
	Name string
	// Singular is the kind's name in APISIX's messages, for example "route" or "plugin config".
	Singular string
	// SchemaName is the name of the kind's schema, see [SchemaOf]; empty where each resource has a schema of its own.
	SchemaName string
	// Identity says where a resource's id comes from.
	Identity Identity
	// Parent is the plural of the kind that owns resources of this one, for example "consumers" of credentials; empty for most.
	Parent string
	// Methods are the Admin API's methods for this kind; "POST" makes an id.
	Methods []string
	// References are the properties that name other resources.
	References []Reference
	// DeleteRefusal begins the message with which the Admin API refuses to delete a resource that is still referred to, without
	// the ", route [1] is still using it now" that follows. Empty where nothing refers to the kind.
	DeleteRefusal string
	// Timestamps is set where resources carry create_time and update_time.
	Timestamps bool
	// Private are the properties that the Admin API never shows.
	Private []string

	write []rule          // what Check asks, in order
	load  []rule          // what Decode asks, in order
	make  func() resource // an empty resource
}

// Identity is where the id of a resource comes from.
type Identity uint8

// The sources of an id.
const (
	ByID      Identity = iota // the property "id", which the path may give as well
	ByName                    // the property "username"
	ByPlugin                  // the path alone: it is a plugin's name
	ByManager                 // as ByID, but it has two parts, for example "vault/1"
	Single                    // there is one resource of the kind, without an id
)

// Reference is a property that names a resource of another kind.
type Reference struct {
	// Path leads to the property: names separated by dots; "[]" behind one stands for every item of an array, for example
	// "plugins.traffic-split.rules[].weighted_upstreams[].upstream_id".
	Path string
	// Kind is what is referred to, for example "upstreams".
	Kind string
	// Type is the value that the property "type" of the resource referred to must have; empty: it does not matter.
	Type string
	// Plugin is set where the property is inside a plugin's configuration. Such references are not looked up on writing, they
	// only keep what they refer to from being deleted.
	Plugin bool

	name string // the singular of Kind
	own  bool   // a rule of its own looks it up
	tail string // ends the message that refuses to delete what is referred to, instead of "is still using it now"
	bare bool   // that message does not say "plugin in"
}

// Schema returns the kind's JSON schema, nil where SchemaName is empty.
func (k *Kind) Schema() json.RawMessage {
	raw, _ := SchemaOf(k.SchemaName)
	return raw
}

// Allows tells whether the Admin API has that method for the kind.
func (k *Kind) Allows(method string) bool { return slices.Contains(k.Methods, method) }

// Refers returns the reference by which the stored value of this kind refers to a resource, and whether there is one.
func (k *Kind) Refers(value []byte, target, id string) (Reference, bool) {
	var doc any
	for _, ref := range k.References {
		if ref.Kind != target {
			continue
		}
		if doc == nil {
			var err error
			if doc, err = decodeJSON(value); err != nil {
				return Reference{}, false
			}
		}
		for v := range walk(doc, ref.Path) {
			if got, ok := idText(v); ok && got == id {
				return ref, true
			}
		}
	}
	return Reference{}, false
}

// Refusal returns the message with which the Admin API refuses to delete a resource of this kind because the user's resource of that
// id refers to it, see [Kind.Refers].
func (k *Kind) Refusal(user *Kind, ref Reference, id string) string {
	who := user.SchemaName
	switch {
	case user.Name == "global_rules":
		who = user.Name
	case ref.tail != "":
		who = user.Singular
	}
	who += " [" + id + "] " + cmp.Or(ref.tail, "is still using it now")
	if ref.Plugin && !ref.bare {
		who = "plugin in " + who
	}
	return k.DeleteRefusal + ", " + who
}

// Kinds returns all kinds, in the order in which they should be loaded: what is referred to comes first. Do not change them.
func Kinds() []*Kind { return kindTable() }

// KindOf returns the kind of that plural name.
func KindOf(name string) (*Kind, bool) {
	for _, k := range kindTable() {
		if k.Name == name {
			return k, true
		}
	}
	return nil, false
}
