package upstream

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
)

// SystemLookup asks the system's resolver, which honours /etc/hosts, and instead of the system's DNS servers those given as
// "address" or "address:port", in turn. Of a name that has IPv4 addresses it returns only these. With only4 it never asks for others.
func SystemLookup(servers []string, only4 bool) LookupFunc {
	res := &net.Resolver{}
	if len(servers) > 0 {
		res.PreferGo = true
		res.Dial = dialServers(servers)
	}
	network := "ip"
	if only4 {
		network = "ip4"
	}
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		addrs, err := res.LookupNetIP(ctx, network, host)
		if err != nil {
			return nil, err
		}
		return preferIPv4(addrs), nil
	}
}

func dialServers(servers []string) func(ctx context.Context, network, address string) (net.Conn, error) {
	addrs := make([]string, len(servers))
	for i, s := range servers {
		addrs[i] = s
		if _, _, err := net.SplitHostPort(s); err != nil {
			addrs[i] = net.JoinHostPort(strings.Trim(s, "[]"), "53")
		}
	}
	var next atomic.Uint32
	var d net.Dialer
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return d.DialContext(ctx, network, addrs[int(next.Add(1)-1)%len(addrs)])
	}
}

// preferIPv4 returns the IPv4 addresses, or all if there are none.
func preferIPv4(addrs []netip.Addr) []netip.Addr {
	v4 := make([]netip.Addr, 0, len(addrs))
	for i, a := range addrs {
		addrs[i] = a.Unmap()
		if addrs[i].Is4() {
			v4 = append(v4, addrs[i])
		}
	}
	if len(v4) > 0 {
		return v4
	}
	return addrs
}
