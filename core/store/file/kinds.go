package file

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/core/store"

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

// kinds returns the items of the root object in order of key.
func (p *parser) kinds(root *yaml.Node) []store.Item {
	fields, err := p.fields(root, 0)
	if err != nil {
		p.failNode(err)
		return nil
	}
	found := map[string]store.Item{}
	for _, f := range fields {
		switch {
		case f.name == single:
			p.plugins(f, found)
		case slices.Contains(listKinds(), f.name):
			p.list(f, found)
		case !isVersion(f.name):
			p.problem(f.key.Line, unknown(f.name))
		}
	}
	items := make([]store.Item, 0, len(found))
	for _, it := range found {
		items = append(items, it)
	}
	slices.SortFunc(items, func(a, b store.Item) int { return cmp.Compare(a.Key, b.Key) })
	return items
}

// isVersion tells whether the name is that of a kind's version, which APISIX writes into such files: it says nothing here.
func isVersion(name string) bool {
	kind, ok := strings.CutSuffix(name, "_conf_version")
	return ok && (kind == single || slices.Contains(listKinds(), kind))
}

// plugins adds the list of plugins, which is an item of its own.
func (p *parser) plugins(f field, found map[string]store.Item) {
	list := resolve(f.value)
	if isNull(list) {
		return
	}
	if list.Kind != yaml.SequenceNode {
		p.fail(list.Line, fmt.Errorf("%s: %w", f.name, errNotList))
		return
	}
	value, err := p.encode(f.value)
	if err != nil {
		p.failNode(err)
		return
	}
	found[single] = store.Item{Key: single, Value: value}
}

// list adds the items of one kind.
func (p *parser) list(f field, found map[string]store.Item) {
	list := resolve(f.value)
	if isNull(list) {
		return
	}
	if list.Kind != yaml.SequenceNode {
		p.fail(list.Line, fmt.Errorf("%s: %w", f.name, errNotList))
		return
	}
	lines := make(map[string]int, len(list.Content))
	for i, n := range list.Content {
		where := fmt.Sprintf("%s[%d]", f.name, i)
		item := resolve(n)
		if item.Kind != yaml.MappingNode {
			p.problem(n.Line, fmt.Errorf("%s: %w", where, errNotObject))
			continue
		}
		id, err := p.id(item, i)
		if err != nil {
			p.itemError(where, n, err)
			continue
		}
		value, err := p.encode(n)
		if err != nil {
			p.itemError(where, n, err)
			continue
		}
		key := f.name + "/" + id
		if first, ok := lines[key]; ok {
			p.problem(n.Line, fmt.Errorf("%s: the id %q stands here again; the item in line %d is replaced", where, id, p.lines.original(first)))
		}
		lines[key] = n.Line
		p.at[key] = p.lines.original(n.Line)
		found[key] = store.Item{Key: key, Value: value}
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

// failNode notes an error that makes the whole file useless, in its line.
func (p *parser) failNode(err error) {
	line := 1
	var at *nodeError
	if errors.As(err, &at) {
		line = at.line
	}
	p.fail(line, err)
}

// id returns the identifier of the item with an index: its id, its username, or its position from 1.
func (p *parser) id(item *yaml.Node, index int) (string, error) {
	fields, err := p.fields(item, 0)
	if err != nil {
		return "", err
	}
	for _, name := range []string{"id", "username"} {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		if i < 0 || isNull(resolve(fields[i].value)) {
			continue
		}
		n := resolve(fields[i].value)
		if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!bool" || n.Value == "" {
			return "", errAt(n, errBadID)
		}
		return n.Value, nil
	}
	return "arr_" + strconv.Itoa(index+1), nil
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

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// unknown describes a top-level name that APISIX does not know.
func unknown(name string) error {
	if best := suggest.Nearest(name, append(listKinds(), single)); best != "" {
		return fmt.Errorf("unknown key %q; did you mean %q?", name, best)
	}
	return fmt.Errorf("unknown key %q; known are %s and %s", name, strings.Join(listKinds(), ", "), single)
}
