package settings

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Why limits? Aliases can make a small document unfold into an endless one.
const (
	maxDepth = 64
	maxNodes = 200_000
)

// parse returns the document's root, a mapping without aliases, merge keys and references to the environment; nil for an empty
// document or a broken one, which is reported.
func (d *decoder) parse(data []byte) *yaml.Node {
	var doc yaml.Node
	in := yaml.NewDecoder(bytes.NewReader(data))
	if err := in.Decode(&doc); err != nil {
		if !errors.Is(err, io.EOF) {
			d.syntax(err)
		}
		return nil
	}
	var more yaml.Node
	if err := in.Decode(&more); err == nil {
		d.fail(&more, "", "a second YAML document begins here; only one is allowed")
	} else if !errors.Is(err, io.EOF) {
		d.syntax(err)
		return nil
	}
	if len(doc.Content) == 0 || isNull(doc.Content[0]) {
		return nil
	}
	root := d.resolve(doc.Content[0], 0)
	if d.tooLarge {
		return nil
	}
	if root.Kind != yaml.MappingNode {
		d.fail(root, "", "expected a mapping, got "+describe(root))
		return nil
	}
	return root
}

var syntaxError = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

func (d *decoder) syntax(err error) {
	text, line := err.Error(), 0
	if m := syntaxError.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		line, _ = strconv.Atoi(m[1])
	}
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Col: 1, Text: "not valid YAML: " + text})
}

// resolve returns a copy of the tree below n in which everything stands for itself.
func (d *decoder) resolve(n *yaml.Node, depth int) *yaml.Node {
	d.nodes++
	if depth > maxDepth || d.nodes > maxNodes {
		if !d.tooLarge {
			d.fail(n, "", "the document is nested too deeply or too large, or an alias contains itself")
			d.tooLarge = true
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
	}
	switch n.Kind {
	case yaml.AliasNode:
		return d.resolve(n.Alias, depth+1)
	case yaml.ScalarNode:
		return d.substitute(n)
	case yaml.MappingNode:
		return d.resolveMapping(n, depth)
	}
	c := *n
	c.Content = nil
	for _, item := range n.Content {
		c.Content = append(c.Content, d.resolve(item, depth+1))
	}
	return &c
}

func (d *decoder) resolveMapping(n *yaml.Node, depth int) *yaml.Node {
	c := *n
	c.Content = nil
	lines := map[string]int{}
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content) && !d.tooLarge; i += 2 {
		if n.Content[i].ShortTag() == "!!merge" {
			merged = append(merged, d.resolve(n.Content[i+1], depth+1))
			continue
		}
		key := d.resolve(n.Content[i], depth+1)
		if key.Kind != yaml.ScalarNode {
			d.fail(key, "", "expected a key, got "+describe(key))
			continue
		}
		if line, ok := lines[key.Value]; ok {
			d.fail(key, "", "the key "+strconv.Quote(key.Value)+" is there already, in line "+strconv.Itoa(line))
			continue
		}
		lines[key.Value] = key.Line
		c.Content = append(c.Content, key, d.resolve(n.Content[i+1], depth+1))
	}
	for _, m := range merged {
		d.merge(&c, m, lines)
	}
	return &c
}

// merge adds the pairs of a merge key's value that are not in n yet.
func (d *decoder) merge(n, from *yaml.Node, lines map[string]int) {
	switch from.Kind {
	case yaml.SequenceNode:
		for _, item := range from.Content {
			if item.Kind != yaml.MappingNode {
				d.fail(item, "", "expected a mapping to merge, got "+describe(item))
				continue
			}
			d.merge(n, item, lines)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(from.Content); i += 2 {
			key := from.Content[i]
			if _, ok := lines[key.Value]; !ok {
				lines[key.Value] = key.Line
				n.Content = append(n.Content, key, from.Content[i+1])
			}
		}
	default:
		d.fail(from, "", "expected a mapping to merge, got "+describe(from))
	}
}

var (
	reference    = regexp.MustCompile(`(?s)\$\{\{(.*?)\}\}`)
	variableName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
)

// substitute replaces references to the environment in a scalar. As in APISIX, the outcome is a number or a boolean
// if it looks like one, quoted or not.
func (d *decoder) substitute(n *yaml.Node) *yaml.Node {
	c := *n
	if !strings.Contains(n.Value, "${{") {
		return &c
	}
	used := false
	c.Value = reference.ReplaceAllStringFunc(n.Value, func(ref string) string {
		name, fallback, hasFallback := strings.Cut(ref[3:len(ref)-2], ":=")
		name = strings.TrimSpace(name)
		if !variableName.MatchString(name) {
			d.fail(n, "", strconv.Quote(name)+" is not the name of an environment variable")
			return ""
		}
		used = true
		if value, ok := d.env(name); ok {
			return value
		}
		if !hasFallback {
			d.fail(n, "", "environment variable "+name+" is not set; set it, or give a default: ${{"+name+":=value}}")
		}
		return strings.TrimSpace(fallback)
	})
	if used {
		c.Tag, c.Style = scalarTag(c.Value), 0
		d.fromEnv[&c] = true
	}
	return &c
}

func scalarTag(value string) string {
	if value == "true" || value == "false" {
		return "!!bool"
	}
	if _, err := strconv.ParseInt(value, 10, 64); err == nil {
		return "!!int"
	}
	if _, err := strconv.ParseFloat(value, 64); err == nil && strings.ContainsAny(value, "0123456789") {
		return "!!float"
	}
	return "!!str"
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// describe names what a node is, for messages.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	value := n.Value
	if len(value) > 40 {
		value = value[:37] + "..."
	}
	switch n.ShortTag() {
	case "!!null":
		return "null"
	case "!!int", "!!float":
		return "the number " + value
	case "!!bool":
		return "the boolean " + value
	}
	return "the string " + strconv.Quote(value)
}
