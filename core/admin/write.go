package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
)

// put creates or replaces a resource.
func (h *handler) put(q *request) (reply, error) {
	id, doc, err := h.take(q, true)
	if err != nil {
		return reply{}, err
	}
	if q.kind.Parent == "consumers" {
		if err := h.ownerExists(q); err != nil {
			return reply{}, err
		}
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
	rep, err := h.save(q, key, doc, store.Cond{TTL: q.ttl})
	if err == nil && rep.status == http.StatusCreated && q.kind.Name == "services" {
		h.reclaim(q, key, rep.revision)
	}
	return rep, err
}

// post creates a resource under an id of the store's making.
func (h *handler) post(q *request) (reply, error) {
	_, doc, err := h.take(q, false)
	if err != nil {
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

// take takes the document of a PUT or POST out of a request, checks it, and returns the resource's own id, which is empty where it is
// yet to be made.
func (h *handler) take(q *request, needID bool) (string, *document.Value, error) {
	if err := h.decorate(q); err != nil {
		return "", nil, err
	}
	doc, err := q.object()
	if err != nil {
		return "", nil, err
	}
	id, err := identify(q, doc, needID)
	if err != nil {
		return "", nil, err
	}
	if err := config.CheckTimes(doc.Bytes()); err != nil {
		return "", nil, badRequest(err.Error())
	}
	return id, doc, h.check(q, id, doc)
}

// patch changes a part of a resource: what the body says, or with a sub path the value that it leads to.
func (h *handler) patch(q *request) (reply, error) {
	if err := h.checkPatch(q); err != nil {
		return reply{}, err
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
	if doc.IsArray() && doc.IsEmpty() {
		doc = document.Object() // the same for Lua, whose programs write to the store as well
	}
	h.sealer.open(q.kind, key, doc)
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

// checkPatch refuses what cannot change a resource.
func (h *handler) checkPatch(q *request) error {
	if err := h.decorate(q); err != nil {
		return err
	}
	switch {
	case q.id == "" && q.kind.Identity == config.ByManager:
		return badRequest("no secret id")
	case q.id == "":
		return badRequest("missing " + q.kind.Singular + " id")
	case q.body == nil:
		return badRequest("missing new configuration")
	case len(q.sub) == 0 && !q.body.IsObject() && !(q.body.IsArray() && q.body.IsEmpty()):
		return badRequest("invalid configuration")
	case len(q.sub) > 0 && q.kind.Parent != "":
		return notFound()
	}
	return nil
}

// identify returns the own id of a document that is to be written, which the path or the document gives, and writes the path's into it.
func identify(q *request, doc *document.Value, needed bool) (string, error) {
	path := q.id
	if q.kind.Identity == config.ByManager {
		if q.id == "" {
			return "", badRequest("missing secret id")
		}
		path = q.below(q.id)
	}
	id, err := q.kind.ResolveID(path, doc.Bytes(), needed)
	if err != nil {
		return "", badRequest(err.Error())
	}
	switch q.kind.Identity {
	case config.ByID:
		if path != "" {
			doc.Set("id", document.String(id))
		}
	case config.ByManager:
		doc.Set("id", document.String(id))
		return q.id, nil
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
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var stored struct {
		Created json.RawMessage `json:"create_time"`
	}
	if err := json.Unmarshal(item.Value, &stored); err != nil || stored.Created == nil {
		return nil, nil //nolint:nilerr // a broken value has no time worth keeping, and is about to be replaced
	}
	return document.Parse(stored.Created)
}

// save encrypts and writes a document and answers with it.
func (h *handler) save(q *request, key string, doc *document.Value, cond store.Cond) (reply, error) {
	if kind, _, ok := config.KindOfKey(key); !ok || kind != q.kind {
		return reply{}, badRequest("wrong " + q.kind.Singular + " id")
	}
	if err := h.sealer.seal(q.kind, key, doc); err != nil {
		return reply{}, fmt.Errorf("encrypt %s: %w", key, err)
	}
	item, err := h.store.Put(q.Context(), key, doc.Bytes(), cond)
	if err != nil {
		return reply{}, err
	}
	h.wrote(item.ModRev)
	if err := h.disown(q, key); err != nil {
		return reply{}, err
	}
	status := http.StatusOK
	if item.CreateRev == item.ModRev {
		status = http.StatusCreated
	}
	h.audit(q, key, status, item.ModRev)
	concealPlain(q, doc)
	return reply{status: status, body: resource{Key: h.prefix + "/" + key, Value: doc}, revision: item.ModRev}, nil
}
