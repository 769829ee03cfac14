// Package router finds the route of a request by its host, path, method, client address and variables.
//
// A [Router] never changes: [Router.Update] returns another one that shares almost everything with it, at a cost that depends on
// what changed and not on how many routes there are. So requests match without locks while configuration changes.
//
// The order of candidates is APISIX 3.18's (lua-resty-radixtree 2.9). Of the paths a request matches, an exact one comes before
// all others, then the one with the longest literal beginning, whatever the priorities. Only routes with the same literal
// beginning are ordered by priority (higher first), then by the length of the configured path (longer first), then by age
// (older first). The first candidate whose methods, client addresses, hosts, variables, filter function and path parameters all
// fit is the match. In [ModeHostURI] the host comes before the path in the same way: an exact host, then wildcards from the
// longest to the shortest, then routes without a host; a host whose routes do not fit falls back to the next one.
//
// Differences from APISIX, all where its behaviour is an accident of its implementation:
//   - a host in the configuration matches whatever its case, also in [ModeHostURI] and also when it has a port;
//   - in a path with wildcards or parameters the literal beginning stands for itself, and so does a later segment whose only
//     special character is ".". A later segment with others is a regular expression ("/files/:name/(raw|html)") unless it is not
//     a valid one;
//   - parameters after a named wildcard ("/a/*rest/b/:id") get their own value, not a part of the wildcard's;
//   - Match.Host is empty when the matched route has no host.
package router

import (
	"fmt"
	"net/netip"

	"github.com/polygate/polygate/internal/expr"
)

// Mode says what a router looks at first and what paths may contain.
type Mode uint8

// The modes, by the names that APISIX's configuration gives them (apisix.router.http).
const (
	ModeHostURI   Mode = iota // radixtree_host_uri: first the host, then the path
	ModeURI                   // radixtree_uri: the path alone; hosts are one of the conditions
	ModeParameter             // radixtree_uri_with_parameter: as ModeURI, and ":name" in a path is a parameter
)

// ParseMode returns the mode of that name. The empty name is the default, radixtree_host_uri.
func ParseMode(name string) (Mode, error) {
	switch name {
	case "", "radixtree_host_uri":
		return ModeHostURI, nil
	case "radixtree_uri":
		return ModeURI, nil
	case "radixtree_uri_with_parameter":
		return ModeParameter, nil
	}
	return 0, fmt.Errorf("unknown router %q: use radixtree_host_uri, radixtree_uri or radixtree_uri_with_parameter", name)
}

// String returns the mode's name in the configuration.
func (m Mode) String() string {
	switch m {
	case ModeURI:
		return "radixtree_uri"
	case ModeParameter:
		return "radixtree_uri_with_parameter"
	default:
		return "radixtree_host_uri"
	}
}

// Route is what the router has to know about a route. Neither it nor its slices are to be changed after [Router.Update] has seen it.
type Route struct {
	ID          string
	Paths       []string             // at least one
	Hosts       []string             // names, "*" in front for any beginning; none: any host
	Methods     []string             // none: any method
	RemoteAddrs []string             // addresses and CIDR blocks of clients; none: any client
	Vars        *expr.Expr           // nil: no condition
	Filter      func(expr.Vars) bool // nil: no condition
	Priority    int                  // higher first, among routes with the same literal path
	Order       int64                // lower first, among routes of the same priority; then by ID
	Value       any                  // the caller's own, returned with the match
}

// Query is what a request shows to the router.
type Query struct {
	Method     string
	Host       string     // lower case, without port and trailing dot
	HostPort   string     // as the client sent it, compared with configured hosts that contain ':' (not in ModeHostURI); empty: Host
	Path       string     // decoded and normalised
	RemoteAddr netip.Addr // of the client
	Vars       expr.Vars  // handed to Route.Vars and Route.Filter
}

// Param is a parameter of a path. The name of an unnamed wildcard is ":ext".
type Param struct {
	Name, Value string
}

// Match is the result of [Router.Match]. One may be used again and again: it keeps the memory of its parameters.
type Match struct {
	Route  *Route  // nil: no route matched
	Path   string  // the path pattern that matched, as configured
	Host   string  // the host pattern that matched, in lower case; empty if the route has no host
	Params []Param // no name occurs twice; the values are parts of Query.Path
}

// Param returns the value of the path parameter name.
func (m *Match) Param(name string) (string, bool) {
	for i := range m.Params {
		if m.Params[i].Name == name {
			return m.Params[i].Value, true
		}
	}
	return "", false
}

// set keeps the last value of a name.
func (m *Match) set(name, value string) {
	for i := range m.Params {
		if m.Params[i].Name == name {
			m.Params[i].Value = value
			return
		}
	}
	m.Params = append(m.Params, Param{Name: name, Value: value})
}

// Router is an immutable set of routes. It is safe for concurrent use. The zero value is an empty router of ModeHostURI.
type Router struct {
	mode   Mode
	gen    uint64           // generation of the change that made it, see tree
	count  int              // of routes
	byID   tree[compiled]   // all routes
	hosts  tree[hostRoutes] // by reversed host; ModeHostURI only
	routes tree[bucket]     // without a host, or all if not ModeHostURI
}

// New returns a router without routes.
func New(mode Mode) *Router {
	return &Router{mode: mode}
}

// Len returns the number of routes.
func (r *Router) Len() int { return r.count }

// Mode returns the mode that the router was made with.
func (r *Router) Mode() Mode { return r.mode }
