package core_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come.
const patience = 10 * time.Second

// gateway is one that runs, with its store.
type gateway struct {
	*core.Gateway
	t      testing.TB
	store  *mem.Store
	addr   string // of the plane for requests
	logs   *journal
	access *journal // one line of variables for each request
	stop   func() error
}

// start runs a gateway with the plugins. Its options and settings may be changed before.
func start(t testing.TB, plugins []sdk.Plugin, change ...func(*core.Options)) *gateway {
	t.Helper()
	g := &gateway{t: t, store: mem.New(), logs: &journal{}, access: &journal{}}
	o := core.Options{
		Settings: testSettings(plugins), Plugins: plugins, Store: g.store, Writer: g.store,
		Logger:    slog.New(slog.NewTextHandler(g.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
		AccessLog: g.note, AdminKeys: []core.AdminKey{{Name: "admin", Key: "secret", Role: "admin"}}, Version: "9.9",
	}
	for _, c := range change {
		c(&o)
	}
	var err error
	if g.Gateway, err = core.New(o); err != nil {
		t.Fatalf("make the gateway: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- g.Run(ctx) }()
	var once sync.Once
	var result error
	g.stop = func() error {
		once.Do(func() {
			cancel()
			result = <-done
		})
		return result
	}
	t.Cleanup(func() {
		if err := g.stop(); err != nil {
			t.Errorf("the gateway ended with %v", err)
		}
		if t.Failed() {
			t.Logf("log of the gateway:\n%s", g.logs)
		}
	})
	await(t, "the gateway to listen", g.Listening())
	await(t, "the first configuration", g.Synced())
	g.addr = g.Addresses(core.PlaneHTTP)[0]
	return g
}

func (g *gateway) note(v core.Vars) {
	get := func(name string) string { s, _ := v.Var(name); return s }
	fmt.Fprintf(g.access, "%s %s %s sent=%s up=%s addr=%s\n",
		get("request_method"), get("uri"), get("status"), get("body_bytes_sent"), get("upstream_status"), get("upstream_addr"))
}

// testSettings are the default ones on free ports of the loopback interface.
func testSettings(plugins []sdk.Plugin) *settings.Settings {
	s := settings.Default()
	s.APISIX.NodeListen = []settings.Listener{{IP: "127.0.0.1"}}
	s.APISIX.SSL.Enable = false
	s.APISIX.Control.Port, s.APISIX.Status.Port, s.Deployment.Admin.Listen.Port = 0, 0, 0
	s.Nginx.ShutdownTimeout = 5 * time.Second
	s.Plugins = []string{}
	for _, p := range plugins {
		s.Plugins = append(s.Plugins, p.Info().Name)
	}
	return s
}

func await(t testing.TB, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
	}
}

// eventually polls until ok holds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-ticker.C {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

// put writes a resource and waits until the gateway has seen it. Of the text each # is replaced by the next argument.
func (g *gateway) put(key, value string, args ...any) {
	g.t.Helper()
	for _, a := range args {
		value = strings.Replace(value, "#", fmt.Sprint(a), 1)
	}
	item, err := g.store.Put(context.Background(), key, []byte(value), store.Cond{})
	if err != nil {
		g.t.Fatalf("put %s: %v", key, err)
	}
	g.awaitRevision(item.ModRev)
}

// puts writes resources, given as key and value in turn, and waits once.
func (g *gateway) puts(keysAndValues ...string) {
	g.t.Helper()
	rev := int64(0)
	for i := 0; i < len(keysAndValues); i += 2 {
		item, err := g.store.Put(context.Background(), keysAndValues[i], []byte(keysAndValues[i+1]), store.Cond{})
		if err != nil {
			g.t.Fatalf("put %s: %v", keysAndValues[i], err)
		}
		rev = item.ModRev
	}
	g.awaitRevision(rev)
}

func (g *gateway) remove(keys ...string) {
	g.t.Helper()
	if _, err := g.store.Delete(context.Background(), keys...); err != nil {
		g.t.Fatalf("delete %v: %v", keys, err)
	}
	g.awaitRevision(g.store.Status().Revision)
}

func (g *gateway) awaitRevision(rev int64) {
	g.t.Helper()
	eventually(g.t, fmt.Sprintf("revision %d is in service", rev), func() bool { return g.Status().Revision >= rev })
}

// route puts the route 1 for all paths to the nodes, with plugins as JSON.
func (g *gateway) route(plugins string, nodes ...string) {
	g.t.Helper()
	g.put("routes/1", `{"uri":"/*","plugins":#,"upstream":#}`, orEmptyObject(plugins), upstreamOf(nodes...))
}

func orEmptyObject(s string) string {
	if s == "" {
		return "{}"
	}
	return s
}

// upstreamOf is an upstream whose nodes have the addresses, in this order of preference.
func upstreamOf(nodes ...string) string { return upstreamWith("", nodes...) }

// upstreamWith is one with further properties, each ending in a comma.
func upstreamWith(properties string, nodes ...string) string {
	var list []string
	for i, n := range nodes {
		host, port, _ := net.SplitHostPort(n)
		list = append(list, fmt.Sprintf(`{"host":%q,"port":%s,"weight":1,"priority":%d}`, host, port, -i))
	}
	return `{"type":"roundrobin",` + properties + `"nodes":[` + strings.Join(list, ",") + `]}`
}

// serve starts an ordinary upstream and returns its address.
func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// say is an upstream that answers with a text.
func say(t testing.TB, text string) string {
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
}

// journal is a text that grows. It is safe for concurrent use.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) add(s string) { _, _ = j.Write([]byte(s)) }

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.text.Reset()
}

func (j *journal) has(s string) bool { return strings.Contains(j.String(), s) }

// testPlugin is a plugin that is made by functions.
type testPlugin struct {
	info      sdk.Info
	configure func(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error)
}

func (p testPlugin) Info() sdk.Info { return p.info }

func (p testPlugin) Configure(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	return p.configure(ctx, conf)
}

// native is a plugin with the same hooks whatever its configuration.
func native(name string, priority int, h sdk.Hooks) sdk.Plugin {
	return testPlugin{
		info:      sdk.Info{Name: name, Version: "0.1", Priority: priority},
		configure: func(context.Context, json.RawMessage) (sdk.Hooks, error) { return h, nil },
	}
}

// scribe is a plugin that notes each of its hooks as "name.phase " in j. Its configuration may have a name to be used instead.
func scribe(name string, priority int, j *journal) sdk.Plugin {
	configure := func(_ context.Context, conf json.RawMessage) (sdk.Hooks, error) {
		c := struct{ As string }{As: name}
		if err := json.Unmarshal(conf, &c); err != nil {
			return sdk.Hooks{}, err
		}
		note := func(phase sdk.Phase) func(sdk.Exchange) error {
			return func(sdk.Exchange) error { j.add(c.As + "." + phase.String() + " "); return nil }
		}
		return sdk.Hooks{
			Rewrite: note(sdk.PhaseRewrite), Access: note(sdk.PhaseAccess), BeforeProxy: note(sdk.PhaseBeforeProxy),
			HeaderFilter: note(sdk.PhaseHeaderFilter),
			BodyFilter: func(_ sdk.Exchange, c2 *sdk.Chunk) error {
				if c2.Last {
					j.add(c.As + "." + sdk.PhaseBodyFilter.String() + " ")
				}
				return nil
			},
			Log: func(sdk.Exchange) { j.add(c.As + "." + sdk.PhaseLog.String() + " ") },
		}, nil
	}
	return testPlugin{info: sdk.Info{Name: name, Version: "0.1", Priority: priority}, configure: configure}
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func discardLog() *log.Logger { return log.New(io.Discard, "", 0) }

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// selfSigned makes a certificate for a name, and its key, both as PEM.
func selfSigned(t testing.TB, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}
