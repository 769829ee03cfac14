package arch

import (
	"fmt"
	"strconv"
	"strings"
)

// layer is a part of the tree and what it may import of ours. The first layer that a folder is in counts.
type layer struct {
	dir   string
	alone bool     // only the folder itself, not what is below it
	may   []string // folders, with what is below them; "." is everything
}

func layers() []layer {
	return []layer{
		{dir: "cmd", may: []string{"."}},
		{dir: "test", may: []string{"."}},
		{dir: "core", may: []string{"core", "sdk", "internal"}},
		{dir: "wasm", may: []string{"wasm", "sdk", "internal"}},
		{dir: "lua", may: []string{"lua", "sdk", "internal"}},
		{dir: "plugins", may: []string{"plugins", "sdk", "internal"}},
		{dir: "runner", may: []string{"runner", "sdk", "proto", "internal"}},
		{dir: "sdk", alone: true},
		{dir: "sdk/serve", may: []string{"sdk", "proto", "internal"}},
		{dir: "sdk", may: []string{"sdk"}},
		{dir: "proto", may: []string{"proto"}},
		{dir: "internal", may: []string{"internal"}},
		{dir: "bench", may: []string{"bench", "internal", "core/store"}}, // to write what a gateway reads
		{dir: "examples", may: []string{"sdk"}},
	}
}

// adapters are the packages that alone may name a third-party module.
func adapters() map[string][]string {
	return map[string][]string{
		"github.com/valyala/fasthttp":         {"core", "core/transport"},
		"github.com/prometheus/client_golang": {"internal/metrics"},
		"github.com/dlclark/regexp2":          {"internal/regex"},
		"github.com/tetratelabs/wazero":       {"wasm"},
		"github.com/yuin/gopher-lua":          {"lua"},
		"github.com/spf13/cobra":              {"cmd"},
		"go.etcd.io":                          {"core/store"},
		"github.com/fsnotify/fsnotify":        {"core/store/file"},
		"github.com/bufbuild/protocompile":    {"core/config"},
		"github.com/santhosh-tekuri":          {"internal/jsonschema"},
		"github.com/vektah/gqlparser":         {"internal/graphql"},
		"github.com/ohler55/ojg":              {"internal/jsonpath"},
	}
}

func importRules() []rule {
	return []rule{
		{
			name: "imports follow the layers", check: layering,
			bad:    map[string]string{"core/a.go": "package core\nimport _ \"" + module + "/plugins/cors\"\n"},
			broken: "core/a.go:2: core imports plugins/cors",
		},
		{
			name: "every folder has a layer", check: layering,
			bad:    map[string]string{"stray/a.go": "package stray\nimport _ \"" + module + "/sdk\"\n"},
			broken: "stray has no layer",
		},
		{
			name: "the sdk needs nothing but the standard library", check: smallSDK,
			bad:    map[string]string{"sdk/a.go": "package sdk\nimport _ \"github.com/google/uuid\"\n"},
			broken: "sdk/a.go:2: sdk imports github.com/google/uuid",
		},
		{
			name: "the sdk does without net/http", check: smallSDK,
			bad:    map[string]string{"sdk/a.go": "package sdk\nimport _ \"net/http\"\n"},
			broken: "sdk/a.go:2: sdk imports net/http",
		},
		{
			name: "third-party modules stay with their adapters", check: adapted,
			bad:    map[string]string{"plugins/a/a.go": "package a\nimport _ \"github.com/valyala/fasthttp\"\n"},
			broken: "plugins/a imports github.com/valyala/fasthttp",
		},
	}
}

// imports calls visit for every import of a file outside the nested modules.
func (t *tree) imports(visit func(f *file, place, imported string)) {
	for i := range t.files {
		f := &t.files[i]
		for _, spec := range f.ast.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err == nil && !f.foreign {
				visit(f, t.at(spec), imported)
			}
		}
	}
}

func layering(t *tree) []string {
	var complaints []string
	t.imports(func(f *file, place, imported string) {
		ours, found := strings.CutPrefix(imported, module+"/")
		if !found || ours == f.dir {
			return
		}
		l, ok := layerOf(f.dir)
		switch {
		case !ok:
			complaints = append(complaints, fmt.Sprintf("%s: %s has no layer", place, f.dir))
		case !l.allows(ours):
			complaints = append(complaints, fmt.Sprintf("%s: %s imports %s", place, f.dir, ours))
		}
	})
	return complaints
}

func layerOf(dir string) (layer, bool) {
	for _, l := range layers() {
		if dir == l.dir || !l.alone && within(dir, l.dir) {
			return l, true
		}
	}
	return layer{}, false
}

func (l *layer) allows(dir string) bool {
	for _, m := range l.may {
		if m == "." || within(dir, m) {
			return true
		}
	}
	return false
}

// smallSDK keeps small what is compiled into WebAssembly modules. Tests are not.
func smallSDK(t *tree) []string {
	var complaints []string
	t.imports(func(f *file, place, imported string) {
		if f.test || !within(f.dir, "sdk") || within(f.dir, "sdk/serve") || within(imported, module) {
			return
		}
		first, _, _ := strings.Cut(imported, "/")
		big := within(imported, "net/http") && f.dir != "sdk/plugintest"
		if strings.Contains(first, ".") || big {
			complaints = append(complaints, fmt.Sprintf("%s: %s imports %s", place, f.dir, imported))
		}
	})
	return complaints
}

func adapted(t *tree) []string {
	var complaints []string
	t.imports(func(f *file, place, imported string) {
		for mod, dirs := range adapters() {
			if f.test || !within(imported, mod) {
				continue
			}
			if !(&layer{may: dirs}).allows(f.dir) {
				complaints = append(complaints, fmt.Sprintf("%s: %s imports %s", place, f.dir, imported))
			}
		}
	})
	return complaints
}
