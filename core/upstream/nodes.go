package upstream

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/config"
)

// DefaultPort returns the port of nodes that have none, or 0 if the scheme knows no such port.
func DefaultPort(scheme string) int {
	switch scheme {
	case "http", "grpc":
		return 80
	case "https", "grpcs":
		return 443
	}
	return 0
}

// newNodes makes the nodes. Of two with the same address and priority only one stays, with the weight of the last one, as in
// APISIX, where nodes are a table by address.
func newNodes(cfg config.Nodes, scheme string) ([]*Node, error) {
	type identity struct {
		addr     string
		priority int
	}
	nodes := make([]*Node, 0, len(cfg))
	seen := make(map[identity]*Node, len(cfg))
	for i := range cfg {
		n, err := newNode(&cfg[i], scheme)
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", i+1, err)
		}
		id := identity{addr: n.Addr, priority: n.Priority}
		if old := seen[id]; old != nil {
			n.Index = old.Index
			*old = *n
			continue
		}
		n.Index = len(nodes)
		seen[id] = n
		nodes = append(nodes, n)
	}
	return nodes, nil
}

func newNode(cfg *config.Node, scheme string) (*Node, error) {
	n := &Node{Host: cfg.Host, Port: cfg.Port, Weight: cfg.Weight, Priority: cfg.Priority, Metadata: cfg.Metadata}
	if n.Host == "" {
		return nil, errors.New("no host")
	}
	if n.Weight < 0 {
		return nil, fmt.Errorf("%s: weight %d is below 0", n.Host, n.Weight)
	}
	standard := DefaultPort(scheme)
	if n.Port == 0 {
		if standard == 0 {
			return nil, fmt.Errorf("%s: no port, and the scheme %s has no default one", n.Host, scheme)
		}
		n.Port, n.DefaultPort = standard, true
	}
	if n.Port < 1 || n.Port > 65535 {
		return nil, fmt.Errorf("invalid port %d", n.Port)
	}
	if ip, err := netip.ParseAddr(unbracket(n.Host)); err == nil {
		n.IP = ip
		if ip.Is6() && n.Host[0] != '[' {
			n.Host = "[" + n.Host + "]"
		}
	}
	n.Addr = n.Host + ":" + strconv.Itoa(n.Port)
	n.HostHeader = n.Addr
	if n.Port == standard {
		n.HostHeader = n.Host
	}
	return n, nil
}

func unbracket(host string) string {
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			return inner
		}
	}
	return host
}
