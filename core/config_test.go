package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/polygate/polygate/core"
	"github.com/polygate/polygate/core/settings"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/file"
	"github.com/polygate/polygate/sdk"
)

// says is a plugin that answers with the text of its configuration, and with its metadata.
func says() sdk.Plugin {
	return testPlugin{
		info: sdk.Info{Name: "says", Version: "0.1", Priority: 1, Schema: []byte(`{"type":"object","properties":{"text":{"type":"string"}}}`)},
		configure: func(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error) {
			var c, meta struct{ Text string }
			if err := json.Unmarshal(conf, &c); err != nil {
				return sdk.Hooks{}, err
			}
			if m := sdk.ScopeOf(ctx).Metadata; m != nil {
				if err := json.Unmarshal(m, &meta); err != nil {
					return sdk.Hooks{}, err
				}
			}
			if c.Text == "bad" || meta.Text == "bad" {
				return sdk.Hooks{}, errors.New("the text is bad")
			}
			return sdk.Hooks{Access: func(x sdk.Exchange) error { return x.Exit(200, c.Text+meta.Text) }}, nil
		},
	}
}

func TestChangesReachRoutes(t *testing.T) {
	t.Parallel()
	g := start(t, []sdk.Plugin{says()})
	one, two := say(t, "one"), say(t, "two")
	steps := []struct {
		name, key, value string // no value: delete
		status           int
		body             string
	}{
		{"a service that is not there fails closed", "routes/1", `{"uri":"/*","service_id":"s"}`, 404, ""},
		{"it comes", "services/s", `{"upstream":` + upstreamOf(one) + `}`, 200, "one"},
		{"it changes", "services/s", `{"upstream":` + upstreamOf(two) + `}`, 200, "two"},
		{"it gets a plugin", "services/s", `{"plugins":{"says":{"text":"s"}},"upstream":` + upstreamOf(two) + `}`, 200, "s"},
		{"a plugin_config that is not there fails closed", "routes/1", `{"uri":"/*","service_id":"s","plugin_config_id":"p"}`, 503, ""},
		{"it comes, and beats the service", "plugin_configs/p", `{"id":"p","plugins":{"says":{"text":"p"}}}`, 200, "p"},
		{"it changes", "plugin_configs/p", `{"id":"p","plugins":{"says":{"text":"q"}}}`, 200, "q"},
		{"metadata comes", "plugin_metadata/says", `{"text":"+1"}`, 200, "q+1"},
		{"metadata changes", "plugin_metadata/says", `{"text":"+2"}`, 200, "q+2"},
		{"bad metadata leaves the plugins as they are", "plugin_metadata/says", `{"text":"bad"}`, 200, "q+2"},
		{"and they stay when something else of the route changes", "services/s", `{"desc":"new","upstream":` + upstreamOf(two) + `}`, 200, "q+2"},
		{"good metadata again", "plugin_metadata/says", `{"text":"+3"}`, 200, "q+3"},
		{"metadata goes", "plugin_metadata/says", "", 200, "q"},
		{"the plugin_config goes", "plugin_configs/p", "", 503, ""},
		{"the route does without", "routes/1", `{"uri":"/*","service_id":"s"}`, 200, "two"},
		{"the service goes", "services/s", "", 404, ""},
		{"an upstream that is not there", "routes/1", `{"uri":"/*","upstream_id":"u"}`, 502, ""},
		{"it comes", "upstreams/u", upstreamOf(one), 200, "one"},
		{"it changes", "upstreams/u", upstreamOf(two), 200, "two"},
		{"a service refers to it", "services/s", `{"upstream_id":"u"}`, 200, "two"},
		{"the route refers to the service", "routes/1", `{"uri":"/*","service_id":"s"}`, 200, "two"},
		{"a change of the service's upstream", "upstreams/u", upstreamOf(one), 200, "one"},
		{"the upstream goes", "upstreams/u", "", 502, ""},
		{"a route without an upstream", "routes/1", `{"uri":"/*","plugins":{}}`, 503, ""},
		{"a route out of service", "routes/1", `{"uri":"/*","status":0,"upstream":` + upstreamOf(one) + `}`, 404, ""},
		{"back in service", "routes/1", `{"uri":"/*","status":1,"upstream":` + upstreamOf(one) + `}`, 200, "one"},
		{"the route goes", "routes/1", "", 404, ""},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			if s.value == "" {
				g.remove(s.key)
			} else {
				g.put(s.key, s.value)
			}
			got := g.get("/")
			if got.status != s.status || s.body != "" && got.body != s.body {
				t.Errorf("got %d %q, want %d %q", got.status, got.body, s.status, s.body)
			}
		})
	}
}

func TestRejectedItems(t *testing.T) {
	t.Parallel()
	g := start(t, []sdk.Plugin{says()})
	up := say(t, "good")
	g.puts("routes/1", `{"uri":"/*","upstream":`+upstreamOf(up)+`}`)
	bad := []struct{ name, value, reason string }{
		{"no JSON", `{"uri":`, ""},
		{"schema", `{"uri":"/*","upstream":{"nodes":7}}`, "nodes"},
		{"schema of a plugin", `{"uri":"/*","plugins":{"says":{"text":7}}}`, "says"},
		{"configuration of a plugin", `{"uri":"/*","plugins":{"says":{"text":"bad"}}}`, "the text is bad"},
		{"balancer", `{"uri":"/*","upstream":{"type":"none","nodes":{"a:1":1,"b:1":1}}}`, "balancer"},
	}
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			g.put("routes/1", tt.value)
			g.put("routes/2", strings.Replace(tt.value, "/*", "/other", 1))
			if got := g.get("/other"); got.body != "good" {
				t.Errorf("got %d %q, want the last good version", got.status, got.body)
			}
			rejected := g.Status().Rejected
			var keys []string
			for _, r := range rejected {
				keys = append(keys, r.Key)
				if !strings.Contains(r.Reason, tt.reason) || r.Revision == 0 {
					t.Errorf("got %+v, want a reason with %q", r, tt.reason)
				}
			}
			if !slices.Equal(keys, []string{"routes/1", "routes/2"}) {
				t.Errorf("got %v rejected, want routes/1 and routes/2", keys)
			}
			if items := g.Items("routes"); len(items) != 1 || !strings.Contains(string(items[0].Value), up[strings.Index(up, ":")+1:]) {
				t.Errorf("got %d routes in service, want the good one", len(items))
			}
		})
	}
	g.put("routes/1", `{"uri":"/*","desc":"good again","upstream":#}`, upstreamOf(up))
	g.remove("routes/2")
	if r := g.Status().Rejected; len(r) != 0 {
		t.Errorf("got %v rejected, want nothing", r)
	}
	g.put("strange/1", `{}`)
	if r := g.Status().Rejected; len(r) != 1 || r[0].Key != "strange/1" {
		t.Errorf("got %v rejected, want the key of an unknown kind", r)
	}
}

// batches is a store whose batches a test makes up.
type batches struct{ c chan store.Batch }

func (b batches) Watch(ctx context.Context, apply func(store.Batch)) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case batch := <-b.c:
			apply(batch)
		}
	}
}

func (b batches) Status() store.Status { return store.Status{Reachable: true} }
func (b batches) Close() error         { return nil }

func change(key, value string, rev int64) store.Change {
	return store.Change{Item: store.Item{Key: key, Value: []byte(value), CreateRev: rev, ModRev: rev}, Deleted: value == ""}
}

func TestBatches(t *testing.T) {
	t.Parallel()
	b := batches{make(chan store.Batch, 1)}
	b.c <- store.Batch{Revision: 1, Full: true}
	g := start(t, []sdk.Plugin{says()}, func(o *core.Options) { o.Store, o.Writer = b, nil })
	text := func(path, text string) string {
		return fmt.Sprintf(`{"uri":%q,"plugins":{"says":{"text":%q}}}`, path, text)
	}
	tests := []struct {
		name  string
		batch store.Batch
		want  map[string]string // body by path; "" is 404
	}{
		{
			"a full batch", store.Batch{Full: true, Changes: []store.Change{change("routes/1", text("/1", "a"), 2), change("routes/2", text("/2", "b"), 3)}},
			map[string]string{"/1": "a", "/2": "b"},
		},
		{
			"a batch of changes", store.Batch{Changes: []store.Change{change("routes/1", "", 4), change("routes/3", text("/3", "c"), 5)}},
			map[string]string{"/1": "", "/2": "b", "/3": "c"},
		},
		{
			"a full batch removes what it does not list",
			store.Batch{Full: true, Changes: []store.Change{change("routes/2", text("/2", "b"), 3), change("routes/4", `{"bad":1}`, 6)}},
			map[string]string{"/2": "b", "/3": ""},
		},
		{
			"metadata of the same batch counts, wherever it stands",
			store.Batch{Changes: []store.Change{change("routes/5", text("/5", "e"), 7), change("plugin_metadata/says", `{"text":"!"}`, 8)}},
			map[string]string{"/2": "b!", "/5": "e!"},
		},
		{
			"a store that was replaced and counts anew",
			store.Batch{Full: true, Changes: []store.Change{change("routes/2", text("/2", "z"), 3)}},
			map[string]string{"/2": "z", "/5": ""},
		},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.batch.Revision = int64(100 + i)
			b.c <- tt.batch
			g.awaitRevision(tt.batch.Revision)
			for path, want := range tt.want {
				got := g.get(path)
				if want == "" && got.status != 404 || want != "" && got.body != want {
					t.Errorf("%s: got %d %q, want %q", path, got.status, got.body, want)
				}
			}
			if bad := g.Status().Rejected; (len(bad) == 1) != (i == 2 || i == 3) {
				t.Errorf("got %v rejected", bad)
			}
		})
	}
}

// TestChangesUnderLoad changes routes, their plugins and their upstreams while clients run: no request may notice.
func TestChangesUnderLoad(t *testing.T) {
	t.Parallel()
	var j journal
	g := start(t, []sdk.Plugin{scribe("a", 1, &j)})
	ups := []string{say(t, "hello"), say(t, "hello")}
	g.put("upstreams/1", upstreamOf(ups[0]))
	g.put("routes/1", `{"uri":"/*","upstream_id":"1"}`)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var done, failed atomic.Int64
	for range 20 {
		wg.Go(func() {
			tr := &http.Transport{}
			defer tr.CloseIdleConnections()
			for {
				select {
				case <-stop:
					return
				default:
				}
				done.Add(1)
				if err := hello(&http.Client{Transport: tr}, "http://"+g.addr+"/x"); err != nil && failed.Add(1) < 5 {
					t.Error(err)
				}
			}
		})
	}
	const updates = 100
	for i := range updates {
		var err error
		switch i % 4 {
		case 0:
			_, err = g.store.Put(t.Context(), "upstreams/1", []byte(upstreamOf(ups[i/4%2])), store.Cond{})
		case 1:
			_, err = g.store.Put(t.Context(), "routes/1", fmt.Appendf(nil, `{"uri":"/*","desc":"%d","plugins":{"a":{}},"upstream_id":"1"}`, i), store.Cond{})
		case 2:
			_, err = g.store.Put(t.Context(), "routes/1", fmt.Appendf(nil, `{"uri":"/*","upstream":%s}`, upstreamOf(ups[1])), store.Cond{})
		default:
			_, err = g.store.Put(t.Context(), "global_rules/1", fmt.Appendf(nil, `{"id":"1","plugins":{"a":{"as":"%d"}}}`, i), store.Cond{})
		}
		if err != nil {
			t.Fatal(err)
		}
		g.awaitRevision(g.store.Status().Revision)
	}
	close(stop)
	wg.Wait()
	if failed.Load() > 0 {
		t.Errorf("got %d failed requests of %d during %d updates, want none", failed.Load(), done.Load(), updates)
	}
	t.Logf("%d requests during %d updates", done.Load(), updates)
}

func hello(c *http.Client, url string) error {
	resp, err := c.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := io.Copy(&b, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != 200 || b.String() != "hello" {
		return fmt.Errorf("got %d %q, want hello", resp.StatusCode, b.String())
	}
	return nil
}

func TestFileStore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "apisix.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text+"\n#END\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("routes:\n  - id: 1\n    uri: /*\n    plugins:\n      says:\n        text: first")
	files, err := file.New(file.Options{Path: path, Poll: 5 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	g := start(t, []sdk.Plugin{says()}, func(o *core.Options) {
		o.Store, o.Writer = files, nil
		o.Settings.Deployment.Role, o.Settings.Deployment.RoleDataPlane.ConfigProvider = settings.RoleDataPlane, settings.ProviderYAML
	})
	if got := g.get("/"); got.body != "first" {
		t.Errorf("got %d %q, want first", got.status, got.body)
	}
	write("routes:\n  - id: 1\n    uri: /*\n    plugins:\n      says:\n        text: the second one")
	eventually(t, "the change is in service", func() bool { return g.get("/").body == "the second one" })
	write("routes:\n  - id: 1\n    uri: /*\n    plugins:\n      unknown: {}\n")
	eventually(t, "an item with an unknown plugin is seen", func() bool { return len(g.Status().Rejected) == 1 || g.get("/").body != "the second one" })
	if got := g.get("/"); got.body != "the second one" {
		t.Errorf("got %d %q, want the last good version", got.status, got.body)
	}
}
