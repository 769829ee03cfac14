// Package core is the gateway: it walks every request through the phases, calls the plugins of its route in each of them, and brings
// it to an upstream. serve.go is the life of a request; the other files are its steps and what they are made from.
package core

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/secret"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/core/upstream/health"
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
	// Reload reads the settings again, of which those about plugins are put in force. Nil: they cannot be read again.
	Reload func() (*settings.Settings, error)
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
	secrets  *secret.Resolver
	keyring  config.Keyring // nil: nothing is stored encrypted
	builder  *builder
	current  atomic.Pointer[snapshot]
	changing sync.Mutex // held by whoever makes the next snapshot
	progress progress
	synced   chan struct{} // closed when the first configuration is in service
	syncOnce sync.Once

	listening chan struct{} // closed when all sockets are open
	planes    []plane       // set before that

	watch     *h1.Watch
	server    *h1.Server
	pools     pools
	pieces    pieces
	resolver  *upstream.Resolver
	checks    *health.Scheduler
	versions  atomic.Uint64 // of targets with checks
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
	secrets, err := newResolver(o)
	if err != nil {
		return nil, err
	}
	keyring, err := newKeyring(o.Settings)
	if err != nil {
		return nil, err
	}
	catalog, err := config.NewCatalog(o.Plugins, config.CatalogOptions{
		Enabled: o.Settings.Plugins, Strict: strict(o.Settings), Keyring: keyring,
		Secrets: func(reference string) (string, error) { return secrets.Resolve(context.Background(), reference) },
	})
	if err != nil {
		return nil, fmt.Errorf("plugins: %w", err)
	}
	g := &Gateway{opts: o, log: o.Logger, catalog: catalog, secrets: secrets, keyring: keyring, synced: make(chan struct{}), listening: make(chan struct{}), base: context.Background()}
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
	g.checks = g.newChecks()
	g.builder = newBuilder(g, plan.Maker{Catalog: catalog, Attrs: o.Settings.PluginAttr}, secrets)
	g.current.Store(&snapshot{
		router: router.New(mode), global: emptyPlan, consumers: &consumers{}, ssl: &ssl.Table{}, derived: newDerived(emptyPlan),
	})
	if observer, ok := o.Store.(store.Observer); ok {
		observer.ServedBy(g.builder.item)
	}
	return g, g.registerMetrics()
}

// Synced is closed as soon as a configuration of the store is in service.
func (g *Gateway) Synced() <-chan struct{} { return g.synced }

// follow keeps the configuration in step with the store until ctx ends.
func (g *Gateway) follow(ctx context.Context) error {
	err := g.opts.Store.Watch(ctx, func(b store.Batch) {
		g.change(func(before *snapshot) *snapshot { return g.builder.apply(b, before) })
		g.syncOnce.Do(func() { close(g.synced) })
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	return err
}

// followSecrets makes what uses secrets again when they change, until ctx ends.
func (g *Gateway) followSecrets(ctx context.Context) error {
	err := g.secrets.Run(ctx, func(references []string) {
		g.change(func(before *snapshot) *snapshot { return g.builder.refresh(references, before) })
	})
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	return err
}

// reload enables plugins as the settings say now. On an error everything stays as it is.
func (g *Gateway) reload() error {
	if g.opts.Reload == nil {
		return nil
	}
	s, err := g.opts.Reload()
	if err != nil {
		return fmt.Errorf("read the settings again: %w", err)
	}
	g.change(func(before *snapshot) *snapshot { return g.builder.reload(s.Plugins, s.PluginAttr, before) })
	return nil
}

// change puts the next snapshot into service.
func (g *Gateway) change(next func(before *snapshot) *snapshot) {
	g.changing.Lock()
	defer g.changing.Unlock()
	g.current.Store(next(g.current.Load()))
	g.progress.tell()
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
	out := control.Status{
		Ready: ready, Reachable: s.Reachable, Revision: g.current.Load().revision, StoreRevision: s.LastChange, Since: s.Since,
		Applied: s.LastEvent, Err: s.Err, FromCopy: s.FromCopy, CopyTime: s.CopyTime, CopyErr: s.CopyErr,
		Secrets: g.secretManagers(),
	}
	g.builder.report(&out)
	return out
}

func (g *Gateway) secretManagers() []control.SecretManager {
	var out []control.SecretManager
	for _, m := range g.secrets.Status() {
		out = append(out, control.SecretManager{Name: m.Name, OK: m.OK, Err: m.LastError, Cached: m.Cached})
	}
	return out
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
		Requests:       func() float64 { return float64(g.requests.Load()) },
		Connections:    g.connections,
		EtcdReachable:  func() bool { return g.opts.Store.Status().Reachable },
		UpstreamStatus: g.upstreamStatus,
		Config:         g.configMetrics,
		ModifyIndexes:  func(yield func(key string, revision int64)) { yield("x_etcd_index", g.current.Load().revision) },
	})
}

func (g *Gateway) configMetrics() metrics.Config {
	s := g.Status()
	m := metrics.Config{Rejected: len(s.Rejected), Warnings: map[string]int{}, Lag: max(s.StoreRevision-s.Revision, 0), FromCopy: s.FromCopy}
	for _, w := range s.Warnings {
		m.Warnings[w.Plugin]++
	}
	return m
}

func (g *Gateway) connections() metrics.Connections {
	if g.server == nil {
		return metrics.Connections{}
	}
	open, accepted := g.server.Connections()
	return metrics.Connections{Active: int64(open), Accepted: accepted, Handled: accepted}
}
