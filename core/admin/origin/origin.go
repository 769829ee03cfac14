// Package origin tells apart what a browser sends for somebody else's page from what its user or another client sends. It serves
// the APIs by which a gateway is looked at and configured.
package origin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// CrossSite reports whether a browser says that another site made the request. Other clients send neither header field.
func CrossSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return true
	}
	for _, origin := range r.Header.Values("Origin") {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
			return true
		}
	}
	return false
}

// Rebound reports whether a request came to a loopback address with a Host that is neither an address nor a name of this machine: that is
// how a page reaches loopback addresses whose name its owner lets point there.
func Rebound(r *http.Request) bool { return throughLoopback(r) && !localName(r.Host) }

func throughLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// localName tells whether a Host field has an address, localhost or the machine's own name, with or without a port.
func localName(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	self, err := os.Hostname()
	return err == nil && strings.EqualFold(name, self)
}
