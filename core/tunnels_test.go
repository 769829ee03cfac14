package core

import (
	"net"
	"testing"
)

// TestTunnelAfterTheEnd has an upgrade that comes through while the gateway ends.
func TestTunnelAfterTheEnd(t *testing.T) {
	var open tunnels
	open.close()
	client, far := net.Pipe()
	node, behind := net.Pipe()
	defer far.Close()
	defer behind.Close()
	open.add(client, node)()
	for name, end := range map[string]net.Conn{"client": far, "upstream": behind} {
		if _, err := end.Write([]byte("x")); err == nil {
			t.Errorf("the connection to the %s is open", name)
		}
	}
}
