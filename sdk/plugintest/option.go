package plugintest

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/polygate/polygate/sdk"
)

// Option changes the request that [New] makes.
type Option func(*Exchange)

// Upstream is the answer of the node behind the gateway.
type Upstream struct {
	Status int
	Header []Field
	Chunks []string // the body, as it arrives; the last one is the last chunk
}

// WithContext replaces the context, which is [context.Background] otherwise.
func WithContext(ctx context.Context) Option { return func(x *Exchange) { x.ctx = ctx } }

// WithMethod sets the method.
func WithMethod(method string) Option { return func(x *Exchange) { x.req.method = method } }

// WithTarget sets the path and the query from a request target such as "/a%20b?x=1". It panics on one that does not begin
// with a slash or has a bad escape.
func WithTarget(target string) Option {
	path, query, _ := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil || !strings.HasPrefix(decoded, "/") {
		panic(fmt.Sprintf("plugintest: invalid target %q", target))
	}
	return func(x *Exchange) {
		x.req.rawURI = target
		x.req.path = canonical(decoded)
		x.req.query = query
	}
}

// WithHeader appends a field to the request's header.
func WithHeader(name, value string) Option {
	return func(x *Exchange) { x.req.header.Add(name, value) }
}

// WithBody sets the request's body and its Content-Length.
func WithBody(body string) Option { return func(x *Exchange) { x.req.Set([]byte(body)) } }

// WithVar sets a variable.
func WithVar(name, value string) Option { return func(x *Exchange) { x.vars[name] = value } }

// WithRemoteAddr sets the client's address.
func WithRemoteAddr(addr string) Option { return func(x *Exchange) { x.remote = addr } }

// WithConsumer puts c into the table of consumers, to be found by that credential of that plugin.
func WithConsumer(plugin, credential string, c *sdk.Consumer) Option {
	return func(x *Exchange) {
		x.consumers.table = append(x.consumers.table, entry{plugin, credential, c})
	}
}

// WithUpstream sets what the upstream answers.
func WithUpstream(u Upstream) Option { return func(x *Exchange) { x.upstream = u } }
