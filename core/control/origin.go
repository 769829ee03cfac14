package control

import (
	"log/slog"
	"net/http"

	"github.com/polygate/polygate/core/admin/origin"
)

// guard keeps web pages away from an API that asks for no key.
func guard(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case origin.CrossSite(r):
			fail(http.StatusForbidden, "cross-site request").send(w, log)
		case origin.Rebound(r):
			fail(http.StatusForbidden, "the Host is not a name of this machine: use localhost or an address").send(w, log)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
