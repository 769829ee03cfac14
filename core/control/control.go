// Package control is what a gateway tells about itself on addresses that only its own machine reaches: the Control API with the
// configuration in service, and the Status API for probes. Nothing here changes anything.
package control

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/internal/jsonschema"
)

// Source is the configuration that a gateway serves with. It is safe for concurrent use.
type Source interface {
	// Items returns the resources of a kind, for example "routes", in order of key. They are not to be changed.
	Items(kind string) []store.Item
	// Status tells how the configuration follows the store.
	Status() Status
}

// Status tells how the configuration in service follows the store.
type Status struct {
	Ready     bool       // there is a configuration, from the store or from the copy on disk
	Reachable bool       // the last exchange with the store worked
	Revision  int64      // of the store, in service
	Since     time.Time  // when Reachable last changed; zero: never
	Err       error      // the last one, nil where all is well
	Rejected  []Rejected // what is in the store but not in service
}

// Rejected is an item that is in the store but not in service; its last good version stays, where there is one.
type Rejected struct {
	Key      string // for example "routes/1"
	Revision int64  // of the item
	Reason   string
}

// Options are what a Control API needs. Source and Catalog are required.
type Options struct {
	Source  Source
	Catalog *config.Catalog
	Logger  *slog.Logger // default [slog.Default]
}

// prefix is what APISIX puts before a store's keys.
const prefix = "/apisix/"

type api struct {
	source  Source
	catalog *config.Catalog
	schemas map[string]*jsonschema.Schema // by the plural of the kind
	log     *slog.Logger
}

// New makes the handler of the Control API: /v1/schema, /v1/routes, /v1/route/{id}, the same for services, upstreams and plugin
// metadata, and /v1/sync. It is safe for concurrent use.
func New(o Options) http.Handler {
	a := &api{source: o.Source, catalog: o.Catalog, schemas: map[string]*jsonschema.Schema{}, log: o.Logger}
	if a.log == nil {
		a.log = slog.Default()
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
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := a.answer(r)
		send(w, a.log, status, body)
	})
}

// answer finds out what to say; a path or method that is not known is 404, as it is for APISIX.
func (a *api) answer(r *http.Request) (int, any) {
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/")
	if !ok || r.Method != http.MethodGet {
		return notFound("not found")
	}
	name, id, single := strings.Cut(path, "/")
	if single {
		return a.one(name, id)
	}
	switch name {
	case "schema":
		return http.StatusOK, schemas{
			Main:          describe.Schemas(),
			Plugins:       describe.Plugins(a.catalog),
			StreamPlugins: map[string]describe.Plugin{},
		}
	case "sync":
		return http.StatusOK, syncOf(a.source.Status())
	case "plugin_metadatas":
		return http.StatusOK, a.allMetadata()
	case "routes", "services", "upstreams":
		return http.StatusOK, a.all(name)
	}
	return notFound("not found")
}

// one answers with one resource by the singular of its kind.
func (a *api) one(name, id string) (int, any) {
	switch name {
	case "route", "service", "upstream":
		if item, ok := a.find(name+"s", id); ok {
			return http.StatusOK, a.show(name+"s", item)
		}
		return notFound(name + "[" + id + "] not found")
	case "plugin_metadata":
		if item, ok := a.find(name, id); ok {
			return http.StatusOK, a.show(name, item).Value
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

// syncState is the body of /v1/sync.
type syncState struct {
	Ready     bool       `json:"ready"`
	Reachable bool       `json:"reachable"`
	Revision  int64      `json:"revision"`
	Since     *time.Time `json:"since,omitempty"`
	Error     string     `json:"error,omitempty"`
	Rejected  []rejected `json:"rejected"`
}

type rejected struct {
	Key      string `json:"key"`
	Revision int64  `json:"revision"`
	Reason   string `json:"reason"`
}

func syncOf(s Status) syncState {
	out := syncState{Ready: s.Ready, Reachable: s.Reachable, Revision: s.Revision, Rejected: []rejected{}}
	if !s.Since.IsZero() {
		out.Since = &s.Since
	}
	if s.Err != nil {
		out.Error = s.Err.Error()
	}
	for _, r := range s.Rejected {
		out.Rejected = append(out.Rejected, rejected(r))
	}
	return out
}

// problem is the body of an error.
type problem struct {
	Text string `json:"error_msg"`
}

func notFound(text string) (int, any) { return http.StatusNotFound, problem{Text: text} }

// send writes body as JSON with a newline.
func send(w http.ResponseWriter, log *slog.Logger, status int, body any) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		log.Error("control answer", "err", err)
		status = http.StatusInternalServerError
		buf.Reset()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	if _, err := w.Write(buf.Bytes()); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
		log.Debug("control answer", "err", err)
	}
}
