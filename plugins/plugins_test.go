package plugins_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins"
	"github.com/polygate/polygate/sdk"
)

func all() []sdk.Plugin { return plugins.All(metrics.New(metrics.Options{})) }

// folder is where a plugin lives.
func folder(name string) string { return strings.ReplaceAll(name, "-", "") }

func TestOrder(t *testing.T) {
	infos := make(map[string]bool)
	last := 1 << 30
	for _, plugin := range all() {
		info := plugin.Info()
		if infos[info.Name] {
			t.Errorf("%s: is listed twice", info.Name)
		}
		infos[info.Name] = true
		if info.Priority >= last {
			t.Errorf("%s: got priority %d behind %d, want descending priorities", info.Name, info.Priority, last)
		}
		last = info.Priority
		if info.Version == "" {
			t.Errorf("%s: got no version, want one", info.Name)
		}
	}
	folders, err := filepath.Glob("*/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(folders) != len(infos) {
		t.Errorf("got %d plugins in the list and %d folders, want as many", len(infos), len(folders))
	}
}

func TestSchemas(t *testing.T) {
	for _, plugin := range all() {
		info := plugin.Info()
		for name, schema := range map[string]json.RawMessage{
			"schema": info.Schema, "consumer schema": info.ConsumerSchema, "metadata schema": info.MetadataSchema,
		} {
			if schema == nil {
				continue
			}
			t.Run(info.Name+"/"+name, func(t *testing.T) {
				if _, err := jsonschema.Compile(schema); err != nil {
					t.Errorf("got %v, want a schema that compiles", err)
				}
			})
		}
		if info.CredentialField != "" && info.ConsumerSchema == nil {
			t.Errorf("%s: has a credential field and no consumer schema", info.Name)
		}
	}
}

// headings are the sections of a plugin's README, in their order.
var headings = []string{"Name", "Description", "Attributes", "Examples"}

func TestReadme(t *testing.T) {
	heading := regexp.MustCompile(`(?m)^## (.+)$`)
	for _, plugin := range all() {
		info := plugin.Info()
		t.Run(info.Name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder(info.Name), "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, match := range heading.FindAllStringSubmatch(string(text), -1) {
				if slices.Contains(headings, match[1]) {
					got = append(got, match[1])
				}
			}
			if !slices.Equal(got, headings) {
				t.Errorf("sections: got %q, want %q", got, headings)
			}
			for _, name := range attributes(t, info.Schema) {
				if !strings.Contains(string(text), "`"+name+"`") {
					t.Errorf("attribute %s is not in the README", name)
				}
			}
		})
	}
}

func attributes(t *testing.T, schema json.RawMessage) []string {
	t.Helper()
	var object struct{ Properties map[string]json.RawMessage }
	if err := json.Unmarshal(schema, &object); err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range object.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// TestExamples configures each plugin with the YAML examples of its README.
func TestExamples(t *testing.T) {
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```")
	for _, plugin := range all() {
		info := plugin.Info()
		t.Run(info.Name, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(folder(info.Name), "README.md"))
			if err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, match := range block.FindAllStringSubmatch(string(text), -1) {
				var document any
				if err := yaml.Unmarshal([]byte(match[1]), &document); err != nil {
					t.Errorf("example is not YAML: %v\n%s", err, match[1])
				}
				for _, conf := range configurations(document, info.Name, "") {
					configure(t, plugin, conf)
					found++
				}
			}
			if found == 0 {
				t.Error("got no example with a configuration of the plugin, want at least one")
			}
		})
	}
}

// configurations finds what stands under "plugins" by that name; a consumer's plugins are left out, since they follow another schema.
func configurations(document any, name, under string) []any {
	if list, ok := document.([]any); ok {
		var found []any
		for _, element := range list {
			found = append(found, configurations(element, name, "")...)
		}
		return found
	}
	object, ok := document.(map[string]any)
	if !ok {
		return nil
	}
	if _, consumer := object["username"]; consumer {
		return nil
	}
	var found []any
	for member, value := range object {
		if under == "plugins" && member == name {
			found = append(found, value)
		}
		found = append(found, configurations(value, name, member)...)
	}
	return found
}

func configure(t *testing.T, plugin sdk.Plugin, conf any) {
	t.Helper()
	raw, err := json.Marshal(conf)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.Compile(plugin.Info().Schema)
	if err != nil {
		t.Fatal(err)
	}
	filled, err := schema.Fill(raw)
	if err != nil {
		t.Fatalf("example %s: got %v, want it to fit the schema", raw, err)
	}
	hooks, err := plugin.Configure(sdk.WithScope(t.Context(), sdk.Scope{Resource: "routes/1", Version: "1"}), filled)
	if err != nil {
		t.Fatalf("example %s: got %v, want no error", raw, err)
	}
	if hooks.Close != nil {
		if err := hooks.Close(); err != nil {
			t.Errorf("close: got %v, want no error", err)
		}
	}
}
