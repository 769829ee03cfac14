// Package standalone is the part of the Admin API by which a gateway without a store is configured: the whole configuration is one
// document, /apisix/admin/configs, that clients read and replace. APISIX calls this the API-driven standalone mode; its ingress
// controller and ADC use it.
//
// A document has a list for each kind of resources and, if the client likes, a version for each list, such as
// "routes_conf_version": a list whose version did not change is left as it is, and one whose version went back is refused. Items may
// have a "modifiedIndex": an item whose index did not change is left as it is. What is put into service of a document is put into
// service in one step.
package standalone

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/file"
)

// DefaultMaxBody is how many bytes a document may have unless [Options.MaxBody] says otherwise. APISIX has no limit of its own.
const DefaultMaxBody = 256 << 20

// Store is where the configuration is put into service.
type Store interface {
	// Replace makes items all there is, in one step, and returns the revision after that. Items whose value is what it was keep their
	// revisions. The items are given away.
	Replace(items []store.Item) int64
}

// Options are what the handler needs. Store and Catalog are required.
type Options struct {
	Store   Store
	Catalog *config.Catalog
	Logger  *slog.Logger     // default [slog.Default]; one line for each change and each refusal
	MaxBody int64            // bytes; default [DefaultMaxBody]
	Now     func() time.Time // default [time.Now]
	// Try makes a resource ready for service, without putting it into service; its error refuses the document. It is called for the
	// resources that differ from those in service. Nil tries nothing.
	Try func(kind, id string, value []byte) error
}

// handler serves the document.
type handler struct {
	opts    Options
	updates sync.Mutex // held by who replaces current
	current atomic.Pointer[document]
}

// New makes the handler of /apisix/admin/configs. It is safe for concurrent use. Who calls it sees to authentication.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.Catalog == nil {
		return nil, errors.New("standalone Admin API: Store and Catalog are required")
	}
	o.Logger = cmp.Or(o.Logger, slog.Default())
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &handler{opts: o}
	h.current.Store(&document{})
	return h, nil
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		h.get(w, r)
	case http.MethodHead:
		h.current.Load().describe(w.Header())
		w.WriteHeader(http.StatusOK)
	case http.MethodPut:
		h.put(w, r)
	default:
		h.refuse(w, r, refusal{http.StatusNotFound, "not found"})
	}
}

// get answers with the document, as JSON or YAML.
func (h *handler) get(w http.ResponseWriter, r *http.Request) {
	current := h.current.Load()
	body, kind := current.json(), "application/json"
	if strings.HasPrefix(r.Header.Get("Accept"), "application/yaml") {
		kind = "application/yaml"
		var err error
		if body, err = file.ToYAML(body); err != nil {
			h.refuse(w, r, refusal{http.StatusInternalServerError, "failed to encode yaml"})
			return
		}
	}
	current.describe(w.Header())
	w.Header().Set("Content-Type", kind)
	h.send(w, r, http.StatusOK, body)
}

// put replaces the document.
func (h *handler) put(w http.ResponseWriter, r *http.Request) {
	digest, ok := r.Header[digestHeader]
	if !ok {
		h.refuse(w, r, refusal{http.StatusBadRequest, "missing digest header"})
		return
	}
	in, err := h.read(w, r)
	if err != nil {
		h.refuseError(w, r, err)
		return
	}
	h.updates.Lock()
	defer h.updates.Unlock()
	before := h.current.Load()
	if before.given && before.digest == digest[0] {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	next, err := h.replace(before, in)
	if err != nil {
		h.refuseError(w, r, err)
		return
	}
	next.given, next.digest, next.modified = true, digest[0], h.opts.Now().Unix()
	items := next.items()
	revision := h.opts.Store.Replace(items)
	h.current.Store(next)
	h.opts.Logger.Info("the configuration was replaced", "digest", next.digest, "items", len(items), "revision", revision)
	next.describe(w.Header())
	w.WriteHeader(http.StatusAccepted)
}

// The header fields of a document. Why not Last-Modified and ETag? Caches and clients would act on them.
const (
	digestHeader   = "X-Digest"
	modifiedHeader = "X-Last-Modified"
)

// describe sets the header fields that say which document it is.
func (d *document) describe(header http.Header) {
	if d.given {
		header.Set(modifiedHeader, strconv.FormatInt(d.modified, 10))
		header.Set(digestHeader, d.digest)
	}
}
