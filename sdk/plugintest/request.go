package plugintest

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/polygate/polygate/sdk"
)

var (
	_ sdk.Request = (*request)(nil)
	_ sdk.Body    = (*request)(nil)
)

type request struct {
	x      *Exchange
	method string
	path   string
	query  string
	rawURI string
	header Header
	body   []byte
}

func (r *request) Method() string { return r.method }

func (r *request) SetMethod(method string) {
	if !isToken(method) {
		r.x.refuse("invalid method %q", method)
		return
	}
	r.method = method
}

func (r *request) Path() string { return r.path }

func (r *request) SetPath(path string) { r.path = canonical(path) }

func (r *request) Query() string { return r.query }

func (r *request) SetQuery(query string) { r.query = query }

func (r *request) Header() sdk.Header { return &r.header }

func (r *request) Body() sdk.Body { return r }

// Bytes implements [sdk.Body].
func (r *request) Bytes(limit int64) ([]byte, error) {
	if int64(len(r.body)) > limit {
		return nil, sdk.ErrBodyTooLarge
	}
	return r.body, nil
}

// Set implements [sdk.Body].
func (r *request) Set(body []byte) {
	r.body = body
	r.header.Set("Content-Length", strconv.Itoa(len(body)))
}

// target is what the upstream sees: the encoded path and the query.
func (r *request) target() string {
	target := (&url.URL{Path: r.path}).EscapedPath()
	if r.query != "" {
		target += "?" + r.query
	}
	return target
}

// canonical gives path a leading slash and removes its dot segments (RFC 3986 section 5.2.4).
func canonical(path string) string {
	var kept []string
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, segment := range segments {
		last := i == len(segments)-1
		switch segment {
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		case ".":
		default:
			kept = append(kept, segment)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}
