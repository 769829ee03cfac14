package core_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/sdk"
)

func TestHostForUpstreams(t *testing.T) {
	t.Parallel()
	g := start(t, []sdk.Plugin{native("sets", 1, sdk.Hooks{BeforeProxy: func(x sdk.Exchange) error {
		before, _ := x.Var("upstream_host")
		x.Request().Header().Set("X-Before", before)
		x.SetVar("upstream_host", "set.test:8080")
		x.SetVar("upstream_uri", "/set?a=%2F")
		return nil
	}})})
	node := serve(t, echo)
	tests := []struct {
		name, properties, plugins, want, before, line string
	}{
		{"by default it is the client's", ``, "{}", "gw.test", "", "GET /p?q"},
		{"pass", `"pass_host":"pass",`, "{}", "gw.test", "", "GET /p?q"},
		{"node", `"pass_host":"node",`, "{}", node, "", "GET /p?q"},
		{"rewrite", `"pass_host":"rewrite","upstream_host":"other.test",`, "{}", "other.test", "", "GET /p?q"},
		{"a plugin sets it", `"pass_host":"node",`, `{"sets":{}}`, "set.test:8080", node, "GET /set?a=%2F"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g.put("routes/1", `{"uri":"/*","plugins":#,"upstream":#}`, tt.plugins, upstreamWith(tt.properties, node))
			got := decodeEcho(t, g.get("/p?q"))
			if got.Host != tt.want || got.Line != tt.line || got.Header.Get("X-Before") != tt.before {
				t.Errorf("got host %q, before %q, line %q, want %q, %q, %q", got.Host, got.Header.Get("X-Before"), got.Line, tt.want, tt.before, tt.line)
			}
		})
	}
}

func TestNamedNode(t *testing.T) {
	t.Parallel()
	g := start(t, nil)
	_, port, _ := net.SplitHostPort(say(t, "hello"))
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"roundrobin","nodes":{"localhost:#":1}}}`, port)
	for range 3 {
		if got := g.get("/"); got.body != "hello" {
			t.Errorf("got %d %q, want hello", got.status, got.body)
		}
	}
	g.put("routes/1", `{"uri":"/*","upstream":{"type":"roundrobin","nodes":{"no-such-host.invalid:80":1}}}`)
	if got := g.get("/"); got.status != 502 && got.status != 503 || !strings.Contains(got.body, "cannot be resolved") {
		t.Errorf("got %d %q, want it said that the name cannot be resolved", got.status, got.body)
	}
}

func TestHTTPSUpstream(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	names := map[string]bool{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret")) }))
	s.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		names[hello.ServerName] = true
		return nil, nil
	}}
	s.Config.ErrorLog = discardLog()
	s.StartTLS()
	t.Cleanup(s.Close)
	g := start(t, nil)
	up := func(properties string) string {
		return upstreamWith(`"scheme":"https",`+properties, s.Listener.Addr().String())
	}
	g.put("routes/1", `{"uri":"/*","upstream":#}`, up(""))
	for range 2 {
		if got := g.get("/"); got.body != "secret" {
			t.Errorf("got %d %q, want secret", got.status, got.body)
		}
	}
	g.put("routes/1", `{"uri":"/*","upstream":#}`, up(`"pass_host":"rewrite","upstream_host":"sni.test",`))
	g.get("/")
	mu.Lock()
	if !names["gw.test"] || !names["sni.test"] {
		t.Errorf("got the server names %v, want that of the Host field", names)
	}
	mu.Unlock()
	// The connections of a route that does not verify must not serve one that does.
	g.put("routes/2", `{"uri":"/verified","upstream":#}`, up(`"tls":{"verify":true},`))
	if got := g.get("/verified"); got.status != 502 || !strings.Contains(got.body, "TLS handshake") {
		t.Errorf("got %d %q, want a failed handshake: the certificate is not signed by anybody known", got.status, got.body)
	}
}

func TestTLSListener(t *testing.T) {
	t.Parallel()
	g := start(t, nil, func(o *core.Options) {
		o.Settings.APISIX.SSL.Enable = true
		o.Settings.APISIX.SSL.Listen = []settings.Listener{{IP: "127.0.0.1"}}
	})
	cert, key := selfSigned(t, "a.test")
	g.puts(
		"ssls/1", `{"snis":["a.test","*.b.test"],"cert":`+quote(cert)+`,"key":`+quote(key)+`}`,
		"routes/1", `{"uri":"/*","upstream":`+upstreamOf(serve(t, echo))+`}`,
	)
	addr := g.Addresses(core.PlaneTLS)[0]
	ask := func(name string) (answer, error) {
		nc, err := tls.Dial("tcp", addr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			return answer{}, err
		}
		defer nc.Close()
		c := &client{Conn: nc, t: t, r: bufio.NewReader(nc)}
		c.send(request("GET", "/", "", "Connection: close"))
		return c.read("GET"), nil
	}
	for _, name := range []string{"a.test", "x.b.test"} {
		got, err := ask(name)
		if err != nil {
			t.Fatalf("handshake for %s: %v", name, err)
		}
		if e := decodeEcho(t, got); e.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("got %v, want X-Forwarded-Proto: https", e.Header)
		}
	}
	if _, err := ask("c.test"); err == nil {
		t.Error("a name without a certificate is served")
	}
	g.remove("ssls/1")
	if _, err := ask("a.test"); err == nil {
		t.Error("a certificate that was removed is served")
	}
}

func TestTLSVersions(t *testing.T) {
	t.Parallel()
	g := start(t, nil, func(o *core.Options) {
		o.Settings.APISIX.SSL.Enable = true
		o.Settings.APISIX.SSL.Listen = []settings.Listener{{IP: "127.0.0.1"}}
		o.Settings.APISIX.SSL.Protocols = []string{"TLSv1.3"}
	})
	cert, key := selfSigned(t, "a.test")
	g.put("ssls/1", `{"sni":"a.test","cert":`+quote(cert)+`,"key":`+quote(key)+`}`)
	for version, want := range map[uint16]bool{tls.VersionTLS12: false, tls.VersionTLS13: true} {
		nc, err := tls.Dial("tcp", g.Addresses(core.PlaneTLS)[0],
			&tls.Config{ServerName: "a.test", InsecureSkipVerify: true, MaxVersion: version})
		if err == nil {
			_ = nc.Close()
		}
		if got := err == nil; got != want {
			t.Errorf("%s: got %v (%v), want %v", tls.VersionName(version), got, err, want)
		}
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := testSettings(nil)
	s.APISIX.NodeListen = append(s.APISIX.NodeListen, settings.Listener{IP: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port})
	g, err := core.New(core.Options{Settings: s, Store: mem.New(), Logger: discard()})
	if err != nil {
		t.Fatal(err)
	}
	err = g.Run(context.Background())
	var taken *core.ListenError
	if !errors.As(err, &taken) || taken.Address != l.Addr().String() || taken.Plane != core.PlaneHTTP {
		t.Fatalf("got %v, want a ListenError for %s", err, l.Addr())
	}
	if text := err.Error(); !strings.Contains(text, "in use") || !strings.Contains(text, "apisix.node_listen") {
		t.Errorf("got %q, want cause and setting", text)
	}
}
