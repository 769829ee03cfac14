package core

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/core/transport"
)

// variable is one that a plugin has set.
type variable struct{ name, value string }

// SetVar sets a variable for the rest of the request. Those that steer the upstream request are acted upon.
func (x *exchange) SetVar(name, value string) {
	switch name {
	case "upstream_host":
		x.setUpstreamHost(value)
	case "upstream_uri":
		x.setUpstreamURI(value)
	}
	for i := range x.vars {
		if x.vars[i].name == name {
			x.vars[i].value = value
			return
		}
	}
	x.vars = append(x.vars, variable{name, value})
}

// setUpstreamHost sets the Host field for the upstream; empty: the one that its configuration gives.
func (x *exchange) setUpstreamHost(host string) {
	if !transport.ValidValue(host) || strings.ContainsAny(host, " \t/?#@,;\\\"<>") {
		x.blame("set the upstream's host to %q, which is not a host", host)
		return
	}
	x.upstreamHost = host
}

// setUpstreamURI makes the upstream see another target than everybody else. It is what use_real_request_uri_unsafe asks for: the one
// way around the rule that there is one path.
func (x *exchange) setUpstreamURI(target string) {
	path, query, _ := strings.Cut(target, "?")
	if path == "" || path[0] != '/' || !sendable(target) {
		x.blame("set upstream_uri to %q, which is not a target", target)
		return
	}
	x.req.RawPath, x.req.Query = path, query
}

// sendable tells whether s has only bytes that may stand in a request line.
func sendable(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 0x20 || c == 0x7f || c == '#' {
			return false
		}
	}
	return true
}

// Var returns a variable of the request (apisix/core/ctx.lua and nginx's variables).
func (x *exchange) Var(name string) (string, bool) {
	x.req.Own()
	for i := range x.vars {
		if x.vars[i].name == name {
			return x.vars[i].value, true
		}
	}
	if v, ok := x.requestVar(name); ok {
		return v, true
	}
	if v, ok := x.responseVar(name); ok {
		return v, true
	}
	if v, ok := x.routeVar(name); ok {
		return v, true
	}
	return x.prefixedVar(name)
}

func (x *exchange) requestVar(name string) (string, bool) {
	switch name {
	case "remote_addr":
		return x.remoteText, true
	case "uri", "document_uri":
		return x.req.Path, true
	case "request_uri":
		return joinQuery(x.req.RawPath, x.req.Query), true
	case "real_request_uri":
		return x.req.Target, true
	case "method", "request_method":
		return x.req.Method, true
	case "args", "query_string":
		return x.req.Query, true
	case "is_args":
		if x.req.Query == "" {
			return "", true
		}
		return "?", true
	case "host":
		return hostName(x.req.Host), true
	case "http_host":
		return x.req.Host, x.req.Host != ""
	case "scheme":
		return x.scheme(), true
	case "request":
		if x.req.Method == "" { // of a request that could not be read
			return "", false
		}
		return x.req.Method + " " + x.req.Target + " " + x.protocol(), true
	case "server_protocol":
		return x.protocol(), true
	case "content_type":
		return found(x.req.Fields.Get("Content-Type"))
	case "content_length":
		return found(x.req.Fields.Get("Content-Length"))
	case "cookie":
		return found(x.req.Fields.Get("Cookie"))
	}
	return x.connectionVar(name)
}

func (x *exchange) connectionVar(name string) (string, bool) {
	switch name {
	case "remote_port":
		return strconv.Itoa(int(x.peer.Remote.Port())), true
	case "realip_remote_addr":
		return x.peer.RemoteIP, true
	case "realip_remote_port":
		return strconv.Itoa(int(x.peer.Remote.Port())), true
	case "binary_remote_addr":
		return string(x.remote.AsSlice()), true
	case "server_addr":
		return x.peer.Local.Addr().String(), true
	case "server_port":
		return x.peer.LocalPort, true
	case "server_name":
		return "_", true
	case "hostname":
		return x.g.hostname, true
	case "pid":
		return strconv.Itoa(os.Getpid()), true
	case "ssl_server_name":
		if x.peer.TLS != nil {
			return found(x.peer.TLS.ServerName)
		}
	case "https":
		if x.peer.TLS != nil {
			return "on", true
		}
		return "", true
	case "remote_user":
		return "", false
	}
	return x.timeVar(name)
}

func (x *exchange) timeVar(name string) (string, bool) {
	switch name {
	case "msec":
		return seconds(time.Duration(x.start.Add(x.elapsed()).UnixMilli()) * time.Millisecond), true
	case "time_iso8601":
		return x.start.Add(x.elapsed()).Format("2006-01-02T15:04:05-07:00"), true
	case "time_local":
		return x.start.Add(x.elapsed()).Format("02/Jan/2006:15:04:05 -0700"), true
	case "request_time":
		return seconds(x.elapsed()), true
	case "request_length":
		return strconv.FormatInt(x.received, 10), true
	case "bytes_sent":
		return strconv.FormatInt(x.sent, 10), true
	case "body_bytes_sent":
		return strconv.FormatInt(x.bodySent, 10), true
	}
	return "", false
}

func (x *exchange) elapsed() time.Duration {
	if x.took > 0 {
		return x.took
	}
	return time.Since(x.start)
}

func (x *exchange) responseVar(name string) (string, bool) {
	switch name {
	case "status":
		if x.responding {
			return strconv.Itoa(x.resp.Status), true
		}
		return "000", true
	case "upstream_addr", "upstream_status", "upstream_response_time", "upstream_connect_time", "upstream_header_time":
		if len(x.tries) == 0 {
			return "", false
		}
		return x.upstreamVar(name), true
	case "upstream_host":
		if x.node != nil {
			return x.hostFor(x.route.upstream, x.node), true
		}
		return found(orElse(x.upstreamHost, x.req.Host))
	case "upstream_scheme":
		if x.route != nil && x.route.upstream != nil {
			return x.route.upstream.Scheme, true
		}
		return "http", true
	case "upstream_uri":
		return joinQuery(x.req.RawPath, x.req.Query), true
	case "balancer_ip":
		if x.call != nil || len(x.tries) > 0 {
			return found(x.balancerIP)
		}
	case "balancer_port":
		if x.node != nil {
			return strconv.Itoa(x.node.Port), true
		}
	case "upstream_unresolved_host":
		if x.node != nil {
			return x.node.Host, true
		}
	}
	return "", false
}

// upstreamVar lists a figure for every node that was tried, as nginx does.
func (x *exchange) upstreamVar(name string) string {
	if len(x.tries) == 1 && name == "upstream_addr" {
		return x.tries[0].addr
	}
	var b []byte
	for i := range x.tries {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = x.tries[i].append(b, name)
	}
	return string(b)
}

func (t *tried) append(b []byte, name string) []byte {
	switch {
	case name == "upstream_addr":
		return append(b, t.addr...)
	case name == "upstream_status" && t.status > 0:
		return strconv.AppendInt(b, int64(t.status), 10)
	case name == "upstream_response_time":
		return appendSeconds(b, t.took)
	case name == "upstream_connect_time":
		return appendSeconds(b, t.connect)
	case name == "upstream_header_time" && t.header > 0:
		return appendSeconds(b, t.header)
	}
	return append(b, '-')
}

func (x *exchange) upstreamStatus() string { return x.upstreamVar("upstream_status") }

func (x *exchange) routeVar(name string) (string, bool) {
	switch name {
	case "consumer_name":
		if x.consumer != nil {
			return x.consumer.Username, true
		}
	case "consumer_group_id":
		if x.consumer != nil {
			return found(x.consumer.GroupID)
		}
	}
	if x.route == nil {
		return "", false
	}
	switch name {
	case "route_id":
		return x.route.id, true
	case "route_name":
		return found(x.route.name)
	case "service_id":
		return found(x.route.serviceID)
	case "service_name":
		return found(x.route.serviceName)
	case "matched_uri":
		return x.matched.Path, true
	case "matched_host":
		return found(x.matched.Host)
	}
	return "", false
}

func (x *exchange) prefixedVar(name string) (string, bool) {
	prefix, rest, ok := strings.Cut(name, "_")
	if !ok {
		return "", false
	}
	switch prefix {
	case "arg":
		return queryArg(x.req.Query, rest)
	case "http":
		if v, ok := joined(x.req.Fields.List, rest); ok {
			return v, true
		}
		return found(x.forwarded.named(rest))
	case "cookie":
		return cookie(x.req.Fields.List, rest)
	case "uri":
		if param, ok := strings.CutPrefix(rest, "param_"); ok {
			return x.matched.Param(param)
		}
	case "sent":
		if field, ok := strings.CutPrefix(rest, "http_"); ok && x.responding {
			return joined(x.resp.Fields.List, field)
		}
	case "upstream":
		if field, ok := strings.CutPrefix(rest, "http_"); ok && len(x.tries) > 0 {
			return joined(x.resp.Fields.List, field)
		}
	case "graphql":
		return x.graphQLVar(rest)
	case "post":
		if field, ok := strings.CutPrefix(rest, "arg_"); ok {
			return x.postArg(field)
		}
	}
	return "", false
}

func (x *exchange) protocol() string {
	if x.req.Minor == 0 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}
