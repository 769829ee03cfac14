// Package upstream is the nodes behind the gateway: an [Upstream] is a config.Upstream made ready for requests, and a [Resolver]
// keeps the addresses of nodes that are given by name.
package upstream

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/upstream/balance"
)

// The words of package balance, which callers need along with an Upstream.
type (
	// Node is one address of an upstream.
	Node = balance.Node
	// Picker chooses the node for a try.
	Picker = balance.Picker
	// Try is what a request remembers about the nodes it tried.
	Try = balance.Try
)

// ErrNoNode says that an upstream has no node, or none that the request has not tried.
var ErrNoNode = balance.ErrNoNode

// PassHost says which Host header an upstream gets.
type PassHost uint8

// The values of pass_host.
const (
	PassClient  PassHost = iota // pass: as the client sent it
	PassNode                    // node: Node.HostHeader
	PassRewrite                 // rewrite: Upstream.UpstreamHost
)

// What is in force where the configuration says nothing.
const (
	defaultTimeout  = 60 * time.Second
	defaultPoolSize = 320
	defaultIdle     = 60 * time.Second
	defaultRequests = 1000
)

// Timeouts are the limits of one try.
type Timeouts struct {
	Connect time.Duration // to connect
	Send    time.Duration // between two writes
	Read    time.Duration // between two reads
}

// Keepalive bounds the idle connections to the nodes of an upstream.
type Keepalive struct {
	Size     int           // idle connections kept
	Idle     time.Duration // how long one is kept; 0: without limit
	Requests int           // served by one connection
}

// Upstream is an upstream as requests use it. It is immutable, except for what Picker remembers, and safe for concurrent use.
type Upstream struct {
	Config       *config.Upstream // what it was made from; not to be changed
	Scheme       string           // http, https, grpc, grpcs, tcp, tls, udp or kafka
	PassHost     PassHost
	UpstreamHost string        // for PassRewrite
	Retries      int           // tries after the first one
	RetryTimeout time.Duration // for all tries together; 0: no limit
	Timeouts     Timeouts
	Keepalive    Keepalive
	Nodes        []*Node // in the configured order
	Picker       Picker
	Tracker      balance.Tracker // Picker, where it is to be told how tries end; else nil
	NeedsHash    bool            // Picker goes by Try.Hash

	loads balance.Loads
}

// New compiles cfg, which is not to be changed afterwards. An upstream without nodes, as those are whose nodes are discovered, is
// valid: its picker returns ErrNoNode.
func New(cfg *config.Upstream) (*Upstream, error) { return Renew(cfg, nil) }

// Renew compiles the next version of an upstream: what the balancer has learned of the nodes of before, which may be nil, is kept as
// long as they stay. Nothing of before is changed.
func Renew(cfg *config.Upstream, before *Upstream) (*Upstream, error) {
	u := &Upstream{
		Config:       cfg,
		Scheme:       cfg.Scheme,
		UpstreamHost: cfg.UpstreamHost,
		RetryTimeout: seconds(cfg.RetryTimeout),
		Timeouts:     NewTimeouts(cfg.Timeout),
		Keepalive:    Keepalive{Size: defaultPoolSize, Idle: defaultIdle, Requests: defaultRequests},
	}
	if u.Scheme == "" {
		u.Scheme = "http"
	}
	if p := cfg.KeepalivePool; p != nil {
		u.Keepalive = Keepalive{Size: p.Size, Idle: seconds(p.IdleTimeout), Requests: p.Requests}
	}
	switch cfg.PassHost {
	case "", "pass":
	case "node":
		u.PassHost = PassNode
	case "rewrite":
		if cfg.UpstreamHost == "" {
			return nil, errors.New("`upstream_host` can't be empty when `pass_host` is `rewrite`")
		}
		u.PassHost = PassRewrite
	default:
		return nil, fmt.Errorf("unknown pass_host %q: use pass, node or rewrite", cfg.PassHost)
	}
	if before != nil && before.Config.Type == cfg.Type {
		u.loads = before.loads
	}
	return u.WithNodes(cfg.Nodes)
}

// WithNodes returns the upstream with other nodes, for example those that discovery found.
func (u *Upstream) WithNodes(nodes config.Nodes) (*Upstream, error) {
	c := *u
	c.Retries = max(len(nodes)-1, 0)
	if r := u.Config.Retries; r != nil && *r >= 0 {
		c.Retries = *r
	}
	var err error
	if c.Nodes, err = newNodes(nodes, u.Scheme); err != nil {
		return nil, err
	}
	kind := u.Config.Type
	if kind == "least_conn" || kind == "ewma" {
		c.loads = u.loads.Next(c.Nodes)
	}
	if c.Picker, err = newPicker(u.Config, c.Nodes); err != nil {
		return nil, err
	}
	c.Tracker, _ = c.Picker.(balance.Tracker)
	_, c.NeedsHash = c.Picker.(*balance.HashRing)
	return &c, nil
}

func newPicker(cfg *config.Upstream, nodes []*Node) (Picker, error) {
	kind := cfg.Type
	if kind == "" {
		kind = "roundrobin"
	}
	makers := balance.Makers()
	mk := makers[kind]
	if mk == nil {
		known := strings.Join(slices.Sorted(maps.Keys(makers)), ", ")
		return nil, fmt.Errorf("invalid balancer type: %s (supported: %s)", kind, known)
	}
	// What least_conn counts at a single node is needed when further ones come.
	if len(nodes) == 1 && kind != "least_conn" {
		return balance.Single(nodes[0]), nil
	}
	p, err := mk(nodes, cfg)
	if err != nil {
		return nil, fmt.Errorf("balancer %s: %w", kind, err)
	}
	return p, nil
}

// NewTimeouts returns the limits that t sets, or 60 seconds each if it is nil. A route's timeout replaces its upstream's.
func NewTimeouts(t *config.Timeout) Timeouts {
	if t == nil {
		return Timeouts{Connect: defaultTimeout, Send: defaultTimeout, Read: defaultTimeout}
	}
	return Timeouts{Connect: seconds(t.Connect), Send: seconds(t.Send), Read: seconds(t.Read)}
}

// seconds converts without overflow.
func seconds(s float64) time.Duration {
	const limit = 100 * 365 * 24 * time.Hour
	if s >= limit.Seconds() {
		return limit
	}
	return time.Duration(s * float64(time.Second))
}
