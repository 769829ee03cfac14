package control

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// explain answers what would become of a request, as JSON or, where plain text is asked for, for people.
func (a *api) explain(r *http.Request) reply {
	q, err := questionOf(r.URL.RawQuery)
	if err != nil {
		return fail(http.StatusBadRequest, err.Error())
	}
	e, err := a.source.Explain(q)
	if err != nil {
		return fail(http.StatusBadRequest, err.Error())
	}
	if strings.Contains(r.Header.Get("Accept"), "text/plain") {
		return reply{status: http.StatusOK, text: explanationText(e), media: "text/plain; charset=utf-8"}
	}
	return ok(e)
}

// questionOf reads a question from the query of /v1/explain. A parameter that is not known is an error: a question with a part left
// out would be answered wrongly.
func questionOf(query string) (Question, error) {
	var q Question
	params, err := url.ParseQuery(query)
	if err != nil {
		return q, fmt.Errorf("query: %w", err)
	}
	plain := map[string]*string{
		"method": &q.Method, "host": &q.Host, "uri": &q.URI, "remote_addr": &q.RemoteAddr, "scheme": &q.Scheme, "consumer": &q.Consumer,
	}
	var cookies []string
	for _, name := range sortedNames(params) {
		values := params[name]
		kind, rest, _ := strings.Cut(name, ".")
		switch {
		case kind == "header" && rest != "":
			for _, v := range values {
				q.Header = append(q.Header, Field{Name: rest, Value: v})
			}
			continue
		case kind == "cookie" && rest != "":
			for _, v := range values {
				cookies = append(cookies, rest+"="+v)
			}
			continue
		case len(values) > 1:
			return q, fmt.Errorf("%s: given more than once", name)
		case name == "port":
			if q.Port, err = strconv.Atoi(values[0]); err != nil || q.Port < 1 || q.Port > 65535 {
				return q, fmt.Errorf("port: %q is not one from 1 to 65535", values[0])
			}
			continue
		case plain[name] == nil:
			return q, fmt.Errorf("%s: unknown parameter: use method, host, uri, remote_addr, scheme, port, consumer, header.<name> and cookie.<name>", name)
		}
		*plain[name] = values[0]
	}
	if len(cookies) > 0 {
		q.Header = append(q.Header, Field{Name: "Cookie", Value: strings.Join(cookies, "; ")})
	}
	if q.URI == "" {
		return q, fmt.Errorf("uri: required: path and query of the request to be explained, percent-encoded")
	}
	q.Method = strings.ToUpper(q.Method)
	return q, nil
}

func sortedNames(params url.Values) []string {
	names := make([]string, 0, len(params))
	for name := range params {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
