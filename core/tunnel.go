package core

import (
	"io"
	"net"
	"sync"
)

// tunnel joins client and upstream after an upgrade, until either of them ends it.
func (x *exchange) tunnel() error {
	x.stream.Waiting(nil)
	x.stream.Respond(&x.resp, true)
	fromClient, client, err := x.stream.Hijack()
	if err != nil {
		return x.toClient(err)
	}
	fromUpstream, node := x.call.Hijack()
	x.call = nil
	defer x.g.tunnels.add(client, node)()
	var wg sync.WaitGroup
	wg.Go(func() { splice(node, client, fromClient) })
	x.tunnelled = splice(client, node, fromUpstream)
	wg.Wait()
	x.bodySent = x.tunnelled
	// Both ends are over; whether their sockets were closed before does not matter.
	_, _ = client.Close(), node.Close()
	return nil
}

// splice copies from one connection to the other and passes the end on.
func splice(to, from net.Conn, ahead []byte) int64 {
	n, err := to.Write(ahead)
	total := int64(n)
	if err == nil {
		var copied int64
		copied, err = io.Copy(to, from)
		total += copied
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok && err == nil && half.CloseWrite() == nil {
		return total
	}
	_ = to.Close()
	_ = from.Close()
	return total
}

// tunnels are the upgraded connections that are open. They end with the gateway.
type tunnels struct {
	mu     sync.Mutex
	open   map[net.Conn]net.Conn // guarded by mu
	closed bool                  // guarded by mu
	wg     sync.WaitGroup
}

func (t *tunnels) add(a, b net.Conn) (remove func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_, _ = a.Close(), b.Close()
		return func() {}
	}
	if t.open == nil {
		t.open = map[net.Conn]net.Conn{}
	}
	t.open[a] = b
	t.wg.Add(1)
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, a)
		t.wg.Done()
	}
}

func (t *tunnels) close() {
	t.mu.Lock()
	t.closed = true
	for a, b := range t.open {
		_, _ = a.Close(), b.Close()
	}
	t.mu.Unlock()
	t.wg.Wait()
}
