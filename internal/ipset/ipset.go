// Package ipset tells whether an address belongs to a set of addresses and networks, as the allow and deny lists and the
// remote_addrs of configurations name them.
package ipset

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Set is an immutable set of IPv4 and IPv6 addresses. The zero value and a nil *Set are empty. It is safe for concurrent use.
type Set struct {
	v4, v6 []interval // ascending, disjoint
}

// interval is the addresses from first to last, both included.
type interval struct{ first, last netip.Addr }

// Parse makes a set of addresses ("10.0.0.1", "::1", "[::1]") and networks in CIDR notation ("10.0.0.0/8"); bits behind a
// network's prefix are ignored. IPv4 addresses mapped into IPv6 count as IPv4. The error names the first bad entry.
func Parse(entries []string) (*Set, error) {
	s := &Set{}
	for _, entry := range entries {
		p, err := parse(entry)
		if err != nil {
			return nil, err
		}
		r := interval{p.Masked().Addr(), last(p)}
		if p.Addr().Is4() {
			s.v4 = append(s.v4, r)
		} else {
			s.v6 = append(s.v6, r)
		}
	}
	s.v4, s.v6 = merge(s.v4), merge(s.v6)
	return s, nil
}

func parse(entry string) (netip.Prefix, error) {
	text, mask, hasMask := strings.Cut(entry, "/")
	addr, err := ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("invalid ip address: %s", text)
	}
	if !hasMask {
		addr = addr.Unmap()
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	// The length is parsed together with an address so that netip checks both against each other.
	p, err := netip.ParsePrefix(addr.String() + "/" + mask)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("invalid ip address: %s", entry)
	}
	if addr.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(addr.Unmap(), p.Bits()-96), nil
	}
	return p, nil
}

// ParseAddr parses an IPv4 or IPv6 address, the latter with or without brackets. It refuses zones: they mean nothing on
// another machine.
func ParseAddr(text string) (netip.Addr, error) {
	inner := text
	if len(text) > 1 && text[0] == '[' && text[len(text)-1] == ']' {
		inner = text[1 : len(text)-1]
	}
	addr, err := netip.ParseAddr(inner)
	if err != nil || addr.Zone() != "" || (len(inner) < len(text) && addr.Is4()) {
		return netip.Addr{}, fmt.Errorf("invalid ip address: %s", text)
	}
	return addr, nil
}

// last returns the highest address of p.
func last(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(b)*8; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	addr, _ := netip.AddrFromSlice(b)
	return addr
}

// merge sorts rs and joins those that overlap or touch.
func merge(rs []interval) []interval {
	slices.SortFunc(rs, func(a, b interval) int { return a.first.Compare(b.first) })
	var out []interval
	for _, r := range rs {
		if n := len(out); n > 0 {
			top := &out[n-1]
			if r.first.Compare(top.last) <= 0 || r.first == top.last.Next() {
				if r.last.Compare(top.last) > 0 {
					top.last = r.last
				}
				continue
			}
		}
		out = append(out, r)
	}
	return slices.Clip(out)
}

// Contains tells whether addr is in the set. An IPv4 address mapped into IPv6 counts as IPv4; zones are ignored; the zero
// Addr is in no set.
// It does not allocate.
func (s *Set) Contains(addr netip.Addr) bool {
	if s == nil {
		return false
	}
	addr = addr.Unmap()
	rs := s.v4
	if addr.Is6() {
		addr = addr.WithZone("")
		rs = s.v6
	} else if !addr.Is4() {
		return false
	}
	lo, hi := 0, len(rs)
	for lo < hi {
		mid := int(uint(lo+hi) / 2)
		if rs[mid].last.Less(addr) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(rs) && !addr.Less(rs[lo].first)
}

// Empty tells whether no address is in the set.
func (s *Set) Empty() bool { return s == nil || len(s.v4)+len(s.v6) == 0 }
