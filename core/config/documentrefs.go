package config

import (
	"encoding/json"
	"slices"
)

// documentRefs answers about the resources of a whole configuration, and about stored ones that it does not replace.
type documentRefs struct {
	opts        ValidateOptions
	values      map[string]json.RawMessage // by "kind/id"
	owners      map[[2]string]Owner        // by plugin and credential; the first one in the document
	globalRules map[string][]string        // ids by plugin
}

func newDocumentRefs(doc map[string][]json.RawMessage, c *Catalog, o ValidateOptions) *documentRefs {
	r := &documentRefs{opts: o, values: map[string]json.RawMessage{}, owners: map[[2]string]Owner{}, globalRules: map[string][]string{}}
	for kind, items := range doc {
		k, ok := KindOf(kind)
		if !ok || k.Identity == Single {
			continue
		}
		for _, raw := range items {
			value, err := decodeJSON(raw)
			if err != nil {
				continue
			}
			if item, ok := object(value); ok {
				r.add(k, item, raw, c)
			}
		}
	}
	return r
}

func (r *documentRefs) add(k *Kind, item map[string]any, raw json.RawMessage, c *Catalog) {
	id, _ := itemID(k, item)
	r.values[k.Name+"/"+id] = raw
	if !r.opts.References {
		return
	}
	plugins := field(item, "plugins")
	switch k.Name {
	case "global_rules":
		for name := range plugins {
			r.globalRules[name] = append(r.globalRules[name], id)
		}
	case "consumers":
		owner := Owner{Username: id}
		if child, ok := childOf(k, id); ok {
			owner.Username, owner.CredentialID = child.SplitID(id)
		}
		for name, conf := range plugins {
			credential, ok := c.credential(name, conf)
			if _, taken := r.owners[[2]string{name, credential}]; ok && !taken {
				r.owners[[2]string{name, credential}] = owner
			}
		}
	}
}

// Exists implements RefLookup.
func (r *documentRefs) Exists(kind, id string) (bool, error) {
	_, ok := r.values[kind+"/"+id]
	if ok || r.opts.Stored == nil {
		return ok, nil
	}
	return r.opts.Stored.Exists(kind, id)
}

// Value implements RefLookup.
func (r *documentRefs) Value(kind, id string) (json.RawMessage, error) {
	value, ok := r.values[kind+"/"+id]
	if ok || r.opts.Stored == nil {
		return value, nil
	}
	return r.opts.Stored.Value(kind, id)
}

// CredentialOwner implements RefLookup.
func (r *documentRefs) CredentialOwner(plugin, credential string) (Owner, error) {
	owner, ok := r.owners[[2]string{plugin, credential}]
	if ok || r.opts.Stored == nil {
		return owner, nil
	}
	owner, err := r.opts.Stored.CredentialOwner(plugin, credential)
	if _, replaced := r.values["consumers/"+owner.id()]; replaced {
		return Owner{}, err
	}
	return owner, err
}

// id is the id of the item that has the credential.
func (o Owner) id() string {
	if o.CredentialID != "" {
		return o.Username + "/credentials/" + o.CredentialID
	}
	return o.Username
}

// GlobalRules implements RefLookup.
func (r *documentRefs) GlobalRules(plugin string) ([]string, error) {
	ids := slices.Clone(r.globalRules[plugin])
	if r.opts.Stored == nil {
		return ids, nil
	}
	stored, err := r.opts.Stored.GlobalRules(plugin)
	for _, id := range stored {
		if _, replaced := r.values["global_rules/"+id]; !replaced {
			ids = append(ids, id)
		}
	}
	return ids, err
}
