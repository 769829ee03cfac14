package health

import (
	"crypto/tls"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/polygate/polygate/core/upstream/balance"
)

// Spec is one version of what a Checker checks.
type Spec struct {
	Checks *Checks
	Nodes  []*balance.Node
	Picker balance.Picker // over all Nodes
	// Host is the Host field and server name of HTTP checks; "": a node's own name, else checks.active.host, else its address.
	Host        string
	Certificate *tls.Certificate // shown to nodes by https checks; nil: none
	Version     uint64           // greater than those of earlier versions
}

// Checker is the health of the nodes of one resource. Nodes that stay when the configuration changes keep their health. Nothing is checked
// before the first Bind and after Stop. It is safe for concurrent use.
type Checker struct {
	key     string
	sched   *Scheduler
	flips   atomic.Uint64 // how often a node has begun or ceased to serve
	current atomic.Pointer[Spec]

	mu      sync.Mutex
	nodes   []*node            // in the order of the current version; guarded by mu
	byID    map[identity]*node // the same; guarded by mu
	stopped bool               // guarded by mu

	// Guarded by Scheduler.mu.
	running int     // checks under way
	waiting []*node // whose checks wait for one of these to end
	ready   bool    // in the scheduler's line
}

// NewChecker returns the checker of the resource with the key, for example "upstreams/1".
func (s *Scheduler) NewChecker(key string) *Checker {
	return &Checker{key: key, sched: s, byID: map[identity]*node{}}
}

// Key returns the key of the resource.
func (c *Checker) Key() string { return c.key }

// Bind returns the view of a version, and makes it the one that is checked unless there is a later one already. With a version that
// was bound before it gives another view of the same health.
func (c *Checker) Bind(spec *Spec) *View {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := &View{checker: c, spec: spec, nodes: make([]*node, len(spec.Nodes))}
	newest := c.current.Load() == nil || c.current.Load().Version < spec.Version
	known := c.byID
	if newest {
		known = make(map[identity]*node, len(spec.Nodes))
	}
	var list []*node
	for i, n := range spec.Nodes {
		id := identify(spec.Checks, n)
		made := known[id]
		if made == nil {
			made = c.byID[id]
			if made == nil {
				// Until the scheduler has it, it is not checked: of a version that is not the latest it never is.
				made = &node{identity: id, checker: c, at: -1, gone: true}
			}
			if newest {
				known[id] = made
				list = append(list, made)
				field := hostField(spec, n, id)
				made.field.Store(&field)
			}
		}
		v.nodes[i] = made
	}
	if newest && !c.stopped {
		before := c.nodes
		c.nodes, c.byID = list, known
		c.current.Store(spec)
		c.sched.reschedule(c, before, list)
	}
	return v
}

func identify(checks *Checks, n *balance.Node) identity {
	id := identity{host: n.Host, port: n.Port, name: n.Host}
	if checks.active.port > 0 {
		id.port = checks.active.port
	}
	if checks.active.host != "" {
		id.name = checks.active.host
	}
	return id
}

// hostField is the Host field of a check: a check has no client, so it goes by the node's own name.
func hostField(spec *Spec, n *balance.Node, id identity) string {
	switch {
	case spec.Host != "":
		return spec.Host
	case !n.IP.IsValid():
		return n.Host
	}
	return id.name
}

// Stop ends all checks. It does not wait for those that are under way.
func (c *Checker) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return
	}
	c.stopped = true
	c.sched.drop(c, c.nodes)
}

// report counts an event and tells what came of it.
func (c *Checker) report(n *node, e event, limit int, by string) {
	if !n.count(e, limit) {
		return
	}
	c.flips.Add(1)
	c.sched.advance(n)
	status := n.load()
	level := slog.LevelInfo
	if !status.Serves() {
		level = slog.LevelWarn
	}
	c.sched.o.Logger.Log(c.sched.ctx, level, "node is "+status.String(),
		"resource", c.key, "node", n.host, "port", n.port, "cause", e.String(), "count", limit, "found", by)
}

// Report is the health of a checker's nodes.
type Report struct {
	Key   string // of the resource
	Nodes []NodeReport
}

// NodeReport is the health of one address.
type NodeReport struct {
	Hostname                                         string
	IP                                               string // the address that was found last where the node is a name
	Port                                             int
	Status                                           Status
	Success, HTTPFailure, TCPFailure, TimeoutFailure int // counted since the status last changed
}

// Report returns the health of the nodes of the latest version that was bound, in their order; before the first Bind there are none.
func (c *Checker) Report() Report {
	c.mu.Lock()
	nodes := c.nodes
	c.mu.Unlock()
	out := Report{Key: c.key, Nodes: make([]NodeReport, len(nodes))}
	for i, n := range nodes {
		status, count := n.snapshot()
		out.Nodes[i] = NodeReport{
			Hostname: n.name, IP: n.address(), Port: n.port, Status: status,
			Success: count[success], HTTPFailure: count[httpFailure], TCPFailure: count[tcpFailure], TimeoutFailure: count[timeoutFailure],
		}
	}
	return out
}
