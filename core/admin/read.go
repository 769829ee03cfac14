package admin

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/internal/regex"
)

// resource is how one item is shown.
type resource struct {
	Key      string          `json:"key"`
	Value    *document.Value `json:"value,omitempty"`
	Created  int64           `json:"createdIndex,omitempty"`
	Modified int64           `json:"modifiedIndex,omitempty"`
}

// list is how several items are shown.
type list struct {
	Total int        `json:"total"`
	List  []resource `json:"list"`
}

const (
	minPage = 10
	maxPage = 500
)

// get answers with one resource, or with all of a kind.
func (h *handler) get(q *request) (reply, error) {
	if q.id == "" {
		return h.list(q)
	}
	item, err := h.store.Get(q.Context(), q.key(q.id))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: h.show(q, item)}, nil
}

func (h *handler) list(q *request) (reply, error) {
	items, err := h.items(q, q.kind.Name)
	if err != nil {
		return reply{}, err
	}
	if f := h.filterOf(q); f != nil {
		items = slices.DeleteFunc(items, func(item store.Item) bool {
			doc, err := document.Parse(item.Value)
			return err != nil || !f.match(doc)
		})
	}
	out := list{Total: len(items)}
	if items, err = paginate(items, q.query); err != nil {
		return reply{}, err
	}
	out.List = make([]resource, 0, len(items))
	for _, item := range items {
		out.List = append(out.List, h.show(q, item))
	}
	return reply{status: http.StatusOK, body: out}, nil
}

// items returns the items of a kind without those of its sub resources.
func (h *handler) items(q *request, kind string) ([]store.Item, error) {
	items, _, err := h.store.List(q.Context(), kind+"/")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(items), func(item store.Item) bool {
		id := item.Key[len(kind)+1:]
		return id == "" || strings.Contains(id, "/")
	}), nil
}

// show turns an item into what the client may see of it. A value that is not JSON is left out.
func (h *handler) show(q *request, item store.Item) resource {
	out := resource{Key: h.prefix + "/" + item.Key, Created: item.CreateRev, Modified: item.ModRev}
	if doc, err := document.Parse(item.Value); err == nil {
		h.conceal(q, doc)
		out.Value = doc
	}
	return out
}

// paginate returns the page that the query asks for. Without page and page_size that is everything.
func paginate(items []store.Item, query url.Values) ([]store.Item, error) {
	page, errPage := strconv.ParseFloat(query.Get("page"), 64)
	size, errSize := strconv.ParseFloat(query.Get("page_size"), 64)
	if errPage != nil || errSize != nil {
		return items, nil //nolint:nilerr // as in APISIX: without two numbers there are no pages
	}
	if !(size >= minPage && size <= maxPage) {
		const text = "page_size must be between 10 and 500"
		return nil, &failure{text: text, reply: reply{status: http.StatusBadRequest, body: text}}
	}
	slices.SortStableFunc(items, func(a, b store.Item) int { return cmp.Compare(a.CreateRev, b.CreateRev) })
	if !(page >= 1) {
		page = 1
	}
	n := int(size)
	if page-1 >= float64(len(items)) {
		return nil, nil
	}
	from := min((int(page)-1)*n, len(items))
	return items[from:min(from+n, len(items))], nil
}

// filter is what a list's query asks for.
type filter struct {
	name, uri *regex.Regexp // nil: any
	label     string        // empty: any
	fields    map[string]string
	nothing   bool // a pattern is broken and matches nothing
}

// filterOf returns the filter of a query, nil where it has none.
func (h *handler) filterOf(q *request) *filter {
	f := filter{label: q.query.Get("label"), fields: h.fieldsOf(q)}
	patterns := []struct {
		name string
		dst  **regex.Regexp
	}{{"name", &f.name}, {"uri", &f.uri}}
	some := f.label != "" || len(f.fields) > 0
	for _, p := range patterns {
		pattern := q.query.Get(p.name)
		if pattern == "" {
			continue
		}
		some = true
		re, err := regex.Compile(pattern)
		if err != nil {
			h.log.Warn("admin list", "argument", p.name, "err", err)
			f.nothing = true
		}
		*p.dst = re
	}
	if !some {
		return nil
	}
	return &f
}

// fieldsOf reads the argument filter, itself a query of field=value pairs. Only routes have fields to filter by.
func (h *handler) fieldsOf(q *request) map[string]string {
	pairs, err := url.ParseQuery(q.query.Get("filter"))
	if err != nil {
		h.log.Warn("admin list", "argument", "filter", "err", err)
	}
	fields := make(map[string]string)
	for name, values := range pairs {
		known := name == "service_id" || name == "upstream_id"
		if !known || q.kind.Name != "routes" && q.kind.Name != "stream_routes" {
			h.log.Warn("filter field is not supported", "field", name, "resource", q.kind.Name)
			continue
		}
		fields[name] = values[len(values)-1]
	}
	return fields
}

func (f *filter) match(doc *document.Value) bool {
	if f.nothing {
		return false
	}
	if name, ok := doc.Get("name").Text(); f.name != nil && (!ok || !f.name.MatchString(name)) {
		return false
	}
	if f.label != "" && doc.Path("labels", f.label) == nil {
		return false
	}
	if f.uri != nil && !f.matchURI(doc) {
		return false
	}
	for name, want := range f.fields {
		if got, ok := doc.Get(name).Text(); !ok || got != want {
			return false
		}
	}
	return true
}

func (f *filter) matchURI(doc *document.Value) bool {
	uris := append([]*document.Value{doc.Get("uri")}, doc.Get("uris").Items()...)
	return slices.ContainsFunc(uris, func(v *document.Value) bool {
		uri, ok := v.Text()
		return ok && f.uri.MatchString(uri)
	})
}
