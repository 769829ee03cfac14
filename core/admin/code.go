package admin

import (
	"net/http"
	"strings"

	"github.com/polygate/polygate/core/admin/document"
)

// checkCode refuses documents that bring code, unless the client may configure it.
func checkCode(q *request, doc *document.Value) error {
	if q.who.role == RoleAdmin {
		return nil
	}
	if what := codeIn(doc); what != "" {
		return fail(http.StatusForbidden, "role "+string(q.who.role)+" may not configure code: "+what)
	}
	return nil
}

// codeIn names the first part of a document that is code or starts programs, "" where there is none.
func codeIn(doc *document.Value) string {
	for _, name := range []string{"script", "script_id", "filter_func"} {
		if doc.Get(name) != nil {
			return name
		}
	}
	what := ""
	doc.Get("plugins").Each(func(name string, conf *document.Value) bool {
		switch {
		case strings.HasPrefix(name, "serverless-"), strings.HasPrefix(name, "ext-plugin-"):
			what = "plugins." + name
		case conf.Path("_meta", "pre_function") != nil:
			what = "plugins." + name + "._meta.pre_function"
		}
		return what == ""
	})
	return what
}
