package admin

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store"
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

	folder string // the beginning of the keys
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
	items, err := h.items(q.Context(), q.kind, q.folder())
	if err != nil {
		return reply{}, err
	}
	// The folders of the kinds themselves are always there; that of an owner's sub resources only while there are some.
	if len(items) == 0 && q.kind.Parent != "" {
		return reply{}, store.ErrNotFound
	}
	out := list{Total: len(items), folder: h.prefix + "/" + q.folder()}
	if h.version == versionThree {
		if items, out.Total, err = h.choose(q, items); err != nil {
			return reply{}, err
		}
	}
	out.List = make([]resource, 0, len(items))
	for _, item := range items {
		out.List = append(out.List, h.show(q, item))
	}
	return reply{status: http.StatusOK, body: out}, nil
}

// choose returns what a query asks for of the items of a list, and how many items its pages come to.
func (h *handler) choose(q *request, items []store.Item) ([]store.Item, int, error) {
	if f := h.filterOf(q); f != nil {
		items = slices.DeleteFunc(items, func(item store.Item) bool {
			doc, err := document.Parse(item.Value)
			return err != nil || !f.match(doc)
		})
		if err := f.err(); err != nil {
			return nil, 0, err
		}
	}
	page, err := paginate(items, q.query)
	return page, len(items), err
}

// items returns the items of a kind below a folder, without those of its sub resources.
func (h *handler) items(ctx context.Context, kind *config.Kind, folder string) ([]store.Item, error) {
	items, _, err := h.store.List(ctx, folder)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(items), func(item store.Item) bool {
		found, _, ok := config.KindOfKey(item.Key)
		return !ok || found != kind
	}), nil
}

// show turns an item into what the client may see of it. A value that is not JSON is left out.
func (h *handler) show(q *request, item store.Item) resource {
	out := resource{Key: h.prefix + "/" + item.Key, Created: item.CreateRev, Modified: item.ModRev}
	if doc, err := document.Parse(item.Value); err == nil {
		h.sealer.open(q.kind, item.Key, doc)
		conceal(h.catalog, q, doc)
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
