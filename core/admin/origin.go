package admin

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// answerCORS adds the header fields that let pages of other sites call the API, and reports whether it has answered a preflight.
func (h *handler) answerCORS(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Credentials", "true")
	header.Set("Access-Control-Max-Age", "3600")
	if r.Method != http.MethodOptions {
		header.Set("Access-Control-Expose-Headers", "*")
		return false
	}
	header.Set("Access-Control-Allow-Methods", "POST, GET, PUT, OPTIONS, DELETE, PATCH")
	header.Set("Access-Control-Allow-Headers", "*")
	header.Set("Content-Type", "text/plain")
	header.Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
	return true
}

// checkOrigin refuses clients by their address, and what a browser sends on behalf of another site.
func (h *handler) checkOrigin(r *http.Request, addr netip.Addr) error {
	if !h.allowed(addr) {
		err := fail(http.StatusForbidden, "client address is not in allow_admin")
		h.auditRefusal(r, addr, identity{}, err)
		return err
	}
	if !h.cors && crossSite(r) {
		err := fail(http.StatusForbidden, "cross-site request: set enable_admin_cors to allow them")
		h.auditRefusal(r, addr, identity{}, err)
		return err
	}
	return nil
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

// clientAddr returns the address at the other end of the connection; the zero Addr for Unix sockets. Header fields that claim
// another one are not looked at.
func clientAddr(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
