package ipset

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
)

func TestContains(t *testing.T) {
	tests := []struct {
		name    string
		entries []string
		in      []string
		out     []string
	}{
		{"nothing", nil, nil, []string{"127.0.0.1", "::1"}},
		{"address", []string{"10.0.0.1"}, []string{"10.0.0.1", "::ffff:10.0.0.1"}, []string{"10.0.0.0", "10.0.0.2", "::a00:1"}},
		{"network", []string{"10.1.0.0/16"}, []string{"10.1.0.0", "10.1.255.255"}, []string{"10.0.255.255", "10.2.0.0"}},
		{"network with bits behind its prefix", []string{"10.1.2.3/16"}, []string{"10.1.0.0"}, []string{"10.2.0.0"}},
		{"all of IPv4", []string{"0.0.0.0/0"}, []string{"0.0.0.0", "255.255.255.255", "::ffff:1.2.3.4"}, []string{"::", "::1"}},
		{"all of IPv6", []string{"::/0"}, []string{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}, []string{"1.2.3.4", "::ffff:1.2.3.4"}},
		{"address of IPv6", []string{"fe80::1"}, []string{"fe80::1", "fe80::1%eth0"}, []string{"fe80::2"}},
		{"address in brackets", []string{"[fe80::1]"}, []string{"fe80::1"}, []string{"fe80::2"}},
		{"network of IPv6", []string{"2001:db8::/33"}, []string{"2001:db8:7fff::"}, []string{"2001:db8:8000::", "2001:db7::"}},
		{"mapped address", []string{"::ffff:1.2.3.4"}, []string{"1.2.3.4", "::ffff:1.2.3.4"}, []string{"1.2.3.5"}},
		{"mapped network", []string{"::ffff:1.2.3.0/120"}, []string{"1.2.3.255"}, []string{"1.2.4.0"}},
		{"overlapping", []string{"10.0.0.0/8", "10.1.0.0/16", "10.255.255.255", "11.0.0.0/8", "9.255.255.255"},
			[]string{"9.255.255.255", "10.0.0.0", "10.1.2.3", "11.255.255.255"}, []string{"9.255.255.254", "12.0.0.0"}},
		{"last address", []string{"255.255.255.255", "255.255.255.254", "0.0.0.0"}, []string{"255.255.255.255", "0.0.0.0"}, []string{"255.255.255.253", "0.0.0.1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := Parse(tt.entries)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range tt.in {
				if !s.Contains(netip.MustParseAddr(a)) {
					t.Errorf("Contains(%s): got false, want true", a)
				}
			}
			for _, a := range tt.out {
				if s.Contains(netip.MustParseAddr(a)) {
					t.Errorf("Contains(%s): got true, want false", a)
				}
			}
			if s.Contains(netip.Addr{}) {
				t.Error("Contains of the zero Addr: got true, want false")
			}
			if got, want := s.Empty(), len(tt.entries) == 0; got != want {
				t.Errorf("Empty: got %v, want %v", got, want)
			}
		})
	}
}

func TestNilSet(t *testing.T) {
	var s *Set
	if s.Contains(netip.MustParseAddr("::1")) || !s.Empty() {
		t.Error("a nil set contains something")
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ entry, want string }{
		{"", "invalid ip address: "},
		{"x", "invalid ip address: x"},
		{"x/8", "invalid ip address: x"},
		{"1.2.3", "invalid ip address: 1.2.3"},
		{"01.2.3.4", "invalid ip address: 01.2.3.4"},
		{"[1.2.3.4]", "invalid ip address: [1.2.3.4]"},
		{"fe80::1%eth0", "invalid ip address: fe80::1%eth0"},
		{"1.2.3.4/33", "invalid ip address: 1.2.3.4/33"},
		{"1.2.3.4/", "invalid ip address: 1.2.3.4/"},
		{"1.2.3.4/-1", "invalid ip address: 1.2.3.4/-1"},
		{"1.2.3.4/08", "invalid ip address: 1.2.3.4/08"},
		{"::1/129", "invalid ip address: ::1/129"},
		{"::1/64/64", "invalid ip address: ::1/64/64"},
	}
	for _, tt := range tests {
		t.Run(tt.entry, func(t *testing.T) {
			if _, err := Parse([]string{"127.0.0.1", tt.entry}); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// FuzzContains compares the set with a walk through its prefixes.
func FuzzContains(f *testing.F) {
	f.Add("10.0.0.0/8", "10.128.0.0/9", "11.0.0.0", "10.200.1.1")
	f.Add("::/3", "2001:db8::1", "::ffff:1.2.3.4/97", "1.2.3.4")
	f.Add("0.0.0.0/0", "255.255.255.255", "[::]/128", "::")
	f.Fuzz(func(t *testing.T, a, b, c, ip string) {
		addr, err := ParseAddr(ip)
		if err != nil {
			return
		}
		s, err := Parse([]string{a, b, c})
		if err != nil {
			return
		}
		want := false
		for _, entry := range []string{a, b, c} {
			p, err := parse(entry)
			if err != nil {
				t.Fatalf("parse(%q): %v", entry, err)
			}
			want = want || p.Contains(addr.Unmap())
		}
		if got := s.Contains(addr); got != want {
			t.Errorf("%s in %s, %s, %s: got %v, want %v", ip, a, b, c, got, want)
		}
	})
}

func TestContainsDoesNotAllocate(t *testing.T) {
	s, addr := manyNetworks(t)
	if n := testing.AllocsPerRun(100, func() { s.Contains(addr) }); n != 0 {
		t.Errorf("got %v allocations, want 0", n)
	}
}

func BenchmarkContains(b *testing.B) {
	s, addr := manyNetworks(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Contains(addr)
	}
}

// manyNetworks returns 500 networks and an address in one of them.
func manyNetworks(t testing.TB) (*Set, netip.Addr) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	entries := []string{"192.0.2.0/24"}
	for range 499 {
		entries = append(entries, fmt.Sprintf("%d.%d.%d.0/24", r.IntN(256), r.IntN(256), r.IntN(256)))
	}
	s, err := Parse(entries)
	if err != nil {
		t.Fatal(err)
	}
	return s, netip.MustParseAddr("192.0.2.77")
}
