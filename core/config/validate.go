package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Problem is something wrong with one item of a whole configuration.
type Problem struct {
	Kind  string // the plural, for example "routes"
	ID    string // the item's id or username, empty where it has none
	Index int    // in the list of its kind, from 0
	Err   error  // has APISIX's text
}

// ValidateOptions say what [Validate] asks besides what is wrong with each item by itself. The zero value does what APISIX's
// /apisix/admin/configs/validate does.
type ValidateOptions struct {
	// Stored answers about resources outside of the document, for credentials and global rules that may be there only once, and, with
	// References, for what items refer to. What the document has under the same id counts instead. nil: there are none.
	Stored RefLookup
	// References makes Validate look up what items refer to, and look for credentials and plugins of global rules that are there
	// more than once in the document.
	References bool
	// Every makes Validate report everything that is wrong with an item instead of the first thing.
	Every bool
	// Standalone allows a whole number "modifiedIndex" in items, as APISIX does for API-driven standalone mode.
	Standalone bool
}

// Validate checks a whole configuration, as lists of items by the plurals of their kinds, and returns all that is wrong with it, in
// the order in which kinds are loaded. Credentials are items of "consumers" with ids such as "jack/credentials/c1". Other keys than
// the names of kinds without a parent are ignored. Nothing of doc is changed or kept.
func Validate(doc map[string][]json.RawMessage, c *Catalog, o ValidateOptions) []Problem {
	v := validation{doc: doc, catalog: c, opts: o}
	if o.References || o.Stored != nil {
		v.refs = newDocumentRefs(doc, c, o)
	}
	var problems []Problem
	for _, k := range Kinds() {
		if k.Parent == "" {
			problems = append(problems, v.list(k)...)
		}
	}
	return problems
}

// validation is one call of Validate.
type validation struct {
	doc     map[string][]json.RawMessage
	catalog *Catalog
	opts    ValidateOptions
	refs    RefLookup // nil: no questions about other resources
}

func (v *validation) list(k *Kind) []Problem {
	if k.Identity == Single {
		return v.single(k)
	}
	var problems []Problem
	seen := map[string]struct{}{}
	for i, raw := range v.doc[k.Name] {
		p := Problem{Kind: k.Name, Index: i}
		report := func(err error) {
			p.Err = err
			problems = append(problems, p)
		}
		doc, err := decodeJSON(raw)
		if err != nil {
			report(err)
			continue
		}
		item, ok := object(doc)
		if !ok {
			report(fmt.Errorf("invalid configuration: wrong type: expected object, got %s", luaType(doc)))
			continue
		}
		id, what := itemID(k, item)
		p.ID = id
		for _, err := range v.item(k, item) {
			report(err)
		}
		if _, again := seen[id]; again && id != "" {
			report(fmt.Errorf("found duplicate %s %s in %s", what, id, k.Name))
		}
		seen[id] = struct{}{}
	}
	return problems
}

// itemID returns an item's identity, empty where it has none, and what that is called.
func itemID(k *Kind, item map[string]any) (id, what string) {
	id, ok := idText(item["id"])
	switch {
	case k.Identity != ByName:
		return id, "id"
	case ok:
		return id, "credential id"
	}
	return text(item, "username"), "username"
}

// single checks the list of a kind that has no items of its own.
func (v *validation) single(k *Kind) []Problem {
	items := v.doc[k.Name]
	if len(items) == 0 {
		return nil
	}
	list := make([]any, len(items))
	for i, raw := range items {
		doc, err := decodeJSON(raw)
		if err != nil {
			return []Problem{{Kind: k.Name, Index: i, Err: err}}
		}
		list[i] = doc
	}
	e := newExamination(k, "", v.catalog)
	if err := e.take(list); err != nil {
		return []Problem{{Kind: k.Name, Err: err}}
	}
	if err := e.apply(k.write); err != nil {
		return []Problem{{Kind: k.Name, Err: err}}
	}
	return nil
}

// item returns what is wrong with an item.
func (v *validation) item(k *Kind, item map[string]any) []error {
	id, ok := idText(item["id"])
	if !ok && item["id"] != nil {
		// What is wrong with it is for the schema to say.
		id = string(encodeJSON(item["id"]))
	}
	if child, ok := childOf(k, id); ok {
		k = child
	}
	if k.Identity == ByManager && !strings.Contains(id, "/") {
		if id == "" && item["id"] == nil {
			id = "nil" // as Lua writes it
		}
		return []error{fmt.Errorf("invalid secret id: %s", id)}
	}
	if err := v.modifiedIndex(k, item); err != nil {
		return []error{err}
	}
	e := newExamination(k, id, v.catalog)
	e.doc, e.refs, e.every, e.unlinked = item, v.refs, v.opts.Every, !v.opts.References
	return e.errors()
}

// childOf returns the kind of an item of its owner's list, by its id.
func childOf(k *Kind, id string) (*Kind, bool) {
	if k.Name != "consumers" || !strings.Contains(id, "/credentials/") {
		return nil, false
	}
	return KindOf("credentials")
}

// modifiedIndex checks and removes the property that only APISIX's standalone mode has.
func (v *validation) modifiedIndex(k *Kind, item map[string]any) error {
	if !v.opts.Standalone || k.SchemaName == "" {
		return nil
	}
	value, ok := item["modifiedIndex"]
	if !ok {
		return nil
	}
	delete(item, "modifiedIndex")
	n, _ := value.(json.Number)
	if _, ok := integer(n); ok {
		return nil
	}
	return fmt.Errorf("invalid configuration: property \"modifiedIndex\" validation failed: wrong type: expected integer, got %s", luaType(value))
}

// errors returns the first thing that the rules for writing find, or everything.
func (e *examination) errors() []error {
	var errs []error
	for _, ask := range e.kind.write {
		err := ask(e)
		if err == nil {
			continue
		}
		errs = append(errs, flatten(err)...)
		// Behind a schema that does not match, everything else would be found wrong for the same reason.
		if invalid := (*schemaError)(nil); !e.every || errors.As(err, &invalid) {
			return errs
		}
	}
	if len(errs) == 0 {
		if err := e.fits(); err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// flatten returns the errors that are joined in err.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
