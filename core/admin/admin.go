// Package admin is the Admin API: the HTTP interface under /apisix/admin through which routes, services, upstreams and all other
// resources are read and written. It speaks version 3 of APISIX's Admin API, byte for byte where clients look, on top of any
// [store.Writer]. It does not serve the gateway's traffic.
//
// What it refuses that APISIX accepts: the well-known default keys, keys in the query and in cookies unless they are asked for,
// requests that a browser sends for another site, and paths that are not canonical.
package admin

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"

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
	KeyAnywhere  bool         // take the key from ?api_key= and the cookie x_api_key too, as APISIX does
	KeyRequired  bool         // false: everybody who reaches the listener is an administrator
	Allow        []string     // client addresses and CIDRs, "unix:" for Unix sockets; none: all
	CORS         bool         // let pages of other sites call the API
	ServerHeader string       // default [DefaultServer]
	Version      string       // of the answers' shape: v3, which an empty one means, or v2, which APISIX calls default too
	Prefix       string       // of keys in answers, default [DefaultPrefix]
	Logger       *slog.Logger // default [slog.Default]; one line per change and per refusal
	// Try makes a resource that is about to be written ready for service, without putting it into service; its error refuses the
	// write. Nil tries nothing. The id is empty where it is still to be made.
	Try func(kind, id string, value []byte) error

	// StreamMode says that stream routes are served; without it they cannot be configured.
	StreamMode bool
	// Reload reads the settings of the plugins again, for PUT /plugins/reload. Nil: there is nothing to read again.
	Reload func() error
	// Configs serves the whole configuration as one document, /configs, in place of the writing of single resources. Nil: there is
	// no such document. Clients are authenticated before it is called.
	Configs http.Handler
	// Keyring encrypts what is stored encrypted: private keys and, unless PlainFields is set, the secret fields of plugins. Nil: all
	// is stored as it comes.
	Keyring     Keyring
	PlainFields bool
	// Index answers what would otherwise cost a walk over the whole store. Nil: the store is walked.
	Index Index
}

type handler struct {
	store     store.Writer
	catalog   *config.Catalog
	keys      *keyHashes
	anywhere  bool
	allow     *ipset.Set // nil: all addresses
	allowUnix bool
	cors      bool
	server    string
	version   string
	prefix    string
	log       *slog.Logger
	try       func(kind, id string, value []byte) error // nil: nothing is tried
	stream    bool
	reload    func() error // nil: nothing is read again
	configs   http.Handler // nil: there is no such document
	sealer    *sealer
	index     Index // nil: the store is asked
	attempts  *limiter
	written   atomic.Int64 // the highest revision that this handler made
}

// New makes the handler of the Admin API. It is safe for concurrent use. Missing, doubled and well-known keys and bad addresses
// are errors: it is better not to start than to stand open.
func New(o Options) (http.Handler, error) {
	if o.Store == nil || o.Catalog == nil {
		return nil, errors.New("admin API: Store and Catalog are required")
	}
	keys, err := newKeyHashes(o.Keys, o.KeyRequired)
	if err != nil {
		return nil, err
	}
	version, err := versionOf(o.Version)
	if err != nil {
		return nil, err
	}
	h := &handler{
		store:    o.Store,
		catalog:  o.Catalog,
		keys:     keys,
		anywhere: o.KeyAnywhere,
		cors:     o.CORS,
		server:   orDefault(o.ServerHeader, DefaultServer),
		version:  version,
		prefix:   orDefault(o.Prefix, DefaultPrefix),
		log:      o.Logger,
		try:      o.Try,
		stream:   o.StreamMode,
		reload:   o.Reload,
		configs:  o.Configs,
		sealer:   &sealer{keyring: o.Keyring, catalog: o.Catalog, plainFields: o.PlainFields},
		index:    o.Index,
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
	header.Set("Content-Type", "application/json")
	if h.cors && h.answerCORS(w, r) {
		return
	}
	q, err := h.admit(r)
	if err != nil {
		h.write(w, r, replyTo(err))
		return
	}
	if h.configs != nil && q.is("configs") {
		if err := mayUseConfigs(q); err != nil {
			h.auditRefusal(r, q.addr, q.who, err)
			h.write(w, r, replyTo(err))
			return
		}
		h.configs.ServeHTTP(w, r)
		return
	}
	rep, err := h.dispatch(q)
	if err != nil {
		rep = replyTo(err)
	}
	header.Set("X-API-VERSION", h.version)
	h.write(w, r, rep)
}

// admit walks a request through the gates. Where it stops there, the error is its answer.
func (h *handler) admit(r *http.Request) (*request, error) {
	addr := clientAddr(r)
	if err := h.checkOrigin(r, addr); err != nil {
		return nil, err
	}
	segs, err := splitPath(r)
	if err != nil {
		return nil, err
	}
	if r.Method == http.MethodHead && len(segs) == 0 {
		return nil, &failure{reply: reply{status: http.StatusOK}}
	}
	if len(segs) == 0 || !h.knownMethod(r.Method, segs) {
		return nil, notFound()
	}
	query := r.URL.Query()
	who, err := h.authenticate(r, query, addr)
	if err != nil {
		h.auditRefusal(r, addr, who, err)
		return nil, err
	}
	return &request{Request: r, who: who, addr: addr, segs: segs, query: query}, nil
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

func (h *handler) knownMethod(method string, segs []string) bool {
	switch method {
	case http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete, http.MethodPatch:
		return true
	case http.MethodHead:
		return h.configs != nil && len(segs) == 1 && segs[0] == "configs"
	}
	return false
}

func orDefault(s, def string) string {
	if s == "" {
		return def
	}
	return s
}
