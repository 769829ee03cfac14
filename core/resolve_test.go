package core_test

import (
	"net"
	"sync"
	"testing"

	"github.com/polygate/polygate/core"
)

// TestClientGoesWhileANameIsResolved has a name server that does not answer in time. That the client did not wait says nothing about the node.
func TestClientGoesWhileANameIsResolved(t *testing.T) {
	t.Parallel()
	server, asked, release := slowNames(t)
	g := start(t, nil, func(o *core.Options) { o.Settings.APISIX.DNSResolver = []string{server} })
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"roundrobin","nodes":{"slow.test:80":1},#"retries":0}}`,
		`"checks":{"active":{},"passive":{"unhealthy":{"tcp_failures":1}}},`)
	c := dial(t, g.addr)
	c.send(request("GET", "/", ""))
	await(t, "the name server to be asked", asked)
	_ = c.Close()
	eventually(t, "the request is logged", func() bool { return g.access.has("GET / ") })
	release()
	if !g.access.has("GET / 499 ") {
		t.Errorf("got %q, want 499", g.access)
	}
	if h := g.Health(); len(h) != 1 || len(h[0].Nodes) != 1 || h[0].Nodes[0].Status != "healthy" {
		t.Errorf("got %+v, want one healthy node", h)
	}
}

// slowNames starts a name server that knows no name, and says so only after its release. It tells when it was asked first.
func slowNames(t *testing.T) (address string, asked <-chan struct{}, release func()) {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	first, released := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	say, open := sync.OnceFunc(func() { close(first) }), sync.OnceFunc(func() { close(released) })
	wg.Go(func() {
		for {
			query := make([]byte, 512)
			n, from, err := server.ReadFrom(query)
			if err != nil || n < 12 {
				return
			}
			say()
			wg.Go(func() {
				<-released
				query[2], query[3] = query[2]|0x80, 0x83 // a response: there is no such name
				_, _ = server.WriteTo(query[:n], from)
			})
		}
	})
	t.Cleanup(func() {
		open()
		_ = server.Close()
		wg.Wait()
	})
	return server.LocalAddr().String(), first, open
}
