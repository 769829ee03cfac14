package admin

import (
	"io"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

const root = "/apisix/admin"

// request is a request that has passed the gates.
type request struct {
	*http.Request
	who   identity
	addr  netip.Addr
	segs  []string // of the path behind the root, decoded; none is empty
	query url.Values

	kind   *config.Kind
	parent string          // the id of the owner of a sub resource, the manager of a secret; else empty
	id     string          // from the path, empty where there is none
	sub    []string        // the path behind the id
	body   *document.Value // nil where there is none
	ttl    time.Duration   // 0: for ever
}

// is reports whether the path is these segments.
func (q *request) is(segs ...string) bool {
	return strings.Join(q.segs, "/") == strings.Join(segs, "/")
}

// splitPath returns the segments of the path behind the root. A path that could be read in two ways is refused: one with dot
// segments, empty segments, or encoded slashes.
func splitPath(r *http.Request) ([]string, error) {
	rest, ok := strings.CutPrefix(r.URL.Path, root)
	if !ok || rest != "" && rest[0] != '/' {
		return nil, notFound()
	}
	segs := strings.Split(strings.TrimSuffix(strings.TrimPrefix(rest, "/"), "/"), "/")
	if len(segs) == 1 && segs[0] == "" && rest != "//" {
		return nil, nil
	}
	encoded := strings.ToLower(r.URL.EscapedPath())
	if strings.Contains(encoded, "%2f") || strings.Contains(encoded, "%5c") || strings.Contains(encoded, "%00") {
		return nil, badRequest("invalid path: encoded separators are not allowed")
	}
	for _, seg := range segs {
		if seg == "" || seg == "." || seg == ".." {
			return nil, badRequest("invalid path: empty and dot segments are not allowed")
		}
	}
	return segs, nil
}

// resolve takes the kind, the owner and the id out of the path.
func (q *request) resolve() error {
	rest := q.segs[1:]
	if len(rest) > 1 {
		if child, ok := config.KindOf(rest[1]); ok && child.Parent == q.segs[0] {
			q.kind, q.parent = child, rest[0]
			q.take(rest[2:])
			return nil
		}
	}
	kind, ok := config.KindOf(q.segs[0])
	switch {
	case ok && kind.Name == decorations:
		return badRequest("missing service id")
	case !ok, kind.Parent != "":
		return fail(http.StatusNotFound, "Unsupported resource type: "+q.segs[0])
	}
	q.kind = kind
	if kind.Identity == config.ByManager && len(rest) > 0 {
		q.parent, rest = rest[0], rest[1:]
	}
	q.take(rest)
	return nil
}

// take takes the id and what is behind it.
func (q *request) take(rest []string) {
	if len(rest) > 0 {
		q.id, q.sub = rest[0], rest[1:]
	}
}

// key returns the store's key of the resource with that id.
func (q *request) key(id string) string { return q.kind.Key(q.parent, id) }

// folder is what the keys of a list begin with. It is the same for the secrets of all managers, as in APISIX.
func (q *request) folder() string {
	if q.kind.Parent == "" {
		return q.kind.Name + "/"
	}
	return q.kind.Key(q.parent, "")
}

// owner returns the key of the resource that owns a sub resource.
func (q *request) owner() string { return q.kind.Parent + "/" + q.parent }

// below returns an id as the checks know it: with the owner's, or with the manager. An empty one is yet to be made.
func (q *request) below(id string) string {
	switch {
	case q.kind.Parent != "":
		return strings.TrimPrefix(q.key(id), q.kind.Parent+"/")
	case q.parent != "":
		return q.parent + "/" + id
	}
	return id
}

// read reads the body and the arguments that all methods have in common.
func (q *request) read() error {
	data, err := q.readBody()
	if err != nil {
		return err
	}
	if len(data) > 0 {
		if q.body, err = document.Parse(data); err != nil {
			text := "invalid request body: " + err.Error()
			return &failure{text: text, reply: reply{
				status: http.StatusBadRequest,
				body:   message{Text: text, Body: string(data)},
			}}
		}
	}
	return q.readTTL()
}

func (q *request) readBody() ([]byte, error) {
	size := q.ContentLength
	if size <= MaxBody {
		data, err := io.ReadAll(io.LimitReader(q.Body, MaxBody+1))
		if err != nil {
			return nil, badRequest("invalid request body: " + err.Error())
		}
		if len(data) <= MaxBody {
			return data, nil
		}
		size = int64(len(data))
	}
	return nil, badRequest("invalid request body: request size " + strconv.FormatInt(size, 10) +
		" is greater than the maximum size " + strconv.Itoa(MaxBody) + " allowed")
}

func (q *request) readTTL() error {
	if !q.query.Has("ttl") {
		return nil
	}
	secs, err := strconv.ParseFloat(q.query.Get("ttl"), 64)
	switch {
	case err != nil, math.IsNaN(secs):
		return badRequest("invalid argument ttl: should be a number")
	case secs <= 0, secs > 9e9: // etcd's limit; a Duration holds a little more
		return badRequest("invalid argument ttl: should be between 1 and 9000000000 seconds")
	}
	q.ttl = time.Duration(secs * float64(time.Second))
	return nil
}

// object returns the body of a write, which must be an object. An empty array is an empty object, as it is for Lua.
func (q *request) object() (*document.Value, error) {
	switch {
	case q.body == nil:
		return nil, badRequest("missing configurations")
	case q.body.IsArray() && q.body.IsEmpty():
		return document.Object(), nil
	case !q.body.IsObject():
		return nil, badRequest("invalid configuration: wrong type: expected object, got " + q.body.Kind())
	}
	return q.body, nil
}
