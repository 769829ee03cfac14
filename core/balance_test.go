package core_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/internal/metrics"
)

// nodesAt are the addresses as nodes of equal priority.
func nodesAt(addresses ...string) string {
	var list []string
	for _, a := range addresses {
		host, port, _ := net.SplitHostPort(a)
		list = append(list, fmt.Sprintf(`{"host":%q,"port":%s,"weight":1}`, host, port))
	}
	return `"nodes":[` + strings.Join(list, ",") + `]`
}

// answers counts what n requests are answered with.
func (g *gateway) answers(n int, path string, lines ...string) map[string]int {
	g.t.Helper()
	count := map[string]int{}
	for range n {
		c := dial(g.t, g.addr)
		c.send(request("GET", path, "", append(lines, "Connection: close")...))
		got := c.read("GET")
		count[got.body]++
		_ = c.Close()
	}
	return count
}

func TestHashOn(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	var nodes []string
	for i := range 8 {
		nodes = append(nodes, say(t, fmt.Sprint("node", i)))
	}
	tests := []struct {
		name, properties string
		path             func(i int) string
		lines            func(i int) []string
	}{
		{"a variable", `"key":"arg_user"`, func(i int) string { return fmt.Sprint("/?user=", i) }, nil},
		{"the path", `"key":"uri"`, func(i int) string { return fmt.Sprint("/", i) }, nil},
		{"a header", `"hash_on":"header","key":"X-User-Name"`, nil, func(i int) []string { return []string{fmt.Sprint("x-user-name: ", i)} }},
		{"a cookie", `"hash_on":"cookie","key":"session"`, nil, func(i int) []string { return []string{fmt.Sprint("Cookie: a=b; session=", i)} }},
		{"several variables", `"hash_on":"vars_combinations","key":"$http_a-$arg_b"`, func(i int) string { return fmt.Sprint("/?b=", i/2) },
			func(i int) []string { return []string{fmt.Sprint("A: ", i%2)} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.put("routes/1", `{"uri":"/*","upstream":{"type":"chash",#,#}}`, tt.properties, nodesAt(nodes...))
			ask := func(i int) map[string]int {
				path, lines := "/", []string(nil)
				if tt.path != nil {
					path = tt.path(i)
				}
				if tt.lines != nil {
					lines = tt.lines(i)
				}
				return g.answers(2, path, lines...)
			}
			used := map[string]bool{}
			for i := range 20 {
				got := ask(i)
				if len(got) != 1 {
					t.Errorf("key %d: got %v, want one node", i, got)
				}
				for body := range got {
					used[body] = true
				}
			}
			if len(used) < 4 {
				t.Errorf("got only the nodes %v for 20 keys", used)
			}
			// Without a key it is the client's address.
			if got := g.answers(4, "/other-without-key-"); len(got) != 1 {
				t.Errorf("got %v without a key, want one node", got)
			}
		})
	}
}

// TestLeastConnections has a node that is busy with long requests, across a change of the configuration.
func TestLeastConnections(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	release, arrived := make(chan struct{}), make(chan struct{}, 10)
	busy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/long" {
			arrived <- struct{}{}
			<-release
		}
		_, _ = w.Write([]byte("busy"))
	})
	var once sync.Once
	finish := func() { once.Do(func() { close(release) }) }
	t.Cleanup(finish)
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"least_conn",#}}`, nodesAt(busy))
	var waiting []*client
	for range 3 {
		c := dial(t, g.addr)
		c.send(request("GET", "/long", ""))
		waiting = append(waiting, c)
		await(t, "the long request", signal(arrived))
	}
	free := say(t, "free")
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"least_conn",#}}`, nodesAt(busy, free))
	if got := g.answers(6, "/"); got["free"] != 6 {
		t.Errorf("got %v, want the node without requests", got)
	}
	finish()
	for _, c := range waiting {
		if got := c.read("GET"); got.status != 200 {
			t.Errorf("got %d", got.status)
		}
	}
	eventually(t, "both nodes serve again", func() bool { got := g.answers(4, "/"); return got["busy"] == 2 && got["free"] == 2 })
}

// signal turns a value into the end of a channel.
func signal(c <-chan struct{}) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		<-c
		close(done)
	}()
	return done
}

// TestEachBalancerRetries has a node that refuses connections: no request fails.
func TestEachBalancerRetries(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	for _, kind := range []string{"roundrobin", "chash", "least_conn", "ewma"} {
		g.put("routes/1", `{"uri":"/*","upstream":{"type":"#","key":"arg_x",#}}`, kind, nodesAt(refusing(t), say(t, "fine")))
		for i := range 8 {
			if got := g.get(fmt.Sprint("/?x=", i)); got.body != "fine" {
				t.Errorf("%s: got %d %q, want fine", kind, got.status, got.body)
			}
		}
	}
}

// health is the report as a text.
func (g *gateway) health() string {
	var b strings.Builder
	for _, c := range g.Health() {
		fmt.Fprintf(&b, "%s %s:", c.Key, c.Type)
		for _, n := range c.Nodes {
			fmt.Fprintf(&b, " %s", n.Status)
		}
		b.WriteString(";")
	}
	return b.String()
}

const checkEverySecond = `"checks":{"active":{"healthy":{"interval":1,"successes":1},"unhealthy":{"interval":1,"http_failures":1,"tcp_failures":1}}}`

func TestActiveChecks(t *testing.T) {
	t.Parallel()
	registry := metrics.New(metrics.Options{})
	g := start(t, nil, func(o *core.Options) { o.Metrics = registry })
	var sick atomic.Bool
	node := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if sick.Load() && r.URL.Path == "/" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = w.Write([]byte("first"))
	})
	g.puts(
		"upstreams/1", `{"type":"roundrobin",`+checkEverySecond+`,`+nodesAt(node, say(t, "second"))+`}`,
		"routes/1", `{"uri":"/*","upstream_id":"1"}`)
	if got, want := g.health(), "upstreams/1 http:;"; got != want {
		t.Errorf("got %s before the first request, want %s", got, want)
	}
	if got := g.answers(4, "/x"); got["first"] != 2 || got["second"] != 2 {
		t.Errorf("got %v, want both nodes", got)
	}
	sick.Store(true)
	eventually(t, "the first node is unhealthy", func() bool { return g.health() == "upstreams/1 http: unhealthy healthy;" })
	if got := g.answers(4, "/x"); got["second"] != 4 {
		t.Errorf("got %v, want the healthy node", got)
	}
	var text strings.Builder
	if err := registry.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(node)
	if want := `upstream_status{name="/apisix/upstreams/1",ip="127.0.0.1",port="` + port + `"} 0`; !strings.Contains(text.String(), want) {
		t.Errorf("got %s, want %s in it", &text, want)
	}
	// A change keeps what is known, also before the next request.
	g.put("upstreams/1", `{"type":"roundrobin","retries":5,`+checkEverySecond+`,`+nodesAt(say(t, "third"), node)+`}`)
	eventually(t, "the checks follow the configuration", func() bool { return g.health() == "upstreams/1 http: healthy unhealthy;" })
	if got := g.answers(4, "/x"); got["third"] != 4 {
		t.Errorf("got %v, want the healthy node", got)
	}
	sick.Store(false)
	eventually(t, "the node is healthy again", func() bool { return g.health() == "upstreams/1 http: healthy healthy;" })
	g.remove("routes/1")
	g.remove("upstreams/1")
	if got := g.health(); got != "" {
		t.Errorf("got %s after the end, want nothing", got)
	}
}

func TestPassiveChecks(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	bad := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = w.Write([]byte("bad")) })
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"roundrobin","checks":{"active":{},"passive":{"unhealthy":{"http_failures":2}}},#}}`,
		nodesAt(bad, say(t, "good"), refusing(t)))
	g.answers(12, "/")
	if got, want := g.health(), "routes/1 http: unhealthy healthy unhealthy;"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := g.answers(6, "/"); got["good"] != 6 {
		t.Errorf("got %v, want the good node", got)
	}
}

func TestChecksDisabled(t *testing.T) {
	t.Parallel()
	g := start(t, nil, func(o *core.Options) { o.Settings.APISIX.DisableUpstreamHealthcheck = true })
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"roundrobin",#,#}}`, checkEverySecond, nodesAt(say(t, "fine")))
	if got := g.get("/"); got.body != "fine" || g.health() != "" {
		t.Errorf("got %q and %s, want no checks", got.body, g.health())
	}
}

// TestClientCertByID shows the certificate of an ssl to the nodes.
func TestClientCertByID(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t, "client.test")
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(cert))
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(r.TLS.PeerCertificates[0].DNSNames[0]))
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS12}
	s.Config.ErrorLog = discardLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	g := start(t, nil)
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"roundrobin","scheme":"https","tls":{"client_cert_id":"7"},#}}`,
		nodesAt(s.Listener.Addr().String()))
	if got := g.get("/"); got.status != 502 || !strings.Contains(got.body, "client certificate of the upstream does not exist") {
		t.Errorf("got %d %q without the ssl", got.status, got.body)
	}
	g.put("ssls/7", `{"type":"client","cert":#,"key":#}`, quote(cert), quote(key))
	if got := g.get("/"); got.body != "client.test" {
		t.Errorf("got %d %q, want the certificate to be shown", got.status, got.body)
	}
	g.remove("ssls/7")
	if got := g.get("/"); got.status != 502 {
		t.Errorf("got %d %q after the ssl was removed", got.status, got.body)
	}
}
