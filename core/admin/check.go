package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// check asks whether a document may be written.
func (h *handler) check(q *request, id string, doc *document.Value) error {
	refs := &references{ctx: q.Context(), store: h.store, catalog: h.catalog}
	if err := config.Check(q.kind.Name, id, doc.Bytes(), refs, h.catalog); err != nil {
		// A document is not wrong because the store could not be asked about it.
		if refs.err != nil {
			return fmt.Errorf("check references: %w", refs.err)
		}
		return badRequest(err.Error())
	}
	if err := checkCode(q, doc); err != nil {
		return err
	}
	if h.try != nil {
		if err := h.try(q.kind.Name, id, doc.Bytes()); err != nil {
			return badRequest(err.Error())
		}
	}
	return nil
}

// references answers what a check asks about other resources, from the store. It serves one request.
type references struct {
	ctx     context.Context
	store   store.Writer
	catalog *config.Catalog
	err     error // the first trouble with the store
}

var _ config.RefLookup = (*references)(nil)

// Exists implements config.RefLookup.
func (r *references) Exists(kind, id string) (bool, error) {
	value, err := r.Value(kind, id)
	return value != nil, err
}

// Value implements config.RefLookup.
func (r *references) Value(kind, id string) (json.RawMessage, error) {
	item, err := r.store.Get(r.ctx, kind+"/"+id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, r.trouble(err)
	}
	return item.Value, nil
}

// CredentialOwner implements config.RefLookup.
func (r *references) CredentialOwner(plugin, credential string) (config.Owner, error) {
	items, err := r.list("consumers/")
	if err != nil {
		return config.Owner{}, err
	}
	for _, item := range items {
		if !mayContain(item.Value, credential) {
			continue
		}
		conf, ok := pluginsOf(item.Value)[plugin]
		if !ok || r.catalog.Credentials(config.Plugins{plugin: conf})[plugin] != credential {
			continue
		}
		name, id, _ := strings.Cut(strings.TrimPrefix(item.Key, "consumers/"), "/credentials/")
		return config.Owner{Username: name, CredentialID: id}, nil
	}
	return config.Owner{}, nil
}

// GlobalRules implements config.RefLookup.
func (r *references) GlobalRules(plugin string) ([]string, error) {
	items, err := r.list("global_rules/")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, item := range items {
		if _, ok := pluginsOf(item.Value)[plugin]; ok {
			ids = append(ids, strings.TrimPrefix(item.Key, "global_rules/"))
		}
	}
	return ids, nil
}

func (r *references) list(prefix string) ([]store.Item, error) {
	items, _, err := r.store.List(r.ctx, prefix)
	return items, r.trouble(err)
}

func (r *references) trouble(err error) error {
	if r.err == nil {
		r.err = err
	}
	return err
}

// pluginsOf returns the plugins of a stored value, nil where it is broken.
func pluginsOf(value []byte) config.Plugins {
	var doc struct {
		Plugins config.Plugins `json:"plugins"`
	}
	if err := json.Unmarshal(value, &doc); err != nil {
		return nil
	}
	return doc.Plugins
}
