package declare

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/internal/suggest"
)

// references returns a problem for each reference to a resource that is not there.
func (c *checker) references(it Item) []Problem {
	var list []Problem
	for _, ref := range it.Kind.References {
		for path := range follow(it.Value, ref.Path) {
			v, _ := member(it.Value, path...)
			id := text(v)
			if id == "" || c.keys[ref.Kind+"/"+id] || c.rules.Has != nil && c.rules.Has(ref.Kind, id) {
				continue
			}
			p := c.doc.problem(it, path, fmt.Sprintf("there is no %s %q", singular(ref.Kind), id))
			p.Warning = ref.Plugin // a gateway does not look at these when they are written
			if near := suggest.Nearest(id, c.ids(ref.Kind)); near != "" && len(id) > 2 {
				p.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			list = append(list, p)
		}
	}
	if it.Kind.Parent != "" {
		owner, _ := it.Kind.SplitID(it.ID)
		if !c.keys[it.Kind.Parent+"/"+owner] && (c.rules.Has == nil || !c.rules.Has(it.Kind.Parent, owner)) {
			list = append(list, c.doc.problem(it, nil, fmt.Sprintf("there is no %s %q", singular(it.Kind.Parent), owner)))
		}
	}
	return list
}

// follow visits what a path such as "a.b[].c" leads to.
func follow(v any, pattern string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		visit(v, strings.Split(pattern, "."), nil, yield)
	}
}

func visit(v any, names, path []string, yield func([]string) bool) bool {
	if len(names) == 0 {
		return yield(path)
	}
	name, list := strings.CutSuffix(names[0], "[]")
	conf, _ := v.(map[string]any)
	next, ok := conf[name]
	if !ok {
		return true
	}
	path = append(slices.Clone(path), name)
	if !list {
		return visit(next, names[1:], path, yield)
	}
	items, _ := next.([]any)
	for i, item := range items {
		if !visit(item, names[1:], append(slices.Clone(path), fmt.Sprint(i)), yield) {
			return false
		}
	}
	return true
}

func singular(kind string) string {
	if k, ok := config.KindOf(kind); ok {
		return k.Singular
	}
	return kind
}

func (c *checker) ids(kind string) []string {
	var out []string
	for _, it := range c.doc.Items {
		if it.Kind.Name == kind {
			out = append(out, it.ID)
		}
	}
	return out
}

// together returns what is wrong between items: credentials and global rules that exist once only.
func (c *checker) together() []Problem {
	owners := map[string]Item{}
	var list []Problem
	for _, it := range c.doc.Items {
		plugins, _ := it.Value["plugins"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(plugins)) {
			claim, text := c.claim(it, name, plugins[name])
			if claim == "" {
				continue
			}
			first, taken := owners[claim]
			if !taken {
				owners[claim] = it
			} else if user(first) != user(it) || it.Kind.Name == "global_rules" {
				list = append(list, c.doc.problem(it, []string{"plugins", name}, fmt.Sprintf(text, name, first.Key)))
			}
		}
	}
	return list
}

// claim returns what a plugin's configuration takes for itself alone, empty if nothing, and what to say to whoever comes second.
func (c *checker) claim(it Item, plugin string, conf any) (claim, complaint string) {
	switch it.Kind.Name {
	case "global_rules":
		return "rule " + plugin, "plugin '%s' already exists in global rule %s"
	case "consumers", "credentials":
		raw := config.Plugins{plugin: encodeJSON(conf)}
		if credential, ok := c.rules.Catalog.Credentials(raw)[plugin]; ok {
			return plugin + " " + credential, "the credential for plugin %s is that of %s already"
		}
	}
	return "", ""
}

// user is who a credential belongs to.
func user(it Item) string {
	if it.Kind.Name != "credentials" {
		return it.ID
	}
	owner, _ := it.Kind.SplitID(it.ID)
	return owner
}
