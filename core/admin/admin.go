// Package admin is the Admin API: the HTTP interface under /apisix/admin through which routes, services, upstreams and all other
// resources are read and written. It speaks version 3 of APISIX's Admin API, byte for byte where clients look, on top of any
// [store.Writer]. It does not serve the gateway's traffic.
//
// What it refuses that APISIX accepts: keys in the query and in cookies, the well-known default keys, requests that a browser
// sends for another site, and paths that are not canonical.
package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/internal/ipset"
)

// DefaultServer is the Server header field unless [Options.ServerHeader] says otherwise. Clients choose features by it.
const DefaultServer = "APISIX/3.18.0"

// DefaultPrefix is the prefix of the keys in answers unless [Options.Prefix] says otherwise.
const DefaultPrefix = "/apisix"

// MaxBody is how many bytes the body of a request may have: 1.5 MiB, etcd's limit.
const MaxBody = 3 << 19

// Options are what an Admin API needs. Store and Catalog are required.
type Options struct {
	Store        store.Writer
	Catalog      *config.Catalog
	Keys         []Key        // who may use it; at least one unless KeyRequired is false
	KeyRequired  bool         // false: everybody who reaches the listener is an administrator
	Allow        []string     // client addresses and CIDRs, "unix:" for Unix sockets; none: all
	CORS         bool         // let pages of other sites call the API
	ServerHeader string       // default [DefaultServer]
	Prefix       string       // of keys in answers, default [DefaultPrefix]
	Logger       *slog.Logger // default [slog.Default]; one line per change and per refusal
	// Try makes a resource that is about to be written ready for service, without putting it into service; its error refuses the
	// write. Nil tries nothing. The id is empty where it is still to be made.
	Try func(kind, id string, value []byte) error
}

type handler struct {
	store     store.Writer
	catalog   *config.Catalog
	keys      *keyring
	allow     *ipset.Set // nil: all addresses
	allowUnix bool
	cors      bool
	server    string
	prefix    string
	log       *slog.Logger
	try       func(kind, id string, value []byte) error // nil: nothing is tried
	attempts  *limiter
}

// New makes the handler of the Admin API. It is safe for concurrent use. Missing, doubled and well-known keys and bad addresses
// are errors: it is better not to start than to stand open.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.Catalog == nil {
		return nil, errors.New("admin API: Store and Catalog are required")
	}
	keys, err := newKeyring(o.Keys, o.KeyRequired)
	if err != nil {
		return nil, err
	}
	h := &handler{
		store:    o.Store,
		catalog:  o.Catalog,
		keys:     keys,
		cors:     o.CORS,
		server:   orDefault(o.ServerHeader, DefaultServer),
		prefix:   orDefault(o.Prefix, DefaultPrefix),
		log:      o.Logger,
		try:      o.Try,
		attempts: newLimiter(),
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	if err := h.setAllow(o.Allow); err != nil {
		return nil, err
	}
	return h, nil
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Server", h.server)
	header.Set("X-API-VERSION", "v3")
	header.Set("Content-Type", "application/json")
	if h.cors && h.answerCORS(w, r) {
		return
	}
	rep, err := h.serve(r)
	if err != nil {
		rep = replyTo(err)
	}
	h.write(w, r, rep)
}

// serve walks a request through the gates and to its handler.
func (h *handler) serve(r *http.Request) (reply, error) {
	addr := clientAddr(r)
	if err := h.checkOrigin(r, addr); err != nil {
		return reply{}, err
	}
	segs, err := splitPath(r)
	if err != nil {
		return reply{}, err
	}
	if r.Method == http.MethodHead && len(segs) == 0 {
		return reply{status: http.StatusOK}, nil
	}
	if len(segs) == 0 || !knownMethod(r.Method) {
		return reply{}, notFound()
	}
	who, err := h.authenticate(r, addr)
	if err != nil {
		h.auditRefusal(r, addr, who, err)
		return reply{}, err
	}
	q := &request{Request: r, who: who, addr: addr, segs: segs, query: r.URL.Query()}
	return h.dispatch(q)
}

// dispatch finds the handler by the first segments of the path.
func (h *handler) dispatch(q *request) (reply, error) {
	switch {
	case q.Method == http.MethodGet && q.is("plugins", "list"):
		return h.listPlugins(q)
	case q.Method == http.MethodPost && len(q.segs) >= 2 && q.segs[0] == "schema" && q.segs[1] == "validate":
		return h.validate(q)
	case q.segs[0] == "schema", q.segs[0] == "plugins":
		return h.schema(q)
	}
	kind, ok := config.KindOf(q.segs[0])
	if !ok {
		return reply{}, fail(http.StatusNotFound, "Unsupported resource type: "+q.segs[0])
	}
	q.target(kind)
	// Why not ignore them, as APISIX does? A sub resource that is not supported here must not be taken for its owner.
	if len(q.sub) > 0 && q.Method != http.MethodPatch {
		return reply{}, notFound()
	}
	if err := q.read(); err != nil {
		return reply{}, err
	}
	if !kind.Allows(q.Method) {
		return reply{}, fail(http.StatusMethodNotAllowed, "not supported `"+q.Method+"` method for "+kind.Singular)
	}
	switch q.Method {
	case http.MethodPut:
		return h.put(q)
	case http.MethodPost:
		return h.post(q)
	case http.MethodPatch:
		return h.patch(q)
	case http.MethodDelete:
		return h.delete(q)
	}
	return h.get(q)
}

// setAllow compiles the list of client addresses.
func (h *handler) setAllow(list []string) error {
	var nets []string
	for _, entry := range list {
		if entry == "unix:" {
			h.allowUnix = true
			continue
		}
		nets = append(nets, entry)
	}
	if len(list) == 0 {
		h.allowUnix = true
		return nil
	}
	set, err := ipset.Parse(nets)
	if err != nil {
		return errors.Join(errors.New("admin API: allow_admin"), err)
	}
	h.allow = set
	return nil
}

// allowed reports whether a client of that address may use the API. Clients of a Unix socket have no valid address.
func (h *handler) allowed(addr netip.Addr) bool {
	if !addr.IsValid() {
		return h.allowUnix
	}
	return h.allow == nil || h.allow.Contains(addr)
}

func knownMethod(method string) bool {
	switch method {
	case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch:
		return true
	}
	return false
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
