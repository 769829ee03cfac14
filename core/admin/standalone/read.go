package standalone

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	adminjson "github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/core/store/file"
)

const versionSuffix = "_conf_version"

// input is what a client sent of one kind.
type input struct {
	kind    string
	version float64
	given   bool // the client gave a version
	items   []string
}

// kindNames returns the plurals of the kinds that a document has lists of. Other kinds are parts of these.
func kindNames() []string {
	var names []string
	for _, k := range config.Kinds() {
		if k.Parent == "" {
			names = append(names, k.Name)
		}
	}
	return names
}

// read reads the body of a request.
func (h *handler) read(w http.ResponseWriter, r *http.Request) ([]input, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.opts.MaxBody))
	if err != nil {
		return nil, badBody(err.Error())
	}
	if len(data) == 0 {
		return nil, badBody("empty request body")
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/yaml") {
		if data, err = file.FromYAML(data); err != nil || data[0] != '{' && data[0] != '[' {
			return nil, badBody("invalid yaml request body")
		}
	} else if data, err = compact(data); err != nil {
		return nil, badBody(err.Error())
	}
	if string(data) == "[]" {
		data = []byte("{}") // the same for Lua
	}
	if data[0] != '{' {
		return nil, badBody("it should be an object")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return nil, badBody(err.Error())
	}
	return h.inputs(members)
}

// compact returns JSON without white space. What APISIX takes for JSON although it is not quite, such as line breaks within strings,
// becomes JSON; other errors are in the words of the parser that APISIX uses.
func compact(data []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(len(data))
	if utf8.Valid(data) && json.Compact(&out, data) == nil {
		return out.Bytes(), nil
	}
	doc, err := adminjson.Parse(data)
	if err != nil {
		return nil, err
	}
	return doc.Bytes(), nil
}

// inputs takes the document apart. Members that are not known say nothing here, as for APISIX.
func (h *handler) inputs(members map[string]json.RawMessage) ([]input, error) {
	names := kindNames()
	out := make([]input, len(names))
	for i, name := range names {
		in := input{kind: name}
		if raw := members[name+versionSuffix]; len(raw) > 0 && string(raw) != "false" {
			var err error
			if in.version, err = strconv.ParseFloat(string(raw), 64); err != nil {
				return nil, badRequest(name + versionSuffix + " must be a number")
			}
			in.given = true
		}
		items, err := listItems(members[name])
		if err != nil {
			return nil, badRequest(fmt.Sprintf("%s: %v", name, err))
		}
		in.items = items
		out[i] = in
	}
	return out, nil
}

// listItems returns the items of a list. An empty object is an empty list, for Lua does not tell them apart.
func listItems(raw json.RawMessage) ([]string, error) {
	switch string(raw) {
	case "", "null", "false", "{}":
		return nil, nil
	}
	if raw[0] != '[' {
		return nil, errors.New("it should be an array")
	}
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	items := make([]string, len(list))
	for i, it := range list {
		items[i] = string(it)
	}
	return items, nil
}
