package proxyrewrite

import (
	"net/url"
	"strings"

	"github.com/polygate/polygate/internal/template"
	"github.com/polygate/polygate/sdk"
)

// target rewrites the path and the query and returns the groups of the regular expression that matched, nil where none did or
// nobody needs them.
type target func(sdk.Exchange) (captures []string, err error)

// newTarget decides how the target is rewritten; nil where it is not.
func newTarget(conf *config, pairs pairs, captures bool) target {
	switch {
	case conf.URI != nil && conf.Unsafe:
		return rawTemplate(*conf.URI)
	case conf.URI != nil:
		return uriTemplate(*conf.URI)
	case conf.Unsafe:
		return func(x sdk.Exchange) ([]string, error) { return pairs.rewriteRaw(x, captures) }
	case len(pairs) > 0:
		return func(x sdk.Exchange) ([]string, error) { return pairs.rewrite(x, captures) }
	}
	return nil
}

// uriTemplate sets path and query from a template. The client's query is put behind the template's own.
func uriTemplate(uri string) target {
	path, query := template.Compile(uri).Cut('?')
	return func(x sdk.Exchange) ([]string, error) {
		src := template.Source{Vars: x, Escape: template.EscapeMark}
		newPath := path.Text(src)
		if query != nil {
			setQuery(x, query.Text(src))
		}
		return nil, setPath(x, newPath)
	}
}

// rawTemplate is uriTemplate without escaping.
func rawTemplate(uri string) target {
	compiled := template.Compile(uri)
	return func(x sdk.Exchange) ([]string, error) {
		text := compiled.Text(template.Source{Vars: x, Escape: template.EscapeMark})
		if _, query, ok := strings.Cut(rawTarget(x), "?"); ok {
			separator := "?"
			if strings.Contains(text, "?") {
				separator = "&"
			}
			text += separator + query
		}
		return nil, setRaw(x, text)
	}
}

// setQuery puts the client's query behind query.
func setQuery(x sdk.Exchange, query string) {
	req := x.Request()
	query = escape(query)
	if old := req.Query(); old != "" && query != "" {
		query += "&" + old
	} else if query == "" {
		query = old
	}
	req.SetQuery(query)
}

// rawTarget returns path and query as the client sent them.
func rawTarget(x sdk.Exchange) string {
	if raw, ok := x.Var("real_request_uri"); ok {
		return raw
	}
	raw, _ := x.Var("request_uri")
	return raw
}

// setRaw sets path and query to encoded ones. The variable upstream_uri keeps the spelling of the path.
func setRaw(x sdk.Exchange, raw string) error {
	raw = escape(raw)
	path, query, _ := strings.Cut(raw, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	if err := setPath(x, path); err != nil {
		return err
	}
	x.Request().SetQuery(query)
	x.SetVar("upstream_uri", raw)
	return nil
}

// setPath sets the decoded path. Bytes that no path can have come from the client, by way of a variable.
func setPath(x sdk.Exchange, path string) error {
	if strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\\' }) {
		return x.Exit(400, map[string]string{"error_msg": "400 Bad Request: the rewritten path has a control byte or a backslash"})
	}
	x.Request().SetPath(path)
	return nil
}

// escape encodes the bytes that can not stand in a request line.
func escape(s string) string {
	if strings.IndexFunc(s, isForbidden) < 0 {
		return s
	}
	const hex = "0123456789ABCDEF"
	out := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		if c := s[i]; isForbidden(rune(c)) {
			out = append(out, '%', hex[c>>4], hex[c&15])
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

func isForbidden(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }
