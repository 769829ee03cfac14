package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/polygate/polygate/internal/behave"
)

// root is the top of the source.
const root = "../.."

func loadCases(t *testing.T, paths ...string) []*behave.Case {
	t.Helper()
	cases, err := behave.Load(paths...)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBehaviour runs the cases of the plugins, of the examples and of the documentation.
func TestBehaviour(t *testing.T) {
	start := startTrial(noEnv)
	for _, c := range loadCases(t, filepath.Join(root, "plugins"), filepath.Join(root, "examples"), filepath.Join(root, "docs")) {
		name, err := filepath.Rel(root, c.Name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.ToSlash(name), func(t *testing.T) {
			t.Parallel()
			if err := c.Run(t.Context(), start); err != nil {
				t.Error(err)
			}
		})
	}
}

// folders returns the folders that have a file of that name.
func folders(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("got no file %s, want some", pattern)
	}
	for i, file := range files {
		files[i] = filepath.Dir(file)
	}
	return files
}

// nodeInExamples is the upstream of all examples.
const nodeInExamples = "127.0.0.1:1980"

// TestPluginsAreExercised demands of the cases of each plugin that they have every attribute and every example of its page.
func TestPluginsAreExercised(t *testing.T) {
	for _, folder := range folders(t, "plugins/*/schema.json") {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			cases := loadCases(t, filepath.Join(folder, "testdata"))
			page := &behave.Page{Text: read(t, filepath.Join(folder, "README.md")), Upstream: nodeInExamples}
			for _, example := range page.Unexercised(cases) {
				t.Error(example)
			}
			text := ""
			for _, c := range cases {
				text += read(t, c.File)
			}
			for _, name := range attributesIn(t, folder) {
				if !strings.Contains(text, name+":") {
					t.Errorf("no case has the attribute %s", name)
				}
			}
		})
	}
}

// attributesIn returns the attributes of the schemas in a folder.
func attributesIn(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, file := range files {
		var schema struct{ Properties map[string]json.RawMessage }
		if err := json.Unmarshal([]byte(read(t, file)), &schema); err != nil {
			t.Fatal(err)
		}
		for name := range schema.Properties {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// TestExamplesAreExercised demands of the cases of each example that they run it as it stands in its files.
func TestExamplesAreExercised(t *testing.T) {
	for _, folder := range folders(t, "examples/*/apisix.yaml") {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			page := &behave.Page{
				Text: read(t, filepath.Join(folder, "README.md")), Config: read(t, filepath.Join(folder, "apisix.yaml")), Upstream: nodeInExamples,
			}
			for _, example := range page.Unexercised(loadCases(t, folder)) {
				t.Error(example)
			}
		})
	}
}
