package admin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// put creates or replaces a resource.
func (h *handler) put(q *request) (reply, error) {
	doc, err := q.object()
	if err != nil {
		return reply{}, err
	}
	id, err := identify(q, doc, true)
	if err != nil {
		return reply{}, err
	}
	if err := config.CheckTimes(doc.Bytes()); err != nil {
		return reply{}, badRequest(err.Error())
	}
	if err := h.check(q, id, doc); err != nil {
		return reply{}, err
	}
	key := q.key(id)
	if q.kind.Timestamps {
		created, err := h.createTime(q.Context(), key)
		if err != nil {
			return reply{}, err
		}
		stamp(doc, created, nil)
	}
	if q.kind.Identity == config.ByPlugin {
		doc.Set("id", document.String(id))
	}
	return h.save(q, key, doc, store.Cond{TTL: q.ttl})
}

// post creates a resource under an id of the store's making.
func (h *handler) post(q *request) (reply, error) {
	doc, err := q.object()
	if err != nil {
		return reply{}, err
	}
	if _, err := identify(q, doc, false); err != nil {
		return reply{}, err
	}
	if err := config.CheckTimes(doc.Bytes()); err != nil {
		return reply{}, badRequest(err.Error())
	}
	if err := h.check(q, "", doc); err != nil {
		return reply{}, err
	}
	n, err := h.store.NextID(q.Context())
	if err != nil {
		return reply{}, fmt.Errorf("make an id: %w", err)
	}
	id := fmt.Sprintf("%020d", n)
	doc.Set("id", document.String(id))
	stamp(doc, nil, nil)
	return h.save(q, q.key(id), doc, store.Cond{IfAbsent: true, TTL: q.ttl})
}

// patch changes a part of a resource: what the body says, or with a sub path the value that it leads to.
func (h *handler) patch(q *request) (reply, error) {
	if q.id == "" {
		return reply{}, badRequest("missing " + q.kind.Singular + " id")
	}
	if q.body == nil {
		return reply{}, badRequest("missing new configuration")
	}
	if len(q.sub) == 0 && !q.body.IsObject() && !(q.body.IsArray() && q.body.IsEmpty()) {
		return reply{}, badRequest("invalid configuration")
	}
	key := q.key(q.id)
	item, err := h.store.Get(q.Context(), key)
	if err != nil {
		return reply{}, err
	}
	doc, err := document.Parse(item.Value)
	if err != nil {
		return reply{}, fmt.Errorf("the stored value of %s cannot be read, replace it with PUT: %w", key, err)
	}
	updated := q.body.Get("update_time")
	if updated.IsNull() {
		updated = nil
	}
	if len(q.sub) > 0 {
		updated = nil
		if err := doc.Replace(q.body, q.sub...); err != nil {
			return reply{}, badRequest(err.Error())
		}
	} else {
		doc.Merge(q.body)
	}
	stamp(doc, doc.Get("create_time"), updated)
	if _, err := identify(q, doc, true); err != nil {
		return reply{}, err
	}
	if err := h.check(q, q.id, doc); err != nil {
		return reply{}, err
	}
	return h.save(q, key, doc, store.Cond{IfModRev: item.ModRev, TTL: q.ttl})
}

// identify returns the id of a document that is to be written, which the path or the document gives, and writes the path's into it.
func identify(q *request, doc *document.Value, needed bool) (string, error) {
	id, err := q.kind.ResolveID(q.id, doc.Bytes(), needed)
	if err != nil {
		return "", badRequest(err.Error())
	}
	if q.kind.Identity == config.ByID && q.id != "" {
		doc.Set("id", document.String(id))
	}
	return id, nil
}

// stamp sets the times of a document: now, unless the client or an earlier version says otherwise.
func stamp(doc, created, updated *document.Value) {
	now := document.Int(time.Now().Unix())
	if created == nil {
		created = now
	}
	if updated == nil {
		updated = now
	}
	doc.Set("create_time", created)
	doc.Set("update_time", updated)
}

// createTime returns the create_time of what is stored under a key, nil where there is none.
func (h *handler) createTime(ctx context.Context, key string) (*document.Value, error) {
	item, err := h.store.Get(ctx, key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(item.Value)
	if err != nil {
		return nil, nil //nolint:nilerr // a broken value has no time worth keeping, and is about to be replaced
	}
	return doc.Get("create_time"), nil
}

// save writes a document and answers with it.
func (h *handler) save(q *request, key string, doc *document.Value, cond store.Cond) (reply, error) {
	if strings.Count(key, "/") != 1 || strings.HasSuffix(key, "/") {
		return reply{}, badRequest("wrong " + q.kind.Singular + " id")
	}
	item, err := h.store.Put(q.Context(), key, doc.Bytes(), cond)
	if err != nil {
		return reply{}, err
	}
	status := http.StatusOK
	if item.CreateRev == item.ModRev {
		status = http.StatusCreated
	}
	h.audit(q, key, status, item.ModRev)
	h.conceal(q, doc)
	return reply{status: status, body: resource{Key: h.prefix + "/" + key, Value: doc}}, nil
}
