package core

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/ssl"
	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/core/upstream"
)

// ListenError says that an address cannot be listened on.
type ListenError struct {
	Plane   Plane // what was to be served there
	Address string
	Err     error
}

// Error names the address, the cause and the setting to change.
func (e *ListenError) Error() string {
	return fmt.Sprintf("listen on %s for %s: %v", e.Address, e.Plane, e.Err)
}

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Err }

// plane is one listening socket and what serves it.
type plane struct {
	kind     Plane
	listener net.Listener
	tls      *tls.Config // nil: plain, or the server's own concern
	serve    func(net.Listener) error
	stop     func(context.Context) error
}

// Run listens and serves until ctx ends; then it lets requests finish, for at most the configured time. It returns nil after an orderly
// end, and a *ListenError or a *StoreError if it could not begin.
func (g *Gateway) Run(ctx context.Context) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	g.base = base
	g.watch = h1.NewWatch()
	defer g.watch.Close()
	g.pools.watch = g.watch
	g.resolver = upstream.NewResolver(g.resolverOptions())
	defer g.resolver.Close()
	defer g.checks.Close()
	g.server = h1.NewServer(h1.Options{Handler: g, Limits: g.limits, Watch: g.watch, Logger: g.log})
	planes, err := g.open()
	if err != nil {
		return err
	}
	g.planes = planes
	close(g.listening)
	return g.serve(ctx, planes)
}

// Listening is closed when Run has opened all its sockets.
func (g *Gateway) Listening() <-chan struct{} { return g.listening }

// Addresses returns the addresses that are listened on for a plane. It may be called once Listening is closed.
func (g *Gateway) Addresses(p Plane) []string {
	var list []string
	for i := range g.planes {
		if g.planes[i].kind == p {
			list = append(list, g.planes[i].listener.Addr().String())
		}
	}
	return list
}

// Plane is what a listening socket is for.
type Plane string

// The planes.
const (
	PlaneHTTP    Plane = "requests (apisix.node_listen)"
	PlaneTLS     Plane = "requests over TLS (apisix.ssl.listen)"
	PlaneAdmin   Plane = "the Admin API (deployment.admin.admin_listen)"
	PlaneControl Plane = "the Control API (apisix.control)"
	PlaneStatus  Plane = "the Status API (apisix.status)"
	PlaneMetrics Plane = "metrics (plugin_attr.prometheus.export_addr)"
)

func (g *Gateway) resolverOptions() upstream.ResolverOptions {
	a := &g.opts.Settings.APISIX
	return upstream.ResolverOptions{
		Lookup: upstream.SystemLookup(a.DNSResolver, !a.EnableIPv6), Valid: a.DNSResolverValid, Wait: a.ResolverTimeout,
	}
}

// open opens every listening socket, or none.
func (g *Gateway) open() (planes []plane, err error) {
	defer func() {
		if err != nil {
			for _, p := range planes {
				_ = p.listener.Close()
			}
		}
	}()
	add := func(p plane, address string) {
		if err != nil {
			return
		}
		if p.listener, err = net.Listen("tcp", address); err != nil {
			err = &ListenError{Plane: p.kind, Address: address, Err: cause(err)}
			return
		}
		if p.tls != nil {
			p.listener = tls.NewListener(p.listener, p.tls)
		}
		planes = append(planes, p)
	}
	s := g.opts.Settings
	for _, l := range s.APISIX.NodeListen {
		add(plane{kind: PlaneHTTP, serve: func(l net.Listener) error { return g.server.Serve(l, nil) }}, l.String())
	}
	if s.APISIX.SSL.Enable {
		config, err := g.tlsConfig(&s.APISIX.SSL)
		if err != nil {
			return planes, err
		}
		for _, l := range s.APISIX.SSL.Listen {
			serve := func(l net.Listener) error { return g.server.Serve(l, config) }
			add(plane{kind: PlaneTLS, serve: serve}, l.String())
		}
	}
	if err == nil {
		err = g.openAside(add)
	}
	return planes, err
}

// cause takes the address off the error of net.Listen, which ListenError says itself.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// serve runs everything until ctx ends or a part fails.
func (g *Gateway) serve(ctx context.Context, planes []plane) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	work := func(what string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil && !errors.Is(err, http.ErrServerClosed) {
				cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	work("configuration", func() error { return g.follow(ctx) })
	work("configuration", func() error { return g.awaitConfiguration(ctx) })
	work("secrets", func() error { return g.followSecrets(ctx) })
	work("connections", func() error { g.tend(ctx); return nil })
	for _, p := range planes {
		g.log.Info("listening", "address", p.listener.Addr().String(), "for", p.kind)
		work(string(p.kind), func() error { return g.servePlane(ctx, p) })
	}
	<-ctx.Done()
	g.stop(planes)
	wg.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// servePlane serves a plane. Requests of clients wait in the socket until there is a configuration: without one every route would be
// missing.
func (g *Gateway) servePlane(ctx context.Context, p plane) error {
	if p.kind == PlaneHTTP || p.kind == PlaneTLS {
		select {
		case <-g.synced:
		case <-ctx.Done():
			return nil
		}
	}
	return p.serve(p.listener)
}

// awaitConfiguration returns a *StoreError if no configuration comes in time. Where a program is to send it, it may come at any time.
func (g *Gateway) awaitConfiguration(ctx context.Context) error {
	if g.opts.Settings.Deployment.Store() == settings.StoreMemory {
		return nil
	}
	limit := g.opts.Settings.Deployment.Etcd.Timeout
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-g.synced:
		return nil
	case <-ctx.Done():
		return nil
	case <-timer.C:
		return &StoreError{After: limit, Err: g.opts.Store.Status().Err}
	}
}

// StoreError says that there was nothing to serve by.
type StoreError struct {
	After time.Duration
	Err   error // why the store is not reachable, nil where that is not known
}

// Error tells how long was waited, and for what.
func (e *StoreError) Error() string {
	text := fmt.Sprintf("the store gave no configuration within %v (deployment.etcd.timeout)", e.After)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *StoreError) Unwrap() error { return e.Err }

// stop ends the planes: no new connections, and what is under way may finish.
func (g *Gateway) stop(planes []plane) {
	ctx, cancel := context.WithTimeout(context.Background(), g.opts.Settings.Nginx.ShutdownTimeout)
	defer cancel()
	if err := g.server.Shutdown(ctx); err != nil {
		g.log.Warn("requests were cut at the end of worker_shutdown_timeout", "error", err)
	}
	for _, p := range planes {
		if p.stop != nil {
			_ = p.stop(ctx)
		}
		_ = p.listener.Close()
	}
	g.tunnels.close()
	g.pools.close()
}

// tend closes idle connections to upstreams that are over their time.
func (g *Gateway) tend(ctx context.Context) {
	ticker := time.NewTicker(reapEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			g.pools.reap()
		}
	}
}

// tlsConfig serves the certificates of the snapshot in force at each handshake.
func (g *Gateway) tlsConfig(s *settings.SSL) (*tls.Config, error) {
	lowest, highest, err := ssl.Versions(s.Protocols)
	if err != nil {
		return nil, fmt.Errorf("apisix.ssl: %w", err)
	}
	//nolint:gosec // G402: the operator names the versions; from 1.2 on by default
	base := &tls.Config{MinVersion: lowest, MaxVersion: highest, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: !s.SessionTickets}
	config := base.Clone()
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		return g.current.Load().ssl.Config(base, hello)
	}
	return config, nil
}
