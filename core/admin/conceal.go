package admin

import (
	"slices"

	"github.com/polygate/polygate/core/admin/describe"
	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

// conceal removes from a stored document what the client of a request must not see: private keys of certificates always, and for
// viewers every secret.
func conceal(catalog *config.Catalog, q *request, doc *document.Value) {
	for _, name := range q.kind.Private {
		doc.Delete(name)
	}
	if q.who.role == RoleViewer {
		describe.Redact(catalog, q.kind, doc)
	}
}

// concealPlain removes the private keys of certificates from a document that was just written. Why not all of them? The answer to a
// write shows what is stored, as in APISIX: clients look for the key there, and find it encrypted.
func concealPlain(q *request, doc *document.Value) {
	for _, name := range q.kind.Private {
		value := doc.Get(name)
		text, _ := value.Text()
		if isPEM(text) || slices.ContainsFunc(value.Items(), holdsPEM) {
			doc.Delete(name)
		}
	}
}

func holdsPEM(v *document.Value) bool {
	text, _ := v.Text()
	return isPEM(text)
}
