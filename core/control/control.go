// Package control is what a gateway tells about itself: the Control API with the configuration in service, how it follows the store
// and what would become of a request, and the Status API for probes. The Control API asks nobody for a key, so it belongs on an
// address that only its own machine reaches; it shows no secrets and changes no configuration.
package control

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/internal/jsonschema"
)

// Options are what a Control API needs. Source and Catalog are required.
type Options struct {
	Source  Source
	Catalog *config.Catalog
	Logger  *slog.Logger     // default [slog.Default]
	Reload  func() error     // loads the plugins again; nil: there is nothing that could be loaded again
	Prefix  string           // of the store's keys as they are shown, for example "/apisix", or "/" for a file; default "/apisix"
	Now     func() time.Time // default [time.Now]
}

type api struct {
	source  Source
	catalog *config.Catalog
	schemas map[string]*jsonschema.Schema // by the plural of the kind
	log     *slog.Logger
	reload  func() error
	prefix  string // ends with a slash
	now     func() time.Time
	gc      sync.Mutex // held while garbage is collected
}

// New makes the handler of the Control API (apisix/control/v1.lua): /v1/schema, /v1/healthcheck, /v1/gc, /v1/routes, /v1/services,
// /v1/upstreams, /v1/plugin_metadatas and single ones of them, /v1/plugins/reload; and beyond APISIX's /v1/sync and
// /v1/explain. It is safe for concurrent use.
func New(o Options) http.Handler {
	a := &api{
		source: o.Source, catalog: o.Catalog, schemas: map[string]*jsonschema.Schema{}, log: o.Logger, reload: o.Reload,
		prefix: "/apisix/", now: o.Now,
	}
	if o.Prefix != "" {
		a.prefix = strings.TrimSuffix(o.Prefix, "/") + "/"
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now == nil {
		a.now = time.Now
	}
	for _, kind := range config.Kinds() {
		raw := kind.Schema()
		if raw == nil {
			continue
		}
		schema, err := jsonschema.Compile(raw)
		if err != nil {
			a.log.Error("control API", "schema", kind.SchemaName, "err", err)
			continue
		}
		a.schemas[kind.Name] = schema
	}
	return guard(a.log, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.answer(r).send(w, a.log)
	}))
}

// answer finds out what to say. As for APISIX a path or method that is not known is 404.
func (a *api) answer(r *http.Request) reply {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	switch {
	case !ok:
		return notFound("not found")
	case r.Method == http.MethodPost && path == "gc":
		return a.collectGarbage()
	case r.Method == http.MethodPut && path == "plugins/reload":
		return a.reloadPlugins()
	case r.Method != http.MethodGet:
		return notFound("not found")
	}
	name, rest, below := strings.Cut(path, "/")
	switch {
	case name == "healthcheck" && below:
		return a.healthOf(rest, r)
	case below:
		// What follows the id is not looked at, as APISIX does not.
		id, _, _ := strings.Cut(rest, "/")
		return a.one(name, id)
	}
	return a.whole(name, r)
}

// whole answers a path of one segment.
func (a *api) whole(name string, r *http.Request) reply {
	switch name {
	case "schema":
		return ok(schemas{Main: describe.Schemas(), Plugins: describe.Plugins(a.catalog), StreamPlugins: map[string]describe.Plugin{}})
	case "healthcheck":
		return a.health(r)
	case "sync":
		return ok(syncOf(a.source.Status(), a.now()))
	case "explain":
		return a.explain(r)
	case "plugin_metadatas":
		return ok(listOf(a.allMetadata()))
	case "routes", "services", "upstreams":
		return ok(listOf(a.all(name)))
	}
	return notFound("not found")
}

// one answers with one resource by the singular of its kind.
func (a *api) one(name, id string) reply {
	switch name {
	case "route", "service", "upstream":
		if item, found := a.find(name+"s", id); found {
			return ok(a.show(name+"s", item))
		}
		return notFound(name + "[" + id + "] not found")
	case "plugin_metadata":
		if item, found := a.find(name, id); found {
			return ok(a.show(name, item).Value)
		}
		return notFound("plugin metadata[" + id + "] not found")
	}
	return notFound("not found")
}

func (a *api) all(kind string) []entry {
	items := a.source.Items(kind)
	out := make([]entry, 0, len(items))
	for _, item := range items {
		out = append(out, a.show(kind, item))
	}
	return out
}

func (a *api) allMetadata() []json.RawMessage {
	out := []json.RawMessage{}
	for _, e := range a.all("plugin_metadata") {
		out = append(out, e.Value)
	}
	return out
}

func (a *api) find(kind, id string) (store.Item, bool) {
	for _, item := range a.source.Items(kind) {
		if item.Key == kind+"/"+id {
			return item, true
		}
	}
	return store.Item{}, false
}

type schemas struct {
	Main          map[string]json.RawMessage `json:"main"`
	Plugins       map[string]describe.Plugin `json:"plugins"`
	StreamPlugins map[string]describe.Plugin `json:"stream_plugins"`
}
