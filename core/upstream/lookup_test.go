package upstream

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestSystemLookup(t *testing.T) {
	addrs, err := SystemLookup(nil, false)(t.Context(), "localhost")
	if err != nil || len(addrs) == 0 || !addrs[0].IsLoopback() {
		t.Errorf("got %v %v, want a loopback address", addrs, err)
	}
}

// TestSystemLookupServers asks a DNS server of its own, which gives every name the same address.
func TestSystemLookupServers(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		serveDNS(conn)
	}()
	lookup := SystemLookup([]string{conn.LocalAddr().String()}, true)
	addrs, err := lookup(t.Context(), "a.polygate.example.")
	if err != nil || len(addrs) != 1 || addrs[0] != addr1 {
		t.Errorf("got %v %v, want %v", addrs, err, addr1)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

// serveDNS answers each question with addr1 until the connection is closed.
func serveDNS(conn net.PacketConn) {
	buf := make([]byte, 512)
	for {
		n, from, err := conn.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) || n < 12 {
			return
		}
		end := 12
		for end < n && buf[end] != 0 {
			end += int(buf[end]) + 1
		}
		// The header and the question without what follows it, flagged as a response, with one answer: A, IN, 60 s.
		reply := append([]byte{}, buf[:end+5]...)
		reply[2], reply[3] = 0x81, 0x80
		copy(reply[4:], []byte{0, 1, 0, 1, 0, 0, 0, 0})
		reply = append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4)
		reply = append(reply, addr1.AsSlice()...)
		if _, err := conn.WriteTo(reply, from); err != nil {
			return
		}
	}
}

func TestPreferIPv4(t *testing.T) {
	six, mapped := netip.MustParseAddr("fd00::1"), netip.MustParseAddr("::ffff:10.0.0.1")
	if got := preferIPv4([]netip.Addr{six, mapped}); len(got) != 1 || got[0] != addr1 {
		t.Errorf("got %v, want %v", got, addr1)
	}
	if got := preferIPv4([]netip.Addr{six}); len(got) != 1 || got[0] != six {
		t.Errorf("got %v, want %v", got, six)
	}
}
