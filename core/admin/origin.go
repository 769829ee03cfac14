package admin

import (
	"net/http"
	"net/netip"

	"github.com/polygate/polygate/core/admin/origin"
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
	var why string
	switch {
	case !h.allowed(addr):
		why = "client address is not in allow_admin"
	case !h.cors && origin.CrossSite(r):
		why = "cross-site request: set enable_admin_cors to allow them"
	case !h.keys.required && origin.Rebound(r):
		// With a key there is nothing to fear: a page does not know it.
		why = "the Host is not a name of this machine: use localhost or an address"
	default:
		return nil
	}
	err := fail(http.StatusForbidden, why)
	h.auditRefusal(r, addr, identity{}, err)
	return err
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
