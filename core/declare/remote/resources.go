package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/declare"
)

// pageSize is the largest page that the API gives.
const pageSize = 500

// resource is how the API shows one resource.
type resource struct {
	Key      string         `json:"key"`
	Value    map[string]any `json:"value"`
	Modified json.Number    `json:"modifiedIndex"`
}

func (r resource) revision() int64 {
	n, err := r.Modified.Int64()
	if err != nil {
		return 0
	}
	return n
}

// page is how the API shows several resources.
type page struct {
	Total json.Number `json:"total"`
	List  []resource  `json:"list"`
}

// All returns everything that the gateway has, with at most parallel requests at a time.
func (c *Client) All(ctx context.Context, parallel int) ([]declare.Item, error) {
	r := reading{client: c, slots: make(chan struct{}, max(1, parallel))}
	var owners []string // of the first round, which all others belong to
	for _, kind := range config.Kinds() {
		if kind.Parent == "" && kind.Identity != config.Single {
			owners = append(owners, kind.Name)
		}
	}
	if err := r.folders(ctx, owners); err != nil {
		return nil, err
	}
	var below []string
	for _, it := range r.items {
		for _, kind := range config.Kinds() {
			if kind.Parent == it.Kind.Name {
				below = append(below, it.Key+"/"+kind.Name)
			}
		}
	}
	if err := r.folders(ctx, below); err != nil {
		return nil, err
	}
	declare.Sort(r.items)
	return r.items, nil
}

// reading collects resources from several requests.
type reading struct {
	client *Client
	slots  chan struct{}

	mu    sync.Mutex // guards items
	items []declare.Item
}

// folders reads lists of resources side by side. The first error ends the others.
func (r *reading) folders(ctx context.Context, names []string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, name := range names {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-r.slots }()
			items, err := r.client.list(ctx, name)
			if err != nil {
				cancel(fmt.Errorf("read %s: %w", name, err))
				return
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.items = append(r.items, items...)
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// list returns the resources of a folder. One that the gateway does not know is empty, as is one that it has never had anything in.
func (c *Client) list(ctx context.Context, folder string) ([]declare.Item, error) {
	seen := map[string]bool{}
	var items []declare.Item
	for n := 1; ; n++ {
		var p page
		err := c.call(ctx, http.MethodGet, fmt.Sprintf("%s?page=%d&page_size=%d", escape(folder), n, pageSize), nil, &p)
		disabled := folder == "stream_routes" && errors.Is(err, declare.ErrRefused) // the gateway does not serve layer 4
		if disabled || errors.Is(err, declare.ErrNotFound) {
			return items, nil
		}
		if err != nil {
			return nil, err
		}
		fresh := false
		for _, res := range p.List {
			it, ok := item(folder, res)
			if ok && !seen[it.Key] {
				fresh, seen[it.Key] = true, true
				items = append(items, it)
			}
		}
		// A resource that is removed in the meantime moves the others to earlier pages; the end is where nothing new comes.
		if !fresh || len(p.List) < pageSize {
			return items, nil
		}
	}
}

// item makes an item of a resource that was found in a folder. It reports false for what does not belong there: owners' lists may have
// what belongs to them.
func item(folder string, res resource) (declare.Item, bool) {
	i := strings.Index(res.Key, "/"+folder+"/")
	if i < 0 || res.Value == nil {
		return declare.Item{}, false
	}
	it, ok := declare.NewItem(res.Key[i+1:], res.Value)
	it.Revision = res.revision()
	return it, ok && (it.Kind.Parent == "") == !strings.Contains(folder, "/")
}

// Revision returns the revision of the last change of a resource.
func (c *Client) Revision(ctx context.Context, key string) (int64, error) {
	var res resource
	if err := c.call(ctx, http.MethodGet, escape(key), nil, &res); err != nil {
		return 0, fmt.Errorf("%s: %w", key, err)
	}
	return res.revision(), nil
}

// Put creates or replaces a resource.
func (c *Client) Put(ctx context.Context, key string, value map[string]any) error {
	return named(key, c.call(ctx, http.MethodPut, escape(key), value, nil))
}

// Patch changes members of a resource.
func (c *Client) Patch(ctx context.Context, key string, patch map[string]any) error {
	return named(key, c.call(ctx, http.MethodPatch, escape(key), patch, nil))
}

// Delete removes a resource.
func (c *Client) Delete(ctx context.Context, key string) error {
	err := c.call(ctx, http.MethodDelete, escape(key), nil, nil)
	if errors.Is(err, declare.ErrNotFound) {
		return nil
	}
	return named(key, err)
}

func named(key string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", key, err)
}

// escape makes a path of a key. What is in a file decides about the segments of the path, never about more.
func escape(key string) string {
	segs := strings.Split(key, "/")
	for i, seg := range segs {
		segs[i] = url.PathEscape(seg)
	}
	return strings.Join(segs, "/")
}

// Invalid is a resource that the gateway does not accept.
type Invalid struct {
	Kind  string      `json:"resource_type"`
	ID    any         `json:"resource_id"`
	Index json.Number `json:"index"`
	Text  string      `json:"error"`
}

// invalidError is a refusal that names the resources.
type invalidError struct {
	*StatusError
	list []Invalid
}

// Unwrap returns the answer.
func (e *invalidError) Unwrap() error { return e.StatusError }

// validateLimit is how much is validated in one request, well below what the API takes.
const validateLimit = 1 << 20

// Refused is an item and what the gateway has against it.
type Refused struct {
	Item declare.Item
	Text string
}

// Validate asks the gateway what it thinks of the items, without changing anything. It returns false where the gateway cannot say.
func (c *Client) Validate(ctx context.Context, items []declare.Item) ([]Refused, bool, error) {
	var out []Refused
	for part := range parts(items) {
		doc, at := declare.Lists(part)
		err := c.call(ctx, http.MethodPost, "configs/validate", doc, nil)
		var invalid *invalidError
		switch {
		case err == nil:
		case errors.As(err, &invalid):
			out = append(out, invalid.refused(at)...)
		case errors.Is(err, declare.ErrNotFound):
			return nil, false, nil
		default:
			return nil, false, fmt.Errorf("validate: %w", err)
		}
	}
	return out, true, nil
}

func (e *invalidError) refused(at map[string][]declare.Item) []Refused {
	var out []Refused
	for _, i := range e.list {
		n, err := i.Index.Int64()
		if items := at[i.Kind]; err == nil && n >= 0 && int(n) < len(items) {
			out = append(out, Refused{items[n], i.Text})
		} else {
			out = append(out, Refused{Text: i.Kind + ": " + i.Text})
		}
	}
	return out
}

// parts splits items into parts that fit into a request each.
func parts(items []declare.Item) func(yield func([]declare.Item) bool) {
	return func(yield func([]declare.Item) bool) {
		start, size := 0, 0
		for i, it := range items {
			n := len(it.Text()) + len(it.Key) + 16
			if size+n > validateLimit && i > start {
				if !yield(items[start:i]) {
					return
				}
				start, size = i, 0
			}
			size += n
		}
		if start < len(items) {
			yield(slices.Clip(items[start:]))
		}
	}
}
