package core

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	randv2 "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/control"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/core/router"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/mem"
	"github.com/polygate/polygate/core/transport/h1"
	"github.com/polygate/polygate/sdk"
)

// modelPlugin is a plugin that refuses the configuration {"as":"bad"}, metadata that is not {"v":<text>}, and any configuration under the
// metadata {"v":"bad"}.
type modelPlugin struct{ info sdk.Info }

func (p modelPlugin) Info() sdk.Info { return p.info }

func (p modelPlugin) Configure(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	if strings.Contains(string(conf), `"bad"`) || strings.Contains(string(sdk.ScopeOf(ctx).Metadata), `"bad"`) {
		return sdk.Hooks{}, fmt.Errorf("not with %s", conf)
	}
	return sdk.Hooks{Access: func(sdk.Exchange) error { return nil }}, nil
}

func modelPlugins() []sdk.Plugin {
	metadata := json.RawMessage(`{"type":"object","properties":{"v":{"type":"string"}}}`)
	var all []sdk.Plugin
	for i, name := range []string{"a", "b", "c"} {
		all = append(all, modelPlugin{sdk.Info{Name: name, Priority: 10 - i, MetadataSchema: metadata, PreferRoute: name == "c"}})
	}
	return append(all, modelPlugin{sdk.Info{
		Name: "keyed", Priority: 100, Auth: true, CredentialField: "key",
		ConsumerSchema: json.RawMessage(`{"type":"object","properties":{"key":{"type":"string"}},"required":["key"]}`),
	}})
}

// modelGateway is one that does not run: batches are put into service directly.
func modelGateway(t testing.TB, change ...func(*Options)) *Gateway {
	t.Helper()
	o := Options{Settings: settings.Default(), Plugins: modelPlugins(), Store: mem.New(), Logger: slog.New(slog.DiscardHandler)}
	o.Settings.Plugins = nil
	for _, c := range change {
		c(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	g.watch = h1.NewWatch()
	g.pools.watch = g.watch
	t.Cleanup(func() {
		g.checks.Close()
		g.watch.Close()
	})
	return g
}

func (g *Gateway) takeOver(b store.Batch) {
	b.Changes = slices.Clone(b.Changes)
	g.change(func(before *snapshot) *snapshot { return g.builder.apply(b, before) })
}

// universe has for every key the values that it may have.
func universe(vault string, pairs [2][2]string) map[string][]string {
	up := func(port int, more string) string {
		return fmt.Sprintf(`{"type":"roundrobin","nodes":{"127.0.0.1:%d":1}%s}`, port, more)
	}
	certified := `,"scheme":"https","tls":{"client_cert_id":"c"}`
	checked := `,"checks":{"active":{"healthy":{"interval":1},"unhealthy":{"interval":1}}}`
	client := func(i int) string {
		b, _ := json.Marshal(map[string]any{"type": "client", "cert": pairs[i][0], "key": pairs[i][1]})
		return string(b)
	}
	server, _ := json.Marshal(map[string]any{"sni": "x.com", "cert": pairs[0][0], "key": pairs[0][1]})
	secretKey, _ := json.Marshal(map[string]any{"type": "client", "cert": pairs[0][0], "key": "$secret://vault/1/jack/pem"})
	routes := func(id string) []string {
		head := fmt.Sprintf(`{"uri":"/%s"`, id)
		return []string{
			head + `,"service_id":"s"}`, head + `,"service_id":"s","plugin_config_id":"p","plugins":{"a":{"as":"route"},"c":{}}}`,
			head + `,"upstream_id":"u","plugins":{"gone":{},"b":{"as":"$secret://vault/1/jack/name"}}}`,
			head + `,"upstream":` + up(1, certified) + `,"plugins":{"keyed":{}}}`, head + `,"service_id":"t","status":0}`,
			head + `,"upstream_id":"u","service_id":"t","plugins":{"a":{"_meta":{"disable":true}}}}`,
			head + `,"plugins":{"a":{"as":"bad"}}}`, `{"uri":7}`, `not json`, head + `,"upstream_id":"none"}`,
			head + `,"upstream":` + up(1, checked) + `,"vars":[["arg_x","==","1"]],"hosts":["x.com"]}`,
		}
	}
	service := []string{
		`{"upstream_id":"u","plugins":{"a":{"as":"service"}}}`, `{"upstream":` + up(2, certified) + `,"hosts":["y.com"]}`,
		`{"plugins":{"b":{"as":"bad"}}}`, `{"plugins":{"b":{},"gone":{}},"upstream_id":"v"}`, `{"upstream":7}`,
	}
	upstreams := []string{up(3, ""), up(4, certified), up(5, checked), `{"type":"nope","nodes":{}}`, `{"type":"chash","nodes":{"127.0.0.1:6":1}}`,
		`{"type":"roundrobin","service_name":"x","discovery_type":"dns"}`}
	return map[string][]string{
		"routes/1": routes("1"), "routes/2": routes("2"), "routes/3": routes("3"),
		"services/s": service, "services/t": service, "upstreams/u": upstreams, "upstreams/v": upstreams,
		"plugin_configs/p": {`{"id":"p","plugins":{"b":{"as":"p"},"c":{"as":"p"}}}`, `{"id":"p","plugins":{"b":{"as":"bad"}}}`, `{"id":"p","plugins":{}}`},
		"consumers/jack": {
			`{"username":"jack","plugins":{"keyed":{"key":"k1"}}}`, `{"username":"jack","group_id":"g","plugins":{"keyed":{"key":"$secret://vault/1/jack/key"},"a":{}}}`,
			`{"username":"jill"}`, `{"username":"jack","plugins":{"a":{"as":"bad"}}}`,
		},
		"consumers/jill":               {`{"username":"jill","plugins":{"keyed":{"key":"k1"},"b":{}}}`, `{"username":"jill","group_id":"none"}`, `{"username":"jill","plugins":{"keyed":{}}}`},
		"consumers/jack/credentials/x": {`{"plugins":{"keyed":{"key":"k1"}}}`, `{"plugins":{"keyed":{"key":"k2"}}}`, `{"plugins":{"a":{}}}`},
		"consumers/jill/credentials/y": {`{"plugins":{"keyed":{"key":"k2"}}}`, `{"plugins":{"keyed":{"key":"$secret://vault/1/jack/key"}}}`},
		"consumer_groups/g":            {`{"id":"g","plugins":{"a":{"as":"group"},"c":{}}}`, `{"id":"g","plugins":{"a":{"as":"bad"}}}`, `{"id":"g","plugins":{"b":{"_meta":{"disable":true}}}}`},
		"global_rules/1":               {`{"id":"1","plugins":{"c":{"as":"one"}}}`, `{"id":"1","plugins":{"a":{"as":"bad"}}}`, `{"id":"1","plugins":{"a":{},"b":{}}}`},
		"global_rules/2":               {`{"id":"2","plugins":{"c":{"as":"two"}}}`, `{"id":"2","plugins":{"gone":{}}}`},
		"ssls/c":                       {client(0), client(1), string(server), string(secretKey), `{"type":"client","cert":"x","key":"y"}`},
		"plugin_metadata/a":            {`{"v":"1"}`, `{"v":"2"}`, `{"v":7}`, `{"v":"bad"}`},
		"plugin_metadata/b":            {`{"v":"1"}`, `{"v":7}`},
		"plugins":                      {`[{"name":"a"},{"name":"keyed"},{"name":"b"}]`, `[{"name":"c"}]`, `7`},
		"secrets/vault/1":              {`{"uri":"` + vault + `","prefix":"kv","token":"root"}`, `{"uri":"` + vault + `","prefix":"kv","token":"wrong"}`, `{"uri":7}`},
		"colours/1":                    {`{}`},
	}
}

// TestModel compares a gateway that followed random changes with one that starts with what these left: the versions in service first, and
// then those of the store that are not fit for it. Steps after which something in service could not be made again are passed over.
func TestModel(t *testing.T) {
	pairs := [2][2]string{}
	for i := range pairs {
		pairs[i][0], pairs[i][1] = modelPair(t, int64(i))
	}
	vault := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Token") != "root" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"key": "k3", "name": "secret", "pem": pairs[0][1]}})
	}))
	t.Cleanup(vault.Close)
	all := universe(vault.URL, pairs)
	compared := 0
	for seed := range uint64(40) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			m := &model{random: randv2.New(randv2.NewPCG(seed, 1)), values: all, items: map[string]store.Item{}, t: t}
			m.keys = slices.Sorted(maps.Keys(all))
			g := modelGateway(t)
			for range 30 {
				g.takeOver(m.batch())
				if m.compare(g) {
					compared++
				}
				if t.Failed() {
					t.Logf("the last changes: %s", strings.Join(m.trace[max(0, len(m.trace)-12):], "\n"))
					return
				}
			}
		})
	}
	if compared < 400 {
		t.Errorf("only %d of 1200 steps could be compared", compared)
	}
}

// model is a store.
type model struct {
	t      *testing.T
	random *randv2.Rand
	values map[string][]string
	keys   []string
	items  map[string]store.Item
	rev    int64
	trace  []string
}

// batch changes a few keys, and delivers only these or all there is.
func (m *model) batch() store.Batch {
	changed := map[string]store.Change{}
	for range 1 + m.random.IntN(5) {
		key := m.keys[m.random.IntN(len(m.keys))]
		before, there := m.items[key]
		m.rev++
		if there && m.random.IntN(3) == 0 {
			delete(m.items, key)
			changed[key] = store.Change{Item: store.Item{Key: key, ModRev: m.rev}, Deleted: true}
			m.trace = append(m.trace, "delete "+key)
			continue
		}
		item := store.Item{Key: key, Value: []byte(m.values[key][m.random.IntN(len(m.values[key]))]), CreateRev: m.rev, ModRev: m.rev}
		if there {
			item.CreateRev = before.CreateRev
		}
		m.items[key], changed[key] = item, store.Change{Item: item}
		m.trace = append(m.trace, fmt.Sprintf("%d: %s %.120s", m.rev, key, item.Value))
	}
	if m.random.IntN(6) == 0 {
		m.trace = append(m.trace, "full batch")
		return m.full(m.items)
	}
	b := store.Batch{Revision: m.rev, Changes: slices.Collect(maps.Values(changed))}
	m.random.Shuffle(len(b.Changes), func(i, j int) { b.Changes[i], b.Changes[j] = b.Changes[j], b.Changes[i] })
	return b
}

func (m *model) full(items map[string]store.Item) store.Batch {
	b := store.Batch{Revision: m.rev, Full: true}
	for _, key := range slices.Sorted(maps.Keys(items)) {
		b.Changes = append(b.Changes, store.Change{Item: items[key]})
	}
	return b
}

// compare tells whether a fresh gateway could be made to compare g with.
func (m *model) compare(g *Gateway) bool {
	m.t.Helper()
	good, rest := map[string]store.Item{}, store.Batch{Revision: m.rev}
	for key, item := range m.items {
		served, ok := g.builder.item(key)
		if ok {
			good[key] = served
		}
		if !ok || served.ModRev != item.ModRev {
			rest.Changes = append(rest.Changes, store.Change{Item: item})
		}
	}
	fresh := modelGateway(m.t)
	fresh.takeOver(m.full(good))
	if len(fresh.builder.rejected) > 0 {
		return false
	}
	fresh.takeOver(rest)
	got, want := describe(g, m.keys), describe(fresh, m.keys)
	if diff := gocmp.Diff(want, got); diff != "" {
		m.t.Errorf("after changes other than after a start (-start +changes):\n%s", diff)
	}
	return true
}

// description is what a gateway has in service.
type description struct {
	Routes, Consumers, Credentials map[string]string
	Global                         string
	TLS                            int
	Items                          map[string]int64
	Status                         control.Status
	Users                          map[string][]string
	Claims                         map[string]string
}

func describe(g *Gateway, keys []string) description {
	b, s := g.builder, g.current.Load()
	d := description{
		Routes: map[string]string{}, Consumers: map[string]string{}, Credentials: map[string]string{}, Items: map[string]int64{},
		Users: map[string][]string{}, Claims: map[string]string{}, Global: planText(s.global),
	}
	for _, key := range keys {
		if item, ok := b.item(key); ok {
			d.Items[key] = item.ModRev
		}
	}
	for _, id := range []string{"1", "2", "3"} {
		for _, host := range []string{"x.com", "y.com"} {
			var m router.Match
			if s.router.Match(&router.Query{Method: "GET", Host: host, HostPort: host, Path: "/" + id, Vars: fixedVars{}}, &m) {
				r := m.Route.Value.(*route)
				d.Routes[id+" "+host] = fmt.Sprintf("%s | %s | %s | fault %v", planText(r.plan), targetText(r.upstream), planText(s.globalFor(r)), r.fault)
			}
		}
	}
	for _, name := range []string{"jack", "jill"} {
		if c, ok := s.consumers.byName(name); ok {
			set, err := s.consumers.plugins(c)
			d.Consumers[name] = fmt.Sprintf("%s %s fault %v", c.GroupID, planText(plan.Merge(set)), err)
		}
	}
	for _, key := range []string{"k1", "k2", "k3", "$secret://vault/1/jack/key"} {
		if c, ok := s.consumers.find("keyed", key); ok {
			d.Credentials[key] = fmt.Sprintf("%s %s %s", c.Username, c.CredentialID, c.Conf)
		}
	}
	d.TLS = s.ssl.Len()
	b.report(&d.Status)
	maps.DeleteFunc(d.Status.Counts, func(_ string, n int) bool { return n == 0 })
	for key, users := range b.users {
		d.Users[key] = slices.Sorted(maps.Keys(users))
	}
	for plugin, credentials := range b.roll.claims {
		for credential, claims := range credentials {
			for _, c := range claims {
				d.Claims[plugin+" "+credential] += fmt.Sprintf("%d %s %s;", c.created, c.key, c.consumer.Username)
			}
		}
	}
	return d
}

func planText(p *plan.Plan) string {
	var out []string
	for _, i := range p.Instances() {
		out = append(out, fmt.Sprintf("%s of %s %s", i.Name, i.Owner, i.Conf))
	}
	return strings.Join(out, ", ")
}

func targetText(t *target) string {
	if t == nil {
		return "no upstream"
	}
	cert := ""
	if t.cert != nil {
		cert = t.cert.cert
	}
	return fmt.Sprintf("%v checked %t fault %v cert %s", t.Config.Nodes, t.checker != nil, t.fault, cmp.Or(cert, "none"))
}

type fixedVars struct{}

func (fixedVars) Var(name string) (string, bool) { return "1", name == "arg_x" }

func (fixedVars) Value(string) (any, bool) { return nil, false }

// modelPair makes a certificate and its key, both as PEM.
func modelPair(t testing.TB, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial + 1), DNSNames: []string{"x.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(name string, b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: b}))
	}
	return block("CERTIFICATE", der), block("PRIVATE KEY", keyDER)
}
