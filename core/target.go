package core

import (
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/transport"
	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/core/upstream"
)

// target is an upstream with the connections to its nodes.
type target struct {
	*upstream.Upstream
	nodes []*node
	limit transport.Timeouts
	cert  *tls.Certificate // shown to the nodes; nil: none
}

// node is a node of a target. pool is nil where the address or the server name is known only with the request.
type node struct {
	*upstream.Node
	ip   string
	pool *h1.Pool
}

// newTarget makes an upstream ready for requests.
func (g *Gateway) newTarget(cfg *config.Upstream) (*target, error) {
	if cfg == nil {
		return nil, nil
	}
	up, err := upstream.New(cfg)
	if err != nil {
		return nil, fmt.Errorf("upstream: %w", err)
	}
	if cfg.KeepalivePool == nil {
		up.Keepalive = g.keepalive
	}
	t := &target{Upstream: up, limit: transportTimeouts(up.Timeouts)}
	if up.Scheme != "http" && up.Scheme != "https" {
		return nil, fmt.Errorf("upstream: the scheme %s is not served: use http or https", up.Scheme)
	}
	if cfg.TLS != nil && cfg.TLS.ClientCert != "" {
		cert, err := tls.X509KeyPair([]byte(cfg.TLS.ClientCert), []byte(cfg.TLS.ClientKey))
		if err != nil {
			return nil, fmt.Errorf("upstream: tls.client_cert: %w", err)
		}
		t.cert = &cert
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

func (t *target) pick(try *upstream.Try) (*node, error) {
	n, err := t.Picker.Pick(try)
	if err != nil {
		return nil, err
	}
	return t.nodes[n.Index], nil
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
		c.Certificates = []tls.Certificate{*t.cert}
	}
	return c
}

// reapEvery is how often idle connections are looked at.
const reapEvery = time.Second
