package core

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/core/upstream"
	"github.com/polygate/polygate/core/upstream/health"
)

// target is an upstream with the connections to its nodes.
type target struct {
	*upstream.Upstream
	nodes []*node
	limit transport.Timeouts
	cert  *clientCert // shown to the nodes; nil: none
	key   hashKey     // where Upstream.NeedsHash
	fault error       // why it cannot be served; nil as a rule

	checker *health.Checker // nil: nodes are not checked
	checks  *health.Spec
	view    atomic.Pointer[health.View] // nil until the first use
}

// node is a node of a target. pool is nil where the address or the server name is known only with the request.
type node struct {
	*upstream.Node
	ip   string
	pool *h1.Pool
}

// newTarget makes an upstream ready for requests. key is that of the resource that has it. What is known of the nodes of the version
// before, which may be nil, is kept.
func (g *Gateway) newTarget(key string, cfg *config.Upstream, certs certLookup, before *target) (*target, error) {
	if cfg == nil {
		return nil, nil
	}
	if before == nil {
		before = &target{}
	}
	up, err := upstream.Renew(cfg, before.Upstream)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	if cfg.KeepalivePool == nil {
		up.Keepalive = g.keepalive
	}
	t := &target{Upstream: up, limit: transportTimeouts(up.Timeouts), key: newHashKey(cfg)}
	if what := unservedUpstream(cfg); what != "" {
		t.fault = unservedFault(what)
		return t, nil
	}
	if err := t.loadCert(cfg.TLS, certs, before.cert); err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	if err := g.watchHealth(key, t, before); err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	for _, n := range up.Nodes {
		bound := &node{Node: n}
		if n.IP.IsValid() {
			bound.ip = n.IP.String()
			if up.Scheme == "http" {
				bound.pool = g.pools.bind(t, poolKey{addr: n.Addr, keep: up.Keepalive})
			}
		}
		t.nodes = append(t.nodes, bound)
	}
	return t, nil
}

// pick chooses the node for the next try. With a balancer that counts, the exchange holds the node until it leaves it.
func (x *exchange) pick(t *target) (n *node, err error) {
	var picked *upstream.Node
	if t.checker == nil {
		picked, err = t.Picker.Pick(&x.try)
	} else {
		picked, err = t.health().Pick(&x.try)
	}
	if err != nil {
		return nil, err
	}
	n = t.nodes[picked.Index]
	if t.Tracker != nil {
		x.held, x.holder = n, t.Tracker
	}
	return n, nil
}

// leave ends the try at the node that is held. took is how long the node needed to answer; it is below 0 if it did not.
func (x *exchange) leave(took time.Duration) {
	if x.held != nil {
		x.holder.Done(x.held.Node, took)
		x.held, x.holder = nil, nil
	}
}

// timeouts are the route's, else the upstream's.
func (t *target) timeouts(r *route) transport.Timeouts {
	if r.timeouts != nil {
		return *r.timeouts
	}
	return t.limit
}

// poolFor returns the connections to a node for this request.
func (g *Gateway) poolFor(x *exchange, t *target, n *node, host string) (transport.Pool, error) {
	x.balancerIP = n.ip
	if n.pool != nil {
		return n.pool, nil
	}
	addr := n.Addr
	if !n.IP.IsValid() {
		ip, err := g.resolver.Lookup(&x.lazy, n.Host)
		if err != nil {
			return nil, err
		}
		x.balancerIP = ip.String()
		addr = net.JoinHostPort(x.balancerIP, strconv.Itoa(n.Port))
	}
	key := poolKey{addr: addr, keep: t.Keepalive}
	if t.Scheme != "https" {
		return g.pools.get(key, nil), nil
	}
	// Connections are shared only by requests with the same name, the same certificate and the same trust.
	key.tls, key.sni, key.cert, key.verify = true, hostName(host), t.cert, t.verifies()
	return g.pools.get(key, t), nil
}

func (t *target) verifies() bool { return t.Config.TLS != nil && t.Config.TLS.Verify }

// tlsConfig is the client's side of TLS towards a node. As in APISIX the node's certificate is not verified unless it is asked for.
func (t *target) tlsConfig(sni string) *tls.Config {
	c := &tls.Config{ServerName: sni, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	c.InsecureSkipVerify = !t.verifies()
	if t.cert != nil {
		c.Certificates = []tls.Certificate{t.cert.pair}
	}
	return c
}

// reapEvery is how often idle connections are looked at.
const reapEvery = time.Second
