package control

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// guard keeps web pages away from an API that asks for no key. It refuses what a browser sends on behalf of another site, and, on a
// connection to a loopback address, a Host that is neither an address nor a name of this machine: that is how a page reaches
// loopback addresses whose name its owner lets point there.
func guard(log *slog.Logger, next http.Handler) http.Handler {
	self, err := os.Hostname()
	if err != nil {
		self = "localhost"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case crossSite(r):
			fail(http.StatusForbidden, "cross-site request").send(w, log)
		case throughLoopback(r) && !localName(r.Host, self):
			fail(http.StatusForbidden, "the Host is not a name of this machine: use localhost or an address").send(w, log)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// crossSite reports whether a browser says that another site made the request. Other clients send neither header field.
func crossSite(r *http.Request) bool {
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

func throughLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ok && addr.IP.IsLoopback()
}

// localName tells whether a Host field has an address, localhost or the machine's own name, with or without a port.
func localName(host, self string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") || strings.EqualFold(name, self)
}
