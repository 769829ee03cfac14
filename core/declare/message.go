package declare

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// spot is the part of an item that a message is about.
type spot struct {
	path  []string
	onKey bool   // the key itself is wrong, not what it has
	lacks string // the property that is missing at the path
	loose bool   // it may also be about what has been taken away at or below the path
}

// follows tells whether a message is only about what has been taken away.
func (s spot) follows(gone [][]string) bool {
	if s.lacks != "" {
		missing := append(slices.Clone(s.path), s.lacks)
		return slices.ContainsFunc(gone, func(p []string) bool { return slices.Equal(p, missing) })
	}
	return s.loose && slices.ContainsFunc(gone, func(p []string) bool {
		return len(p) >= len(s.path) && slices.Equal(p[:len(s.path)], s.path)
	})
}

// prefixes are the beginnings of APISIX's messages that lead one step into a value. What they name is the first group.
var prefixes = []struct {
	expr *regexp.Regexp
	path func(name string) []string
}{
	{regexp.MustCompile(`^the gateway refuses it: ()`), nowhere},
	{regexp.MustCompile(`^invalid configuration: ()`), nowhere},
	{regexp.MustCompile(`^invalid plugins configuration: ()`), nowhere},
	{regexp.MustCompile(`^failed to check the configuration of plugin (\S+) err: `), inPlugin},
	{regexp.MustCompile(`^property ("(?:[^"\\]|\\.)*") validation failed: `), named},
	{regexp.MustCompile(`^failed to validate additional property (.+?): `), named},
	{regexp.MustCompile(`^failed to validate (?:additional )?item (\d+): `), numbered},
	{regexp.MustCompile(`^failed to validate (\S+) \(matching ".*?"\): `), named},
	{regexp.MustCompile(`^allOf (\d+) failed: `), nowhere},
}

// endings are what is left of a message when all prefixes are gone.
var endings = []struct {
	expr *regexp.Regexp
	spot func(name string) spot
}{
	{regexp.MustCompile(`^additional properties forbidden, found (.+)$`), func(name string) spot { return spot{path: []string{name}, onKey: true} }},
	{regexp.MustCompile(`^property ("(?:[^"\\]|\\.)*") is required`), func(name string) spot { return spot{lacks: unquoted(name)} }},
	{regexp.MustCompile(`^unknown plugin \[(.*)\]`), func(name string) spot { return spot{path: inPlugin(name), onKey: true} }},
	{regexp.MustCompile(`^invalid plugin conf .* for plugin \[(.*)\]$`), func(name string) spot { return spot{path: inPlugin(name)} }},
	{regexp.MustCompile(`^duplicate \S+ of plugin (\S+) found with `), func(name string) spot { return spot{path: inPlugin(name)} }},
	{regexp.MustCompile(`^plugin '(.*)' already exists in global rule`), func(name string) spot { return spot{path: inPlugin(name), onKey: true} }},
	{regexp.MustCompile(`^failed to validate the '(vars)' expression`), func(name string) spot { return spot{path: []string{name}} }},
	{regexp.MustCompile(`^only one of (?:\w+ or )?(hosts|remote_addrs) is allowed`), func(name string) spot { return spot{path: []string{name}, onKey: true} }},
	{regexp.MustCompile(`^(?:then|else) clause()|^object matches none|^value should match only one|^expect object to have`),
		func(string) spot { return spot{loose: true} }},
}

func nowhere(string) []string       { return nil }
func named(name string) []string    { return []string{unquoted(name)} }
func inPlugin(name string) []string { return []string{"plugins", name} }
func unquoted(name string) string {
	if s, err := strconv.Unquote(name); err == nil {
		return s
	}
	return strings.Trim(name, `"`)
}

// numbered counts from 0 what messages count from 1.
func numbered(name string) []string {
	n, err := strconv.Atoi(name)
	if err != nil {
		return nil
	}
	return []string{strconv.Itoa(n - 1)}
}

// spotOf finds out what a message is about.
func spotOf(message string) spot {
	var path []string
	for again := true; again; {
		again = false
		for _, p := range prefixes {
			if m := p.expr.FindStringSubmatch(message); m != nil {
				path = append(path, p.path(m[1])...)
				message, again = message[len(m[0]):], true
			}
		}
	}
	for _, e := range endings {
		if m := e.expr.FindStringSubmatch(message); m != nil {
			found := e.spot(m[1])
			found.path = slices.Concat(path, found.path)
			return found
		}
	}
	return spot{path: path}
}

// Passing tells whether a refusal depends on other resources, as those that [Apply] changes before: a credential that another consumer
// still has, or a reference to what is still to come.
func Passing(message string) bool {
	for _, beginning := range []string{"duplicate ", "plugin '", "failed to fetch ", "found duplicate "} {
		if strings.HasPrefix(message, beginning) {
			return true
		}
	}
	return false
}
