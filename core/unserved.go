package core

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/settings"
)

// errNoLua refuses what would have to be decided by a Lua script. Serving the route without it could let pass what it refuses.
var errNoLua = errors.New("needs the Lua host, which this gateway does not have; use plugins or vars instead")

// unserved returns an error for a resource that asks for something that this gateway does not do. To serve it all the same would be
// another behaviour than the one configured.
func unserved(value any) error {
	switch v := value.(type) {
	case *config.Route:
		switch {
		case v.FilterFunc != "":
			return fmt.Errorf("filter_func %w", errNoLua)
		case v.Script != "" || v.ScriptID != "":
			return fmt.Errorf("script %w", errNoLua)
		}
	case *config.Service:
		if v.Script != "" {
			return fmt.Errorf("script %w", errNoLua)
		}
	}
	return nil
}

// unservedParts are the warnings about a resource that is stored, for other gateways of the cluster or for later, but not served here.
func unservedParts(value any) []config.Warning {
	if _, ok := value.(*config.StreamRoute); ok {
		return []config.Warning{{Text: "layer 4 is not served: the stream route has no effect"}}
	}
	if s, ok := value.(*config.SSL); ok && s.Client != nil && len(s.Client.SkipMTLSURIRegex) > 0 {
		return []config.Warning{{Text: "client.skip_mtls_uri_regex has no effect: all requests need a client certificate"}}
	}
	if r, ok := value.(*config.Route); ok {
		for _, uri := range append([]string{r.URI}, r.URIs...) {
			if uri != "" && uri[0] != '/' && uri[0] != '*' {
				return []config.Warning{{Text: fmt.Sprintf("uri %q begins with no slash: no request has such a path", uri)}}
			}
		}
	}
	if what := unservedUpstream(upstreamOf(value)); what != "" {
		return []config.Warning{{Text: "upstream: " + what + "; requests to it are answered with 503"}}
	}
	return nil
}

// unservedUpstream tells why this gateway cannot reach an upstream; empty: it can. Requests to it fail, and say so.
func unservedUpstream(u *config.Upstream) string {
	switch {
	case u == nil:
		return ""
	case u.DiscoveryType != "":
		return "discovery_type " + u.DiscoveryType + ": this gateway has no service discovery; use nodes, which may be DNS names"
	case u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https":
		return "the scheme " + u.Scheme + " is not served; use http or https"
	}
	return ""
}

// unservedFault is what requests to such an upstream end with.
func unservedFault(what string) *Fault {
	return &Fault{Source: FaultGateway, Status: http.StatusServiceUnavailable, Op: "choose an upstream", Public: what, Err: errors.New(what)}
}

// unservedSettings returns an error for settings without which clients could not be served rightly, and warns of those that only leave
// something out.
func (g *Gateway) unservedSettings(s *settings.Settings) error {
	a := &s.APISIX
	if a.ProxyProtocol.ListenHTTPPort > 0 || a.ProxyProtocol.ListenHTTPSPort > 0 {
		return errors.New("apisix.proxy_protocol: this gateway does not read the PROXY protocol; remove the ports")
	}
	if admin := &s.Deployment.Admin; a.EnableAdmin && loopback(admin.Listen.IP) && slices.ContainsFunc(admin.Allow, wide) {
		g.log.Warn("deployment.admin.allow_admin lets in other machines, but the Admin API listens on loopback: set deployment.admin.admin_listen.ip",
			"listening", admin.Listen.String())
	}
	for _, key := range idleSettings(s) {
		g.log.Warn("a setting has no effect in this version", "setting", key)
	}
	if !slices.Equal(a.SSL.Ciphers, settings.Default().APISIX.SSL.Ciphers) {
		g.log.Warn("apisix.ssl.ssl_ciphers has no effect: the suites are those of Go's TLS, which has no weak ones")
	}
	for _, l := range append(slices.Clone(a.NodeListen), a.SSL.Listen...) {
		if l.ProxyProtocol {
			return fmt.Errorf("the listener %s: this gateway does not read the PROXY protocol", l)
		}
		if l.HTTP3 {
			g.log.Warn("HTTP/3 is not served; clients fall back to HTTP/1.1", "listener", l.String())
		}
	}
	return nil
}

// idleSettings names what is set and has no effect.
func idleSettings(s *settings.Settings) []string {
	a := &s.APISIX
	var idle []string
	for _, setting := range []struct {
		key  string
		used bool
	}{
		{"apisix.proxy_mode: layer 4 is not served", a.Stream()},
		{"apisix.tracing", a.Tracing},
		{"apisix.extra_lua_path", a.ExtraLuaPath != ""},
		{"apisix.lua_module_hook", a.LuaModuleHook != ""},
		{"discovery", len(s.Discovery) > 0},
		{"ext-plugin.cmd", len(s.ExtPlugin.Cmd) > 0},
		{"wasm.plugins", len(s.Wasm.Plugins) > 0},
		{"xrpc", s.XRPC != nil},
	} {
		if setting.used {
			idle = append(idle, setting.key)
		}
	}
	return idle
}

func loopback(ip string) bool {
	addr, err := netip.ParseAddr(ip)
	return err == nil && addr.IsLoopback()
}

// wide tells whether addresses of other machines are among those of a network.
func wide(p netip.Prefix) bool { return !p.Addr().IsLoopback() }
