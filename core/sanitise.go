package core

import (
	"net/netip"
	"strings"

	"github.com/polygate/polygate/core/transport"
)

// forwardedFields are the header fields in which proxies pass on what they know of a client.
type forwardedFields struct {
	For, Proto, Host, Port string // as the peer sent them, empty unless it is trusted
}

// sanitise takes from the request what only the gateway or a trusted peer may say, before anything else looks at it.
func (x *exchange) sanitise() {
	x.remote, x.remoteText = x.peer.Remote.Addr(), x.peer.RemoteIP
	x.node = nil
	for i := range x.req.Hops {
		x.req.Fields.Del(x.req.Hops[i])
	}
	marked := false
	for i := range x.req.Fields.List {
		switch x.req.Fields.List[i].ID {
		case transport.FieldForwarded, transport.FieldIdentity, transport.FieldProxy:
			marked = true
		default:
		}
	}
	if marked {
		x.takeMarked()
	}
}

func (x *exchange) takeMarked() {
	peer := x.peer.Remote.Addr()
	trusted, realIP := x.g.trusted.Contains(peer), x.g.realIPFrom.Contains(peer)
	kept := x.req.Fields.List[:0]
	for _, f := range x.req.Fields.List {
		switch f.ID {
		case transport.FieldIdentity, transport.FieldProxy:
		case transport.FieldForwarded:
			if trusted && !x.forwarded.take(f) {
				kept = append(kept, f)
			}
			if realIP && transport.EqualFold(f.Name, x.g.realIPHeader) {
				x.takeRealIP(f.Value)
			}
		default:
			kept = append(kept, f)
		}
	}
	clear(x.req.Fields.List[len(kept):])
	x.req.Fields.List = kept
}

// take notes a field of a trusted peer that the gateway puts together anew, and tells whether it is such a one.
func (f *forwardedFields) take(field transport.Field) bool {
	switch {
	case transport.EqualFold(field.Name, "X-Forwarded-For"):
		if f.For != "" {
			f.For += ", "
		}
		f.For += strings.Clone(field.Value)
	case transport.EqualFold(field.Name, "X-Forwarded-Proto"):
		f.Proto = strings.Clone(field.Value)
	case transport.EqualFold(field.Name, "X-Forwarded-Host"):
		f.Host = strings.Clone(field.Value)
	case transport.EqualFold(field.Name, "X-Forwarded-Port"):
		f.Port = strings.Clone(field.Value)
	default:
		return transport.EqualFold(field.Name, "X-Real-IP")
	}
	return true
}

// named returns the field that a variable's name stands for.
func (f *forwardedFields) named(variable string) string {
	switch variable {
	case "x_forwarded_for":
		return f.For
	case "x_forwarded_proto":
		return f.Proto
	case "x_forwarded_host":
		return f.Host
	case "x_forwarded_port":
		return f.Port
	}
	return ""
}

// takeRealIP believes the last address of the header, or, with real_ip_recursive, the last one that is not itself trusted.
func (x *exchange) takeRealIP(value string) {
	for value != "" {
		item := value
		if i := strings.LastIndexByte(value, ','); i >= 0 {
			item, value = value[i+1:], value[:i]
		} else {
			value = ""
		}
		addr, err := netip.ParseAddr(strings.TrimSpace(item))
		if err != nil {
			return
		}
		addr = addr.Unmap()
		x.remote, x.remoteText = addr, addr.String()
		if !x.g.realIPRecursive || !x.g.realIPFrom.Contains(addr) {
			return
		}
	}
}

// scheme returns how the client came.
func (x *exchange) scheme() string {
	if x.peer.TLS != nil {
		return "https"
	}
	return "http"
}

// forwardedPrefix puts together the header lines that tell the upstream of the client. A field that a plugin has set stands.
func (x *exchange) forwardedPrefix(b []byte) []byte {
	f := &x.forwarded
	set := false
	for i := range x.req.Fields.List {
		set = set || x.req.Fields.List[i].ID == transport.FieldForwarded
	}
	forwardedFor := x.peer.RemoteIP
	if f.For != "" {
		forwardedFor = f.For + ", " + forwardedFor
	}
	b = x.forwardedLine(b, set, "X-Real-IP", x.remoteText)
	b = x.forwardedLine(b, set, "X-Forwarded-For", forwardedFor)
	b = x.forwardedLine(b, set, "X-Forwarded-Proto", orElse(f.Proto, x.scheme()))
	b = x.forwardedLine(b, set, "X-Forwarded-Host", orElse(f.Host, x.req.Host))
	return x.forwardedLine(b, set, "X-Forwarded-Port", orElse(f.Port, x.peer.LocalPort))
}

func (x *exchange) forwardedLine(b []byte, check bool, name, value string) []byte {
	if check && x.req.Fields.Has(name) || value == "" {
		return b
	}
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
