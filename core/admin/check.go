package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// check asks whether a document may be written.
func (h *handler) check(q *request, id string, doc *document.Value) error {
	refs := &references{ctx: q.Context(), handler: h}
	below := q.below(id)
	if err := config.Check(q.kind.Name, below, doc.Bytes(), refs, h.catalog); err != nil {
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
		if err := h.try(q.kind.Name, below, doc.Bytes()); err != nil {
			return badRequest(err.Error())
		}
	}
	return nil
}

// references answers what a check asks about other resources. It serves one request.
type references struct {
	ctx     context.Context
	handler *handler
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
	item, err := r.handler.store.Get(r.ctx, kind+"/"+id)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, r.trouble(err)
	}
	return item.Value, nil
}

// CredentialOwner implements config.RefLookup.
func (r *references) CredentialOwner(plugin, credential string) (config.Owner, error) {
	if index := r.handler.current(r.ctx); index != nil {
		owner, ok := index.CredentialOwner(plugin, credential)
		if !ok {
			return config.Owner{}, nil
		}
		value, err := r.Value("consumers", ownerID(owner))
		if err != nil {
			return config.Owner{}, err
		}
		if r.has(value, plugin, credential) {
			return owner, nil
		}
	}
	return r.searchOwner(plugin, credential)
}

// searchOwner looks for the owner of a credential among all consumers.
func (r *references) searchOwner(plugin, credential string) (config.Owner, error) {
	items, err := r.list("consumers/")
	if err != nil {
		return config.Owner{}, err
	}
	for _, item := range items {
		if !mayContain(item.Value, plugin) || !r.has(item.Value, plugin, credential) {
			continue
		}
		name, id, _ := strings.Cut(strings.TrimPrefix(item.Key, "consumers/"), "/credentials/")
		return config.Owner{Username: name, CredentialID: id}, nil
	}
	return config.Owner{}, nil
}

// has reports whether a stored consumer or credential has a credential.
func (r *references) has(value []byte, plugin, credential string) bool {
	doc, err := document.Parse(value)
	if err != nil {
		return false
	}
	conf := doc.Path("plugins", plugin)
	if conf == nil {
		return false
	}
	r.handler.sealer.plugin(plugin, conf, r.handler.sealer.decrypt)
	return r.handler.catalog.Credentials(config.Plugins{plugin: conf.Bytes()})[plugin] == credential
}

// ownerID is the id of who has a credential, below the folder of the consumers.
func ownerID(o config.Owner) string {
	if o.CredentialID == "" {
		return o.Username
	}
	return o.Username + "/credentials/" + o.CredentialID
}

// GlobalRules implements config.RefLookup. There are never many of them.
func (r *references) GlobalRules(plugin string) ([]string, error) {
	items, err := r.list("global_rules/")
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, item := range items {
		doc, err := document.Parse(item.Value)
		if err == nil && doc.Path("plugins", plugin) != nil {
			ids = append(ids, strings.TrimPrefix(item.Key, "global_rules/"))
		}
	}
	return ids, nil
}

func (r *references) list(prefix string) ([]store.Item, error) {
	items, _, err := r.handler.store.List(r.ctx, prefix)
	return items, r.trouble(err)
}

func (r *references) trouble(err error) error {
	if r.err == nil {
		r.err = err
	}
	return err
}
