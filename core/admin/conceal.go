package admin

import (
	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/admin/document"
)

// conceal removes from a document what the client of a request must not see: private keys of certificates always, and for
// viewers every secret.
func (h *handler) conceal(q *request, doc *document.Value) {
	for _, name := range q.kind.Private {
		doc.Delete(name)
	}
	if q.who.role == RoleViewer {
		describe.Redact(h.catalog, q.kind, doc)
	}
}
