package admin

import (
	"net/http"
	"net/netip"
)

// audit writes the line about a change. The logger adds the time.
func (h *handler) audit(q *request, key string, status int, revision int64) {
	h.log.Info("admin change",
		"key_name", q.who.name, "ip", ipText(q.addr), "method", q.Method, "path", q.URL.Path,
		"resource", key, "status", status, "revision", revision)
}

// auditRefusal writes the line about a request that was not let in.
func (h *handler) auditRefusal(r *http.Request, addr netip.Addr, who identity, why error) {
	h.log.Warn("admin request refused",
		"key_name", who.name, "ip", ipText(addr), "method", r.Method, "path", r.URL.Path, "reason", why.Error())
}

func ipText(addr netip.Addr) string {
	if !addr.IsValid() {
		return "unix:"
	}
	return addr.String()
}
