package plan_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/plan"
	"github.com/polygate/polygate/sdk"
)

// fake is a plugin that is configured by a function.
type fake struct {
	info      sdk.Info
	configure func(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error)
}

func (f fake) Info() sdk.Info { return f.info }

func (f fake) Configure(ctx context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	return f.configure(ctx, conf)
}

func pass(sdk.Exchange) error { return nil }

// plain is a plugin with a hook in each phase.
func plain(name string, priority int) fake {
	return fake{sdk.Info{Name: name, Priority: priority}, func(context.Context, json.RawMessage) (sdk.Hooks, error) {
		return sdk.Hooks{
			Rewrite: pass, Access: pass, BeforeProxy: pass, HeaderFilter: pass,
			BodyFilter: func(sdk.Exchange, *sdk.Chunk) error { return nil }, Log: func(sdk.Exchange) {},
		}, nil
	}}
}

func maker(t testing.TB, plugins ...sdk.Plugin) *plan.Maker {
	t.Helper()
	catalog, err := config.NewCatalog(plugins, config.CatalogOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &plan.Maker{Catalog: catalog, Attrs: map[string]json.RawMessage{"scoped": json.RawMessage(`{"attr":1}`)}}
}

func plugins(text string) config.Plugins {
	var p config.Plugins
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		panic(err)
	}
	return p
}

func set(t testing.TB, m *plan.Maker, owner, text string) *plan.Set {
	t.Helper()
	s, err := m.Make(plan.Owner{Key: owner, Version: "1"}, plugins(text), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// names are the plugins of a plan with their owners, in order.
func names(p *plan.Plan) []string {
	var list []string
	for _, i := range p.Instances() {
		list = append(list, i.Name+"@"+i.Owner)
	}
	return list
}

func TestMerge(t *testing.T) {
	m := maker(t, plain("a", 30), plain("b", 20), plain("c", 10), plain("bb", 20))
	service := set(t, m, "service", `{"a":{},"b":{},"c":{}}`)
	route := set(t, m, "route", `{"b":{}}`)
	tests := []struct {
		name string
		sets []*plan.Set
		want []string
	}{
		{"nothing", nil, nil},
		{"nil sets", []*plan.Set{nil, nil}, nil},
		{"one set, by priority", []*plan.Set{service}, []string{"a@service", "b@service", "c@service"}},
		{"the last set wins", []*plan.Set{service, nil, route}, []string{"a@service", "b@route", "c@service"}},
		{"equal priorities go by name", []*plan.Set{set(t, m, "x", `{"bb":{},"b":{}}`)}, []string{"b@x", "bb@x"}},
		{"_meta.priority", []*plan.Set{service, set(t, m, "route", `{"c":{"_meta":{"priority":99}}}`)}, []string{"c@route", "a@service", "b@service"}},
		{"a plugin that is switched off hides the one below", []*plan.Set{service, set(t, m, "route", `{"b":{"_meta":{"disable":true}}}`)}, []string{"a@service", "c@service"}},
		{"all switched off", []*plan.Set{set(t, m, "route", `{"b":{"_meta":{"disable":true}}}`)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := plan.Merge(tt.sets...)
			if diff := cmp.Diff(tt.want, names(p)); diff != "" {
				t.Errorf("plugins (-want +got):\n%s", diff)
			}
			if p == nil {
				return
			}
			var rewrite, body, log []string
			for _, s := range p.Rewrite {
				rewrite = append(rewrite, s.Name+"@"+s.Owner)
			}
			for _, s := range p.BodyFilter {
				body = append(body, s.Name+"@"+s.Owner)
			}
			for _, s := range p.Log {
				log = append(log, s.Name+"@"+s.Owner)
			}
			for _, got := range [][]string{rewrite, body, log} {
				if !slices.Equal(got, tt.want) {
					t.Errorf("got steps %v, want %v", got, tt.want)
				}
			}
			if n := len(tt.want); len(p.Access) != n || len(p.BeforeProxy) != n || len(p.HeaderFilter) != n {
				t.Errorf("got %d, %d, %d steps, want %d each", len(p.Access), len(p.BeforeProxy), len(p.HeaderFilter), n)
			}
		})
	}
}

func TestWith(t *testing.T) {
	auth := plain("auth", 50)
	auth.info.Auth = true
	m := maker(t, plain("a", 30), plain("b", 20), plain("c", 10), auth)
	route := plan.Merge(set(t, m, "route", `{"auth":{},"a":{},"b":{}}`))
	tests := []struct {
		name          string
		route         *plan.Plan
		consumer      *plan.Set
		want, rewrite []string
	}{
		{"no plugins of its own", route, nil, []string{"auth@route", "a@route", "b@route"}, nil},
		{"replaced and added", route, set(t, m, "jack", `{"b":{},"c":{}}`), []string{"auth@route", "a@route", "b@jack", "c@jack"}, []string{"b@jack", "c@jack"}},
		{"credentials are left out", route, set(t, m, "jack", `{"auth":{},"c":{}}`), []string{"auth@route", "a@route", "b@route", "c@jack"}, []string{"c@jack"}},
		{"a route without plugins", nil, set(t, m, "jack", `{"c":{}}`), []string{"c@jack"}, []string{"c@jack"}},
		{"a plugin of the route switched off", route, set(t, m, "jack", `{"a":{"_meta":{"disable":true}}}`), []string{"auth@route", "b@route"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, steps := tt.route.With(tt.consumer)
			if diff := cmp.Diff(tt.want, names(p)); diff != "" {
				t.Errorf("plugins (-want +got):\n%s", diff)
			}
			var rewrite []string
			for _, s := range steps {
				rewrite = append(rewrite, s.Name+"@"+s.Owner)
			}
			if diff := cmp.Diff(tt.rewrite, rewrite); diff != "" {
				t.Errorf("rewrite hooks to run (-want +got):\n%s", diff)
			}
			if got := names(route); len(got) != 3 {
				t.Errorf("the route's plan was changed: %v", got)
			}
		})
	}
}

func TestWithout(t *testing.T) {
	preferring := plain("p", 5)
	preferring.info.PreferRoute = true
	m := maker(t, plain("a", 30), preferring)
	global := plan.Merge(set(t, m, "global", `{"a":{},"p":{}}`))
	tests := []struct {
		name  string
		route *plan.Plan
		want  []string
	}{
		{"no plugins", nil, []string{"a@global", "p@global"}},
		{"a plugin that runs twice", plan.Merge(set(t, m, "route", `{"a":{}}`)), []string{"a@global", "p@global"}},
		{"a plugin that gives way", plan.Merge(set(t, m, "route", `{"a":{},"p":{}}`)), []string{"a@global"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, names(global.Without(tt.route))); diff != "" {
				t.Errorf("plugins (-want +got):\n%s", diff)
			}
		})
	}
	if (*plan.Plan)(nil).Without(global) != nil {
		t.Error("got something of the empty plan")
	}
}

func TestMakeKeepsInstances(t *testing.T) {
	configured := 0
	counted := plain("counted", 1)
	counted.configure = func(context.Context, json.RawMessage) (sdk.Hooks, error) {
		configured++
		return sdk.Hooks{}, nil
	}
	m := maker(t, counted, plain("other", 2))
	metadata := func(s string) map[string]json.RawMessage {
		return map[string]json.RawMessage{"counted": json.RawMessage(s)}
	}
	tests := []struct {
		name       string
		plugins    string
		metadata   map[string]json.RawMessage
		configured int // so far
	}{
		{"the first time", `{"counted":{"a":1}}`, nil, 1},
		{"the same", `{"counted":{"a":1}}`, nil, 1},
		{"another plugin beside it", `{"counted":{"a":1},"other":{}}`, nil, 1},
		{"another configuration", `{"counted":{"a":2}}`, nil, 2},
		{"metadata", `{"counted":{"a":2}}`, metadata(`{"m":1}`), 3},
		{"the same metadata", `{"counted":{"a":2}}`, metadata(`{"m":1}`), 3},
		{"other metadata", `{"counted":{"a":2}}`, metadata(`{"m":2}`), 4},
		{"metadata gone", `{"counted":{"a":2}}`, nil, 5},
		{"switched off", `{"counted":{"a":2,"_meta":{"disable":true}}}`, nil, 5},
		{"switched on", `{"counted":{"a":2}}`, nil, 6},
		{"gone", `{}`, nil, 6},
		{"back", `{"counted":{"a":2}}`, nil, 7},
	}
	var before *plan.Set
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, err := m.Make(plan.Owner{Key: "routes/1"}, plugins(tt.plugins), tt.metadata, before)
			if err != nil {
				t.Fatal(err)
			}
			before = s
			if configured != tt.configured {
				t.Errorf("got %d calls of Configure so far, want %d", configured, tt.configured)
			}
		})
	}
}

func TestMakeFails(t *testing.T) {
	panics, fails := plain("panics", 1), plain("fails", 2)
	panics.configure = func(context.Context, json.RawMessage) (sdk.Hooks, error) { panic("oh") }
	fails.configure = func(context.Context, json.RawMessage) (sdk.Hooks, error) { return sdk.Hooks{}, errors.New("no") }
	m := maker(t, panics, fails, plain("good", 3))
	s, err := m.Make(plan.Owner{Key: "routes/1"}, plugins(`{"panics":{},"fails":{},"good":{}}`), nil, nil)
	if s != nil || err == nil {
		t.Fatalf("got %v, %v, want an error", s, err)
	}
	for _, want := range []string{"plugin panics err: panic while it was configured: oh", "plugin fails err: no"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to say %q", err, want)
		}
	}
	if s, err := m.Make(plan.Owner{}, plugins(`{"unknown":{}}`), nil, nil); err != nil || len(plan.Merge(s).Instances()) != 0 {
		t.Errorf("got %v, %v, want unknown plugins left out", s, err)
	}
	if _, err := m.Make(plan.Owner{}, plugins(`{"panics":{"_meta":{"disable":true}}}`), nil, nil); err != nil {
		t.Errorf("got %v, want a plugin that is switched off not to be configured", err)
	}
}

func TestScope(t *testing.T) {
	var got sdk.Scope
	scoped := plain("scoped", 1)
	scoped.configure = func(ctx context.Context, _ json.RawMessage) (sdk.Hooks, error) {
		got = sdk.ScopeOf(ctx)
		return sdk.Hooks{}, nil
	}
	m := maker(t, scoped)
	metadata := map[string]json.RawMessage{"scoped": json.RawMessage(`{"m":1}`)}
	if _, err := m.Make(plan.Owner{Key: "routes/1", Version: "7"}, plugins(`{"scoped":{}}`), metadata, nil); err != nil {
		t.Fatal(err)
	}
	want := sdk.Scope{Resource: "routes/1", Version: "7", Metadata: json.RawMessage(`{"m":1}`), Attr: json.RawMessage(`{"attr":1}`)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scope (-want +got):\n%s", diff)
	}
}

func TestMeta(t *testing.T) {
	m := maker(t, plain("a", 1))
	s := set(t, m, "route", `{"a":{"_meta":{"priority":-7,"filter":[["arg_x","==","1"]],"error_response":{"e":1}}}}`)
	i := plan.Merge(s).Instances()[0]
	if i.Priority != -7 || i.Filter == nil || string(i.ErrorResponse) != `{"e":1}` {
		t.Errorf("got %+v, want what _meta says", i)
	}
}

func TestClose(t *testing.T) {
	var closed atomic.Int64
	closes := plain("closes", 1)
	closes.configure = func(context.Context, json.RawMessage) (sdk.Hooks, error) {
		return sdk.Hooks{Access: pass, Close: func() error { closed.Add(1); return nil }}, nil
	}
	m := maker(t, closes)
	s := set(t, m, "route", `{"closes":{}}`)
	p := plan.Merge(s)
	kept, err := m.Make(plan.Owner{Key: "route"}, plugins(`{"closes":{}}`), nil, s)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		runtime.GC()
	}
	if n := closed.Load(); n != 0 {
		t.Fatalf("got %d calls of Close while a plan is in use", n)
	}
	runtime.KeepAlive(s)
	runtime.KeepAlive(p)
	runtime.KeepAlive(kept)
	deadline := time.Now().Add(10 * time.Second)
	for closed.Load() == 0 && time.Now().Before(deadline) {
		runtime.GC()
	}
	if n := closed.Load(); n != 1 {
		t.Errorf("got %d calls of Close, want 1", n)
	}
}
