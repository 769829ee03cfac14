package file

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/internal/suggest"
)

var (
	errNotList   = errors.New("not a list")
	errNotObject = errors.New("the item is not an object; it is left out")
	errBadID     = errors.New("the id is neither a string nor a number; the item is left out")
)

// listKinds returns the kinds of resources that the file has lists of: APISIX's directories (apisix/constants.lua).
func listKinds() []string {
	return []string{
		"routes", "services", "upstreams", "consumers", "consumer_groups", "ssls", "global_rules", "plugin_configs",
		"plugin_metadata", "protos", "secrets", "stream_routes",
	}
}

// single is the kind that is one item, a list of plugins.
const single = "plugins"

// entry is one item of a list as it was parsed.
type entry struct {
	id     string // empty: its position is its id
	value  []byte // nil where the item is left out
	line   int    // of the text
	shared bool   // the value depends on what stands elsewhere in the file
}

// kinds adds the items of the root object.
func (p *parser) kinds(root *yaml.Node) {
	fields, err := p.fields(root, 0)
	if err != nil {
		p.failNode(err)
		return
	}
	for _, f := range fields {
		p.kind(f)
	}
}

// kind adds what one member of the root object holds.
func (p *parser) kind(f field) {
	switch {
	case f.name == single:
		p.plugins(f)
	case slices.Contains(listKinds(), f.name):
		list := resolve(f.value)
		if isNull(list) {
			return
		}
		if list.Kind != yaml.SequenceNode {
			p.fail(list.Line, fmt.Errorf("%s: %w", f.name, errNotList))
			return
		}
		p.add(f.name, p.entries(f.name, list.Content, 0))
	case !isVersion(f.name):
		p.problem(f.key.Line, unknown(f.name))
	}
}

// isVersion tells whether the name is that of a kind's version, which APISIX writes into such files: it says nothing here.
func isVersion(name string) bool {
	kind, ok := strings.CutSuffix(name, "_conf_version")
	return ok && (kind == single || slices.Contains(listKinds(), kind))
}

// plugins adds the list of plugins, which is an item of its own. In YAML a list with nothing in it disables all plugins.
func (p *parser) plugins(f field) {
	list := resolve(f.value)
	it := located{line: p.line(f.key.Line)}
	switch {
	case isNull(list) && isLiteral(list):
		return
	case isNull(list):
		it.value = []byte("[]")
	case list.Kind != yaml.SequenceNode:
		p.fail(list.Line, fmt.Errorf("%s: %w", f.name, errNotList))
		return
	default:
		e := encoder{p: p}
		if err := e.node(f.value, 0); err != nil {
			p.failNode(err)
			return
		}
		it.value = bytes.Clone(e.buf.Bytes())
	}
	p.found[single] = it
}

// entries parses items of a list. The first of them has the index first.
func (p *parser) entries(kind string, nodes []*yaml.Node, first int) []entry {
	list := make([]entry, len(nodes))
	e := encoder{p: p}
	for i, n := range nodes {
		e.buf.Reset()
		e.shared = n.Kind == yaml.AliasNode
		id, err := e.item(n)
		list[i] = entry{line: n.Line + p.base, id: id, shared: e.shared}
		if err != nil {
			p.itemError(fmt.Sprintf("%s[%d]", kind, first+i), n, err)
			list[i].shared = true
			continue
		}
		list[i].value = bytes.Clone(e.buf.Bytes())
	}
	return list
}

// item encodes an item and returns its id.
func (e *encoder) item(n *yaml.Node) (id string, err error) {
	object := resolve(n)
	if object.Kind != yaml.MappingNode {
		return "", errAt(n, errNotObject)
	}
	fields, err := e.p.fields(object, 0)
	if err != nil {
		return "", err
	}
	if id, err = idOf(fields); err != nil {
		return "", err
	}
	if n.Kind == yaml.AliasNode {
		e.aliases++
		defer func() { e.aliases-- }()
	}
	return id, e.object(fields, 0)
}

// idOf returns the identifier of an item: its id, or its username, or "" if it has none.
func idOf(fields []field) (string, error) {
	for _, name := range []string{"id", "username"} {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 {
			continue
		}
		n := resolve(fields[i].value)
		if isNull(n) {
			continue
		}
		if n.Kind != yaml.ScalarNode {
			return "", errAt(n, errBadID)
		}
		text, err := idText(n)
		if err != nil {
			return "", errAt(n, err)
		}
		if text != "" {
			return text, nil
		}
	}
	return "", nil
}

// idText returns a scalar as an id; "" for false, which is no id.
func idText(n *yaml.Node) (string, error) {
	text, ok := n.Value, isLiteral(n)
	if !ok {
		var err error
		text, ok, err = scalar(n)
		if err != nil {
			return "", err
		}
	}
	switch {
	case !ok && n.Value == "", text == "true" && ok:
		return "", errBadID
	case !ok:
		return n.Value, nil
	case text == "false":
		return "", nil
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.ContainsAny(text, ".eE") {
		return formatFloat(f), nil
	}
	return text, nil
}

// add takes over the items of a kind, of which these are all. Their lines count from the beginning of the text.
func (p *parser) add(kind string, list []entry) {
	lines := make(map[string]int, len(list))
	for i, it := range list {
		if it.value == nil {
			continue
		}
		id := it.id
		if id == "" {
			id = "arr_" + strconv.Itoa(i+1)
		}
		line := p.lines.original(it.line)
		if first, ok := lines[id]; ok {
			p.problemAt(line, fmt.Errorf("%s[%d]: the id %q stands here again; the item in line %d is replaced", kind, i, id, first))
		}
		lines[id] = line
		p.found[kind+"/"+id] = located{value: it.value, line: line}
	}
}

// itemError notes an item that is left out. A bomb makes the whole file suspect.
func (p *parser) itemError(where string, n *yaml.Node, err error) {
	line := n.Line
	var at *nodeError
	if errors.As(err, &at) {
		line = at.line
	}
	err = fmt.Errorf("%s: %w", where, err)
	if errors.Is(err, errAliases) || errors.Is(err, errTooDeep) {
		p.fail(line, err)
		return
	}
	p.problem(line, err)
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for range depthLimit {
		if n.Kind != yaml.AliasNode {
			break
		}
		n = n.Alias
	}
	return n
}

// unknown describes a top-level name that APISIX does not know.
func unknown(name string) error {
	if best := suggest.Nearest(name, append(listKinds(), single)); best != "" {
		return fmt.Errorf("unknown key %q; did you mean %q?", name, best)
	}
	return fmt.Errorf("unknown key %q; known are %s and %s", name, strings.Join(listKinds(), ", "), single)
}
