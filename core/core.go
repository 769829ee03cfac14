// Package core is the gateway: it walks every request through the phases, calls the plugins of its route in each of them, and brings
// it to an upstream. serve.go is the life of a request; the other files are its steps and what they are made from.
package core

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/internal/ipset"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/sdk"
)

// Options are what a gateway is made of. Settings, Plugins, Store and Logger are required.
type Options struct {
	Settings *settings.Settings
	Plugins  []sdk.Plugin
	Store    store.Store
	Writer   store.Writer // of the same store; nil: there is no Admin API
	Logger   *slog.Logger
	Metrics  *metrics.Registry // nil: no metrics are served
	// AccessLog is told of every request after its response; nil: none is. The variables are valid during the call only.
	AccessLog func(vars Vars)
	// AdminKeys may use the Admin API.
	AdminKeys []AdminKey
	Version   string
}

// AdminKey is a key of the Admin API and what it may do: the role admin or viewer.
type AdminKey struct{ Name, Key, Role string }

// Vars are the variables of a request.
type Vars interface {
	Var(name string) (string, bool)
}

// Gateway serves requests by the configuration of its store.
type Gateway struct {
	opts     Options
	log      *slog.Logger
	catalog  *config.Catalog
	builder  *builder
	current  atomic.Pointer[snapshot]
	synced   chan struct{} // closed when the first configuration is in service
	syncOnce sync.Once

	listening chan struct{} // closed when all sockets are open
	planes    []plane       // set before that

	watch     *h1.Watch
	server    *h1.Server
	pools     pools
	pieces    pieces
	resolver  *upstream.Resolver
	exchanges sync.Pool
	tunnels   tunnels
	base      context.Context // of everything that requests start; ends with Run

	limits             transport.Limits
	keepalive          upstream.Keepalive
	trusted            *ipset.Set
	realIPFrom         *ipset.Set
	realIPHeader       string
	realIPRecursive    bool
	serverHeader       string
	showUpstreamStatus bool
	hostname           string

	requests, refused atomic.Int64
}

// New makes a gateway. It opens nothing yet; see Run.
func New(o Options) (*Gateway, error) {
	catalog, err := config.NewCatalog(o.Plugins, config.CatalogOptions{
		Enabled: o.Settings.Plugins, Strict: o.Settings.Deployment.Store() == settings.StoreFile,
	})
	if err != nil {
		return nil, fmt.Errorf("plugins: %w", err)
	}
	g := &Gateway{opts: o, log: o.Logger, catalog: catalog, synced: make(chan struct{}), listening: make(chan struct{}), base: context.Background()}
	if g.hostname, err = os.Hostname(); err != nil {
		g.hostname = "localhost"
	}
	if err := g.unservedSettings(o.Settings); err != nil {
		return nil, err
	}
	if err := g.takeSettings(o.Settings); err != nil {
		return nil, err
	}
	mode, err := router.ParseMode(o.Settings.APISIX.Router.HTTP)
	if err != nil {
		return nil, err
	}
	g.pools.byKey = map[poolKey]*poolEntry{}
	g.builder = newBuilder(g, plan.Maker{Catalog: catalog, Attrs: o.Settings.PluginAttr}, o.Settings.APISIX.SSL.FallbackSNI)
	g.current.Store(&snapshot{
		router: router.New(mode), global: emptyPlan, consumers: newConsumers(0), ssl: &ssl.Table{}, derived: newDerived(emptyPlan),
	})
	return g, g.registerMetrics()
}

func (g *Gateway) takeSettings(s *settings.Settings) (err error) {
	http := &s.Nginx.HTTP
	g.limits = transport.DefaultLimits()
	g.limits.HeadTimeout, g.limits.IdleTimeout = http.ClientHeaderTimeout, http.KeepaliveTimeout
	g.limits.BodyTimeout, g.limits.SendTimeout = http.ClientBodyTimeout, http.SendTimeout
	g.limits.BodyLimit = int64(http.ClientMaxBodySize)
	g.limits.KeepUnderline = http.UnderscoresHeaders
	g.limits.PathRules = transport.PathRules{
		KeepEncodedSlash: s.APISIX.MatchURIEncodedSlash,
		CutParameters:    s.APISIX.NormalizeURILikeServlet,
		CutLastSlash:     s.APISIX.DeleteURITailSlash,
	}
	g.keepalive = upstream.Keepalive{
		Size: http.Upstream.Keepalive, Idle: http.Upstream.KeepaliveTimeout, Requests: http.Upstream.KeepaliveRequests,
	}
	if g.trusted, err = addressSet(s.APISIX.TrustedAddresses); err != nil {
		return fmt.Errorf("apisix.trusted_addresses: %w", err)
	}
	if g.realIPFrom, err = addressSet(http.RealIPFrom); err != nil {
		return fmt.Errorf("nginx_config.http.real_ip_from: %w", err)
	}
	g.realIPHeader, g.realIPRecursive = http.RealIPHeader, http.RealIPRecursive
	g.serverHeader = "polygate"
	if s.APISIX.EnableServerTokens && g.opts.Version != "" {
		g.serverHeader += "/" + g.opts.Version
	}
	g.showUpstreamStatus = s.APISIX.ShowUpstreamStatus
	return nil
}

func addressSet(prefixes []netip.Prefix) (*ipset.Set, error) {
	texts := make([]string, len(prefixes))
	for i, p := range prefixes {
		texts[i] = p.String()
	}
	return ipset.Parse(texts)
}

// Synced is closed as soon as a configuration of the store is in service.
func (g *Gateway) Synced() <-chan struct{} { return g.synced }

// follow keeps the configuration in step with the store until ctx ends.
func (g *Gateway) follow(ctx context.Context) error {
	err := g.opts.Store.Watch(ctx, func(b store.Batch) {
		g.current.Store(g.builder.apply(b, g.current.Load()))
		g.syncOnce.Do(func() { close(g.synced) })
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	return err
}

// Items returns the resources of a kind that are in service.
func (g *Gateway) Items(kind string) []store.Item { return g.builder.Items(kind) }

// Status tells how the configuration follows the store.
func (g *Gateway) Status() control.Status {
	s := g.opts.Store.Status()
	ready := false
	select {
	case <-g.synced:
		ready = true
	default:
	}
	return control.Status{
		Ready: ready, Reachable: s.Reachable, Revision: g.current.Load().revision, Since: s.Since, Err: s.Err, Rejected: g.builder.rejections(),
	}
}

// account counts a request and tells the access log.
func (g *Gateway) account(x *exchange) {
	g.requests.Add(1)
	if g.opts.AccessLog != nil {
		g.opts.AccessLog(x)
	}
}

func (g *Gateway) registerMetrics() error {
	if g.opts.Metrics == nil {
		return nil
	}
	return g.opts.Metrics.AddGateway(metrics.Gateway{
		Hostname: g.hostname, Version: g.opts.Version,
		Requests:      func() float64 { return float64(g.requests.Load()) },
		Connections:   g.connections,
		EtcdReachable: func() bool { return g.opts.Store.Status().Reachable },
		ModifyIndexes: func(yield func(key string, revision int64)) { yield("x_etcd_index", g.current.Load().revision) },
	})
}

func (g *Gateway) connections() metrics.Connections {
	if g.server == nil {
		return metrics.Connections{}
	}
	open, accepted := g.server.Connections()
	return metrics.Connections{Active: int64(open), Accepted: accepted, Handled: accepted}
}
