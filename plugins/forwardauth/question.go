package forwardauth

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/polygate/polygate/internal/template"
)

// question is a request to the authorization service.
type question struct {
	method string
	host   string // empty: that of the service
	header http.Header
	body   []byte
}

func newQuestion(method string) *question {
	return &question{method: method, header: http.Header{}}
}

// has tells whether a field of that name was set.
func (q *question) has(name string) bool {
	if strings.EqualFold(name, "Host") {
		return q.host != ""
	}
	return q.header[http.CanonicalHeaderKey(name)] != nil
}

// set puts a field in place of all of that name. What can not be sent is an error.
func (q *question) set(name string, values ...string) error {
	for _, value := range values {
		if err := template.CheckField(name, value); err != nil {
			return fmt.Errorf("%w: %s", err, name)
		}
	}
	if strings.EqualFold(name, "Host") {
		q.host = values[0]
		return nil
	}
	q.header[http.CanonicalHeaderKey(name)] = values
	return nil
}

func (q *question) request(ctx context.Context, to *url.URL) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, q.method, to.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	request.Header = q.header
	if !q.has("Idempotency-Key") {
		// Asking twice does no harm. Without values net/http sends no such field, and asks again when a kept connection was just closed.
		request.Header["Idempotency-Key"] = []string{}
	}
	if !q.has("User-Agent") {
		request.Header.Set("User-Agent", "polygate")
	}
	if q.host != "" {
		request.Host = q.host
	}
	return request, nil
}

// passable leaves out the names of the fields that are about one connection or about the framing of one message: they are never true
// of another one.
func passable(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), framing)
}

func framing(name string) bool {
	switch strings.ToLower(name) {
	case "connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return false
}
