package arch

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

func textRules() []rule {
	return []rule{
		{
			name: "every plugin has a page", check: pluginPages,
			bad:    map[string]string{"plugins/a/a.go": "// Package a is.\npackage a\n", "plugins/a/README.md": "## Name\n"},
			broken: `plugins/a/README.md: no section "Description"`,
		},
		{
			name: "the README has its sections", check: frontPage,
			bad:    map[string]string{"README.md": "# polygate\n"},
			broken: `README.md: no section "Plugins"`,
		},
		{
			name: "the README starts with two commands", check: commands,
			bad:    map[string]string{"README.md": "# polygate\n"},
			broken: "README.md: the command make test is not there",
		},
		{
			name: "nothing is left to do", check: unfinished,
			bad:    map[string]string{"a.md": "Now\n" + "TO" + "DO: more\n"},
			broken: "a.md:2: unfinished",
		},
		{
			name: "no paths of one machine", check: machinePaths,
			bad:    map[string]string{"a.sh": "cd /wo" + "rk/x\n"},
			broken: "a.sh:1: a path or host of one machine",
		},
		{
			name: "no hosts of package registries", check: machinePaths,
			bad:    map[string]string{"a.sh": "\ncurl https://proxy.go" + "lang.org\n"},
			broken: "a.sh:2: a path or host of one machine",
		},
		{
			name: "the top has its files", check: topFiles,
			bad:    map[string]string{"README.md": "# polygate\n"},
			broken: "LICENSE: missing",
		},
	}
}

func pluginPages(t *tree) []string {
	var complaints []string
	for _, dir := range t.dirs {
		isPlugin := path.Dir(dir) == "plugins" && slices.ContainsFunc(t.files, func(f file) bool { return f.dir == dir })
		if isPlugin {
			complaints = append(complaints, t.sections(dir+"/README.md", "Name", "Description", "Attributes", "Examples")...)
		}
	}
	return complaints
}

func frontPage(t *tree) []string {
	return t.sections("README.md", "Start", "Plugins", "Compatibility", "More")
}

func commands(t *tree) []string {
	var complaints []string
	for _, command := range []string{"make run", "make test"} {
		if !bytes.Contains(t.text("README.md"), []byte(command)) {
			complaints = append(complaints, "README.md: the command "+command+" is not there")
		}
	}
	return complaints
}

// sections complains of headings that a Markdown file lacks.
func (t *tree) sections(name string, headings ...string) []string {
	var complaints []string
	data := t.text(name)
	for _, h := range headings {
		heading := regexp.MustCompile(`(?mi)^#+ +` + h + `\s*$`)
		if !heading.Match(data) {
			complaints = append(complaints, fmt.Sprintf("%s: no section %q", name, h))
		}
	}
	return complaints
}

// text is the contents of a file, empty if there is none.
func (t *tree) text(name string) []byte {
	for _, x := range t.texts {
		if x.path == name {
			return x.data
		}
	}
	return nil
}

func unfinished(t *tree) []string {
	return t.lines(regexp.MustCompile(`\b(`+"TO"+`DO|`+"FIX"+`ME|`+"XX"+`X)\b`), "unfinished")
}

// The parts of the expressions are joined so that this file does not break its own rule.
func machinePaths(t *tree) []string {
	paths := []string{`(?:^|[^\w.)}\]*-])/(?:wo` + `rk|ro` + `ot|fa` + `rm)/`}
	for _, host := range []string{"proxy.go" + "lang.org", "sum.go" + "lang.org", "registry.np" + "mjs", "deb.deb" + "ian.org",
		"pypi" + ".org", "pythonho" + "sted", "crates" + ".io", "repo.ma" + "ven"} {
		paths = append(paths, regexp.QuoteMeta(host))
	}
	return t.lines(regexp.MustCompile(strings.Join(paths, "|")), "a path or host of one machine")
}

// lines complains of every line that matches.
func (t *tree) lines(bad *regexp.Regexp, what string) []string {
	var complaints []string
	for _, x := range t.texts {
		if path.Base(x.path) == "go.sum" {
			continue
		}
		for _, at := range bad.FindAllIndex(x.data, -1) {
			line := 1 + bytes.Count(x.data[:at[1]], []byte("\n"))
			complaints = append(complaints, fmt.Sprintf("%s:%d: %s: %q", x.path, line, what, x.data[at[0]:at[1]]))
		}
	}
	return complaints
}

func topFiles(t *tree) []string {
	var complaints []string
	for _, name := range []string{
		"README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "RATIONALE.md", "Makefile", ".golangci.yml", ".ci/run",
		"docs/ARCHITECTURE.md", "go.mod",
	} {
		if t.text(name) == nil {
			complaints = append(complaints, name+": missing")
		}
	}
	return complaints
}
