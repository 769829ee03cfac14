package core

import (
	"bytes"
	"encoding/json"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/polygate/polygate/internal/graphql"
	"github.com/polygate/polygate/internal/jsonpath"
)

// postArgLimit is how large a body is that variables are read from.
const postArgLimit = 1 << 20

// bodyVars is what variables know of the request's body. It is found when the first of them is asked for.
type bodyVars struct {
	hasForm    bool
	form       any // the document that post_arg. paths lead through; nil: there is none
	hasGraphQL bool
	graphql    graphql.Operation // the zero Operation where the request is none
}

// Value returns a variable for an expression: one that may be something else than text.
func (x *exchange) Value(name string) (any, bool) {
	if path, ok := strings.CutPrefix(name, "post_arg."); ok {
		return x.postPath(path)
	}
	if name == "graphql_root_fields" {
		fields := x.graphQL().RootFields
		list := make([]any, len(fields))
		for i, f := range fields {
			list[i] = f
		}
		return list, len(list) > 0
	}
	return x.Var(name)
}

// graphQLVar is a part of a GraphQL request as text (apisix/core/ctx.lua, get_parsed_graphql).
func (x *exchange) graphQLVar(name string) (string, bool) {
	op := x.graphQL()
	switch name {
	case "name":
		return op.Name, op.Kind != ""
	case "operation":
		return op.Kind, op.Kind != ""
	case "root_fields":
		return strings.Join(op.RootFields, ","), len(op.RootFields) > 0
	}
	return "", false
}

func (x *exchange) graphQL() graphql.Operation {
	if v := &x.bodyVars; !v.hasGraphQL {
		v.hasGraphQL = true
		if document, ok := x.graphQLDocument(); ok {
			op, err := graphql.Parse(document)
			if err != nil {
				x.g.log.Debug("variables", "error", err)
			}
			v.graphql = op
		}
	}
	return x.bodyVars.graphql
}

// graphQLDocument is in the query of a GET, and in the body of a POST, as it is or as JSON.
func (x *exchange) graphQLDocument() (string, bool) {
	switch x.req.Method {
	case "GET":
		return queryArg(x.req.Query, "query")
	case "POST":
	default:
		return "", false
	}
	body, err := x.bodyView.Bytes(x.g.opts.Settings.GraphQL.MaxSize)
	if err != nil || len(body) == 0 {
		return "", false
	}
	if x.mediaType() != "application/json" {
		return string(body), true
	}
	var request struct{ Query string }
	if json.Unmarshal(body, &request) != nil {
		return "", false
	}
	return request.Query, request.Query != ""
}

func (x *exchange) mediaType() string {
	t, _, _ := strings.Cut(x.req.Fields.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// postArg reads a form in the body, as far as it is not larger than postArgLimit.
func (x *exchange) postArg(name string) (string, bool) {
	if x.mediaType() != "application/x-www-form-urlencoded" {
		return "", false
	}
	body, err := x.bodyView.Bytes(postArgLimit)
	if err != nil {
		return "", false
	}
	return queryArg(string(body), name)
}

// postPath follows a path through a body of JSON or a form: names with dots between them lead to one value, anything else that JSONPath
// knows to all that it finds.
func (x *exchange) postPath(path string) (any, bool) {
	doc := x.form()
	if doc == nil {
		return nil, false
	}
	if !strings.ContainsAny(path, "[*") && !strings.Contains(path, "..") {
		for name := range strings.SplitSeq(path, ".") {
			object, ok := doc.(map[string]any)
			if !ok {
				return nil, false
			}
			if doc, ok = object[name]; !ok {
				return nil, false
			}
		}
		return doc, doc != nil
	}
	compiled := x.snap.derived.path("$." + path)
	if compiled == nil {
		return nil, false
	}
	found := compiled.All(doc)
	return found, len(found) > 0
}

// path compiles a JSONPath once for a snapshot, nil where it is none.
func (d *derived) path(text string) *jsonpath.Path {
	known, ok := d.paths.Load(text)
	if !ok {
		compiled, _ := jsonpath.Compile(text)
		known, _ = d.paths.LoadOrStore(text, compiled)
	}
	return known.(*jsonpath.Path)
}

// form reads the body as its media type says (apisix/core/request.lua, get_request_body_table).
func (x *exchange) form() any {
	if v := &x.bodyVars; !v.hasForm {
		v.hasForm = true
		contentType := x.req.Fields.Get("Content-Type")
		if readable(contentType) {
			if body, err := x.bodyView.Bytes(x.formLimit()); err == nil {
				v.form = parseForm(contentType, body)
			}
		}
	}
	return x.bodyVars.form
}

// formLimit is apisix.max_post_args_readable_size.
func (x *exchange) formLimit() int64 {
	if mib := x.g.opts.Settings.APISIX.MaxPostArgsSize; mib > 0 {
		return int64(mib) << 20
	}
	return postArgLimit
}

// readable tells whether a body is worth reading for its variables.
func readable(contentType string) bool {
	t, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(t) {
	case "application/json", "application/x-www-form-urlencoded", "multipart/form-data":
		return true
	}
	return false
}

func parseForm(contentType string, body []byte) any {
	mediaType, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil
	}
	switch mediaType {
	case "application/json":
		return parseJSON(body)
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		return firstValues(values)
	case "multipart/form-data":
		return parseMultipart(body, parameters["boundary"])
	}
	return nil
}

func parseJSON(body []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var doc any
	if decoder.Decode(&doc) != nil {
		return nil
	}
	return doc
}

func parseMultipart(body []byte, boundary string) any {
	if boundary == "" {
		return nil
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	form, err := reader.ReadForm(int64(len(body)))
	if err != nil {
		return nil
	}
	defer func() { _ = form.RemoveAll() }()
	return firstValues(form.Value)
}

func firstValues(values map[string][]string) map[string]any {
	doc := make(map[string]any, len(values))
	for name, list := range values {
		if len(list) > 0 {
			doc[name] = list[0]
		}
	}
	return doc
}
