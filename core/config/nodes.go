package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// maxWeight keeps sums and products of weights from overflowing.
const maxWeight = 1 << 40

var errWeight = fmt.Errorf("the weight is not a whole number from 0 to %d", int64(maxWeight))

// errBareIPv6 has the text of apisix/upstream.lua.
var errBareIPv6 = errors.New("IPv6 address must be enclosed with '[' and ']'")

// UnmarshalJSON accepts an array of nodes, or an object of weights by "host", "host:port" or "[IPv6]:port"; the nodes of an
// object are put into the order of its keys. An IPv6 address without brackets gets them.
func (n *Nodes) UnmarshalJSON(b []byte) error {
	doc, err := decodeJSON(b)
	if err != nil {
		return err
	}
	if doc == nil {
		return nil
	}
	return n.bind(doc)
}

// nodesOf makes nodes of either form.
func nodesOf(doc any) (Nodes, error) {
	switch doc := doc.(type) {
	case []any:
		return nodesOfArray(doc)
	case map[string]any:
		return nodesOfObject(doc)
	}
	return nil, mismatch("an array or an object", doc)
}

func nodesOfArray(items []any) (Nodes, error) {
	nodes := make(Nodes, len(items))
	for i, item := range items {
		if err := bind((*plainNode)(&nodes[i]), item); err != nil {
			return nil, fmt.Errorf("node %d: %w", i+1, err)
		}
		if w := nodes[i].Weight; w < 0 || w > maxWeight {
			return nil, fmt.Errorf("node %d: %w", i+1, errWeight)
		}
		nodes[i].Host = bracket(nodes[i].Host)
	}
	return nodes, nil
}

// plainNode is a Node without its methods.
type plainNode Node

func nodesOfObject(weights map[string]any) (Nodes, error) {
	addrs := make([]string, 0, len(weights))
	for addr := range weights {
		addrs = append(addrs, addr)
	}
	slices.Sort(addrs)
	nodes := make(Nodes, len(addrs))
	for i, addr := range addrs {
		number, ok := weights[addr].(json.Number)
		weight, isInt := integer(number)
		if !ok || !isInt || weight < 0 || weight > maxWeight {
			return nil, fmt.Errorf("node %s: %w", addr, errWeight)
		}
		host, port, err := splitAddr(addr)
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", addr, err)
		}
		nodes[i] = Node{Host: strings.Clone(bracket(host)), Port: port, Weight: int(weight)}
	}
	return nodes, nil
}

// splitAddr splits "host", "host:port", "[IPv6]", "[IPv6]:port" or a bare IPv6 address; the port is 0 where there is none. The
// text of its error is that of apisix/upstream.lua.
func splitAddr(addr string) (host string, port int, err error) {
	colon := strings.LastIndexByte(addr, ':')
	if colon < 0 || strings.HasSuffix(addr, "]") || isBareIPv6(addr) {
		return addr, 0, nil
	}
	digits := addr[colon+1:]
	port, err = strconv.Atoi(digits)
	if err != nil || port < 1 || port > math.MaxUint16 {
		return "", 0, fmt.Errorf("invalid port %s", digits)
	}
	return addr[:colon], port, nil
}

func bracket(host string) string {
	if isBareIPv6(host) {
		return "[" + host + "]"
	}
	return host
}

func isBareIPv6(host string) bool {
	if strings.Count(host, ":") < 2 {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6()
}
