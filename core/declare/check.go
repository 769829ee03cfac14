package declare

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/polygate/polygate/core/config"
	"github.com/polygate/polygate/internal/suggest"
)

// Rules say what a document is checked against.
type Rules struct {
	Catalog *config.Catalog
	// Has tells whether there is a resource of that kind and id outside the document, which its items may refer to; nil: there is none.
	Has func(kind, id string) bool
	// Foreign lets plugins pass that the catalog does not have: the gateway may have more.
	Foreign bool
	// Named makes items without an id an error.
	Named bool
	// Keyless lets certificates without their private keys pass.
	Keyless bool
}

// mistakesPerItem bounds how many mistakes of one item are told.
const mistakesPerItem = 20

// Check returns everything that is wrong with the resources, in the order of the files. An item may have several mistakes: after each one, the
// rest is checked as if what is wrong were not there.
func (d *Document) Check(r Rules) []Problem {
	var list []Problem
	if r.Named {
		list = d.unnamed()
	}
	c := newChecker(d, r)
	errs := c.errors()
	for _, it := range d.Items {
		list = append(list, c.item(it, errs[it.Key])...)
		list = append(list, c.references(it)...)
		list = append(list, c.odd(it)...)
	}
	list = append(list, c.together()...)
	return SortProblems(list)
}

// Dangling returns a problem for each reference to a resource that is neither in the document nor, as the rules know, elsewhere.
func (d *Document) Dangling(r Rules) []Problem {
	c := newChecker(d, r)
	var list []Problem
	for _, it := range d.Items {
		list = append(list, c.references(it)...)
	}
	return SortProblems(list)
}

type checker struct {
	doc   *Document
	rules Rules
	keys  map[string]bool // of the document
}

func newChecker(d *Document, r Rules) *checker {
	c := &checker{doc: d, rules: r, keys: make(map[string]bool, len(d.Items))}
	for _, it := range d.Items {
		c.keys[it.Key] = true
	}
	return c
}

// item returns the mistakes that are in the item itself, found one round after the other.
func (c *checker) item(it Item, errs []error) []Problem {
	value := it.Value
	var gone [][]string
	var list []Problem
	for len(errs) > 0 && len(list) < mistakesPerItem {
		var wrong [][]string
		for _, err := range errs {
			about := spotOf(err.Error())
			if about.follows(gone) {
				continue
			}
			if c.counts(err) {
				list = append(list, c.mistake(it, about, err))
			}
			wrong = append(wrong, about.path)
		}
		value, _ = clone(value).(map[string]any)
		removed := false
		for _, path := range wrong {
			removed = remove(value, path) || removed
		}
		if !removed {
			break
		}
		gone = append(gone, wrong...)
		errs = c.judge(it, value)
	}
	return append(list, c.plugins(it, list)...)
}

// plugins returns the mistakes in plugins that were not looked at because of what else is wrong with the item.
func (c *checker) plugins(it Item, found []Problem) []Problem {
	plugins, _ := it.Value["plugins"].(map[string]any)
	var list []Problem
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		path := "plugins." + name
		if len(found) == 0 || slices.ContainsFunc(found, func(p Problem) bool { return strings.HasPrefix(p.Path, path) }) {
			continue
		}
		_, err := c.rules.Catalog.Check(name, encodeJSON(plugins[name]), schemaType(it.Kind))
		if err != nil && c.counts(err) {
			list = append(list, c.mistake(it, spotOf(err.Error()), err))
		}
	}
	return list
}

// judge asks what the gateway would say to the value.
func (c *checker) judge(it Item, value map[string]any) []error {
	it.Value = value
	doc, at := Lists([]Item{it})
	if len(at) == 0 {
		return errorList(config.Check(it.Kind.Name, it.ID, it.Text(), nil, c.rules.Catalog))
	}
	var errs []error
	for _, p := range config.Validate(doc, c.rules.Catalog, config.ValidateOptions{Every: true}) {
		errs = append(errs, p.Err)
	}
	return errs
}

func errorList(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// errors returns what the gateway would say to the items, by their keys.
func (c *checker) errors() map[string][]error {
	out := map[string][]error{}
	var items []Item
	for _, it := range c.doc.Items {
		switch {
		case c.rules.Keyless && lacksKey(it): // only the gateway has the key that belongs to the rest
		case listed(it):
			items = append(items, it)
		default:
			out[it.Key] = c.judge(it, it.Value)
		}
	}
	doc, at := Lists(items)
	for _, p := range config.Validate(doc, c.rules.Catalog, config.ValidateOptions{Every: true}) {
		key := at[p.Kind][p.Index].Key
		out[key] = append(out[key], p.Err)
	}
	return out
}

// counts tells whether an error is one under the rules.
func (c *checker) counts(err error) bool {
	unknown := (*config.UnknownPluginError)(nil)
	return !c.rules.Foreign || !errors.As(err, &unknown)
}

// mistake makes a problem of an error.
func (c *checker) mistake(it Item, about spot, err error) Problem {
	p := c.doc.problem(it, about.path, err.Error())
	p.Text = strings.TrimPrefix(p.Text, "invalid configuration: ")
	if about.onKey && it.at.source != nil {
		it.at.source.point(it.at, about.path, &p)
	}
	p.Hint = c.hint(it, about)
	return p
}

// hint says what was probably meant.
func (c *checker) hint(it Item, about spot) string {
	switch {
	case about.lacks != "":
		owner, _ := member(it.Value, about.path...)
		conf, _ := owner.(map[string]any)
		known := properties(c.schema(it, about.path))
		var strange []string
		for name := range conf {
			if !slices.Contains(known, name) {
				strange = append(strange, name)
			}
		}
		slices.Sort(strange)
		if near := suggest.Nearest(about.lacks, strange); near != "" {
			return fmt.Sprintf("is %q meant to be %q?", near, about.lacks)
		}
	case about.onKey && len(about.path) == 2 && about.path[0] == "plugins":
		if near := suggest.Nearest(about.path[1], c.rules.Catalog.Names()); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
		return "it is not part of this gateway, or not listed under plugins in config.yaml"
	case about.onKey:
		last := len(about.path) - 1
		if near := suggest.Nearest(about.path[last], properties(c.schema(it, about.path[:last]))); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
	}
	return ""
}

// odd warns of attributes of plugins that no schema knows: they are allowed, and do nothing.
func (c *checker) odd(it Item) []Problem {
	plugins, _ := it.Value["plugins"].(map[string]any)
	var list []Problem
	for _, name := range slices.Sorted(maps.Keys(plugins)) {
		conf, _ := plugins[name].(map[string]any)
		schema := c.schema(it, []string{"plugins", name})
		known := properties(schema)
		if known == nil || !open(schema) {
			continue
		}
		for _, attr := range slices.Sorted(maps.Keys(conf)) {
			if slices.Contains(known, attr) {
				continue
			}
			path := []string{"plugins", name, attr}
			p := c.mistake(it, spot{path: path, onKey: true}, fmt.Errorf("plugin %s has no attribute %q: it does nothing", name, attr))
			p.Warning = true
			list = append(list, p)
		}
	}
	return list
}
