// Package balance chooses which node of an upstream gets a request. A balancer is made once per configuration and then shared by
// all requests; what it has to remember about one request is in the request's [Try].
package balance

import (
	"encoding/json"
	"errors"
	"net/netip"

	"github.com/polygate/polygate/core/config"
)

// ErrNoNode says that an upstream has no node, or none that the request has not tried.
var ErrNoNode = errors.New("all upstream servers tried")

// Node is one address of an upstream. It is immutable and shared by all requests.
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
}

// Picker chooses nodes. It is safe for concurrent use.
type Picker interface {
	// Pick returns the node for the request's next try: one that t has not marked. It returns ErrNoNode when there is none. It
	// does not mark the node.
	Pick(t *Try) (*Node, error)
}

// Maker makes the picker of an upstream. The nodes are not to be changed afterwards.
type Maker func(nodes []*Node, cfg *config.Upstream) (Picker, error)

// Makers returns the balancers by the name that an upstream's type gives them.
func Makers() map[string]Maker {
	return map[string]Maker{
		"roundrobin": func(nodes []*Node, _ *config.Upstream) (Picker, error) { return NewRoundRobin(nodes), nil },
	}
}

// Single returns a picker that always chooses n, whatever its weight and also when it was tried before: as in APISIX, an upstream
// of one node needs no balancer and its retries go to that node.
func Single(n *Node) Picker { return single{node: n} }

type single struct{ node *Node }

func (s single) Pick(*Try) (*Node, error) { return s.node, nil }
