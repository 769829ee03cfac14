// Package balance chooses which node of an upstream gets a request. A balancer is made once per configuration and then shared by
// all requests; what it has to remember about one request is in the request's [Try], and what outlives a configuration is in the
// nodes' [Load].
package balance

import (
	"encoding/json"
	"errors"
	"net/netip"
	"time"

	"github.com/polygate/polygate/core/config"
)

// ErrNoNode says that an upstream has no node, or none that the request has not tried.
var ErrNoNode = errors.New("all upstream servers tried")

// Node is one address of an upstream. It is immutable, except for what Load counts, and shared by all requests.
type Node struct {
	Addr        string          // host:port to dial, an IPv6 address in brackets; needs a lookup unless IP is valid
	Host        string          // as configured, an IPv6 address in brackets
	HostHeader  string          // Host, with the port unless it is the default of the upstream's scheme
	IP          netip.Addr      // the address that Host is; not valid if Host is a name
	Port        int             // 1 to 65535
	DefaultPort bool            // the port was not configured but is the default of the upstream's scheme
	Weight      int             // share of requests relative to the other nodes; 0: none
	Priority    int             // nodes of a lower priority serve only when all higher ones were tried
	Index       int             // among the nodes of the upstream, from 0
	Metadata    json.RawMessage // as configured; nil: none
	Load        *Load           // what a Tracker knows of the node; nil where the balancer is none
}

// Picker chooses nodes. It is safe for concurrent use.
type Picker interface {
	// Pick returns the node for the request's next try: one that t has not marked. It returns ErrNoNode when there is none. It
	// does not mark the node.
	Pick(t *Try) (*Node, error)
	// Without returns the picker that never chooses the nodes that down tells of. What is known of the others is kept.
	Without(down func(*Node) bool) Picker
}

// Tracker is a picker that goes by how the nodes do. Every node that it picks is given back with Done.
type Tracker interface {
	Picker
	// Done ends a try at a node. took is how long the node needed for its response; it is below 0 if there was none.
	Done(n *Node, took time.Duration)
}

// Maker makes the picker of an upstream. The nodes are not to be changed afterwards.
type Maker func(nodes []*Node, cfg *config.Upstream) (Picker, error)

// Makers returns the balancers by the name that an upstream's type gives them. The pickers of "least_conn" and "ewma" are
// Trackers and need the nodes' Load; those of "chash" go by the Try's Hash.
func Makers() map[string]Maker {
	return map[string]Maker{
		"roundrobin": func(nodes []*Node, _ *config.Upstream) (Picker, error) { return NewRoundRobin(nodes), nil },
		"chash":      func(nodes []*Node, _ *config.Upstream) (Picker, error) { return NewHashRing(nodes), nil },
		"least_conn": func(nodes []*Node, _ *config.Upstream) (Picker, error) { return NewLeastConn(nodes), nil },
		"ewma":       func(nodes []*Node, _ *config.Upstream) (Picker, error) { return NewEWMA(nodes), nil },
	}
}

// Single returns a picker that always chooses n, whatever its weight and also when it was tried before: as in APISIX, an upstream
// of one node needs no balancer and its retries go to that node.
func Single(n *Node) Picker { return single{node: n} }

type single struct{ node *Node }

func (s single) Pick(*Try) (*Node, error) { return s.node, nil }

func (s single) Without(func(*Node) bool) Picker { return s }
