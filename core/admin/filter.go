package admin

import (
	"net/url"
	"slices"
	"time"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/internal/regex"
)

// filter is what a list's query asks for.
type filter struct {
	name, uri *regex.Regexp // nil: any
	label     *string       // the name of one; nil: any
	fields    map[string]string
	nothing   bool // a pattern is broken and matches nothing

	spent   time.Duration // on patterns whose time can grow without limit
	tooSlow string        // the argument whose pattern used up the time
}

// filterTime bounds how long the patterns of one request may take, for all items together.
const filterTime = 2 * time.Second

// filterOf returns the filter of a query, nil where it has none.
func (h *handler) filterOf(q *request) *filter {
	f := filter{fields: h.fieldsOf(q)}
	if q.query.Has("label") {
		f.label = new(q.query.Get("label"))
	}
	patterns := []struct {
		name string
		dst  **regex.Regexp
	}{{"name", &f.name}, {"uri", &f.uri}}
	some := f.label != nil || len(f.fields) > 0
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
	if f.nothing || f.tooSlow != "" {
		return false
	}
	if name, ok := doc.Get("name").Text(); f.name != nil && (!ok || !f.matches(f.name, "name", name)) {
		return false
	}
	if f.label != nil && doc.Path("labels", *f.label) == nil {
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
		return ok && f.matches(f.uri, "uri", uri)
	})
}

// matches matches the pattern of an argument, as long as there is time for it.
func (f *filter) matches(re *regex.Regexp, argument, text string) bool {
	if re.Linear() {
		return re.MatchString(text)
	}
	if f.tooSlow != "" {
		return false
	}
	begun := time.Now()
	ok, err := re.Match(text)
	if f.spent += time.Since(begun); err != nil || f.spent > filterTime {
		f.tooSlow = argument
	}
	return ok && err == nil
}

// err says why the items that were found are not all there are.
func (f *filter) err() error {
	if f.tooSlow == "" {
		return nil
	}
	return badRequest("invalid argument " + f.tooSlow + ": the pattern takes too long to match")
}
