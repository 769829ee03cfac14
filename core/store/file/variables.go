package file

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// variable is what APISIX replaces (apisix/cli/file.lua, var_sub).
var variable = regexp.MustCompile(`(?s)\$\{\{\s*([A-Za-z0-9_]+[:=]?.*?)\s*\}\}`)

// lineMap leads from the lines of the text with its variables replaced back to those of the file: values can have several
// lines.
type lineMap []lineShift

// lineShift says that lines from from on were moved by by.
type lineShift struct{ from, by int }

func (m lineMap) original(line int) int {
	for i := len(m) - 1; i >= 0; i-- {
		if line >= m[i].from {
			return max(1, line-m[i].by)
		}
	}
	return line
}

// hasVariable tells whether a text may have variables.
func hasVariable(text string) bool { return strings.Contains(text, "${{") }

// substituteText replaces the variables in a text.
func (p *parser) substituteText(text string) (string, bool) {
	if !hasVariable(text) {
		return text, true
	}
	var out strings.Builder
	end, line, moved, ok := 0, 1, 0, true
	for _, m := range variable.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[end:m[0]])
		line += strings.Count(text[end:m[0]], "\n")
		value, err := p.lookUp(text[m[2]:m[3]])
		if err != nil {
			p.fail(line, err)
			ok = false
		}
		out.WriteString(value)
		line += strings.Count(value, "\n")
		if by := strings.Count(value, "\n") - strings.Count(text[m[0]:m[1]], "\n"); by != 0 {
			moved += by
			p.lines = append(p.lines, lineShift{from: line, by: moved})
		}
		end = m[1]
	}
	out.WriteString(text[end:])
	return out.String(), ok
}

// lookUp returns the value of what stands between the braces: NAME or NAME:=default.
func (p *parser) lookUp(ref string) (string, error) {
	name, fallback, hasFallback := strings.Cut(ref, ":=")
	if p.env != nil {
		if value, ok := p.env(name); ok {
			return value, nil
		}
	}
	if hasFallback {
		return strings.TrimSpace(fallback), nil
	}
	return "", fmt.Errorf("the environment variable %s is not set; set it or write ${{%s:=default}}", name, name)
}

// substituteTree replaces the variables in the strings of a tree, as APISIX does for JSON: there a string that becomes a
// number or a boolean is one.
func (p *parser) substituteTree(n *yaml.Node) {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			p.substituteNode(c) // a key stays a string
			continue
		}
		p.substituteTree(c)
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!str" || !p.substituteNode(n) {
		return
	}
	if f, err := strconv.ParseFloat(n.Value, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
		n.Tag, n.Style = literalTag, 0
		if !jsonNumber.MatchString(n.Value) {
			n.Value = formatFloat(f)
		}
	} else if n.Value == "true" || n.Value == "false" {
		n.Tag, n.Style = literalTag, 0
	}
}

// substituteNode replaces the variables in a scalar and tells whether it had some.
func (p *parser) substituteNode(n *yaml.Node) bool {
	if !hasVariable(n.Value) {
		return false
	}
	used := false
	n.Value = variable.ReplaceAllStringFunc(n.Value, func(m string) string {
		value, err := p.lookUp(variable.FindStringSubmatch(m)[1])
		if err != nil {
			p.fail(n.Line, err)
			return m
		}
		used = true
		return value
	})
	return used
}
