package config

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/sdk"
)

// fakePlugin is a plugin that is only described.
type fakePlugin sdk.Info

func (p fakePlugin) Info() sdk.Info { return sdk.Info(p) }

func (p fakePlugin) Configure(context.Context, json.RawMessage) (sdk.Hooks, error) {
	return sdk.Hooks{}, nil
}

const limitSchema = `{
	"type": "object",
	"properties": {
		"count": {"type": "integer", "exclusiveMinimum": 0},
		"rejected_code": {"type": "integer", "minimum": 200, "maximum": 599, "default": 503}
	},
	"required": ["count"]
}`

func fakePlugins() []sdk.Plugin {
	return []sdk.Plugin{
		fakePlugin{
			Name: "limit-count", Priority: 1002, Schema: json.RawMessage(limitSchema),
			MetadataSchema: json.RawMessage(`{"type": "object", "properties": {
				"limit_header": {"type": "string", "default": "X-RateLimit-Limit"}}}`),
		},
		fakePlugin{
			Name: "key-auth", Priority: 2500, Auth: true, CredentialField: "key", SecretFields: []string{"key"},
			Schema: json.RawMessage(`{"type": "object", "properties": {
				"header": {"type": "string", "default": "apikey"}}}`),
			ConsumerSchema: json.RawMessage(`{"type": "object", "properties": {"key": {"type": "string"}}, "required": ["key"]}`),
		},
		fakePlugin{Name: "echo", Priority: 412},
		fakePlugin{Name: "mocking", Priority: 10900},
	}
}

func newCatalog(t testing.TB, opts CatalogOptions) *Catalog {
	t.Helper()
	c, err := NewCatalog(fakePlugins(), opts)
	if err != nil {
		t.Fatalf("NewCatalog: %v", err)
	}
	return c
}

func TestNewCatalogErrors(t *testing.T) {
	tests := []struct {
		name    string
		plugins []sdk.Plugin
		want    string
	}{
		{"no name", []sdk.Plugin{fakePlugin{}}, "a plugin of type config.fakePlugin has no name"},
		{"two of a name", []sdk.Plugin{fakePlugin{Name: "a"}, fakePlugin{Name: "a"}}, "plugin a: there are two of that name"},
		{"schema is not JSON", []sdk.Plugin{fakePlugin{Name: "a", Schema: json.RawMessage(`{`)}}, "plugin a: schema: decode JSON: "},
		{"schema is not an object", []sdk.Plugin{fakePlugin{Name: "a", Schema: json.RawMessage(`true`)}}, "plugin a: schema: it is not an object"},
		{
			"schema has _meta",
			[]sdk.Plugin{fakePlugin{Name: "a", Schema: json.RawMessage(`{"properties": {"_meta": {}}}`)}},
			"plugin a: schema: it has a property _meta",
		},
		{
			"bad consumer schema",
			[]sdk.Plugin{fakePlugin{Name: "a", ConsumerSchema: json.RawMessage(`{"type": 1}`)}},
			"plugin a: consumer schema: ",
		},
		{
			"all of them at once",
			[]sdk.Plugin{fakePlugin{}, fakePlugin{Name: "a", MetadataSchema: json.RawMessage(`[`)}},
			"\nplugin a: metadata schema: ",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewCatalog(tt.plugins, CatalogOptions{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestCatalogEnabled(t *testing.T) {
	c := newCatalog(t, CatalogOptions{Enabled: []string{"echo", "zipkin", "key-auth"}})
	if diff := cmp.Diff([]string{"key-auth", "echo"}, c.Names()); diff != "" {
		t.Errorf("Names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"zipkin"}, c.Missing()); diff != "" {
		t.Errorf("Missing (-want +got):\n%s", diff)
	}
	if p, ok := c.Plugin("echo"); !ok || p.Info().Name != "echo" {
		t.Errorf("Plugin(echo): got %v, %v", p, ok)
	}
	if _, ok := c.Plugin("mocking"); ok {
		t.Errorf("Plugin(mocking): got a plugin that is not enabled")
	}
	if info, ok := c.Info("key-auth"); !ok || info.Priority != 2500 {
		t.Errorf("Info(key-auth): got %v, %v", info, ok)
	}
	if _, ok := c.Info("mocking"); ok {
		t.Errorf("Info(mocking): got a plugin that is not enabled")
	}
	all := newCatalog(t, CatalogOptions{})
	if diff := cmp.Diff([]string{"mocking", "key-auth", "limit-count", "echo"}, all.Names()); diff != "" {
		t.Errorf("Names of all (-want +got):\n%s", diff)
	}
	if got := newCatalog(t, CatalogOptions{Enabled: []string{}}).Names(); len(got) != 0 {
		t.Errorf("Names of none: got %v", got)
	}
}

func TestCatalogSchema(t *testing.T) {
	c := newCatalog(t, CatalogOptions{})
	tests := []struct {
		name, plugin string
		as           SchemaType
		want         []string // empty: there is none
	}{
		{"with _meta", "limit-count", SchemaConf, []string{`"_meta":{`, `"rejected_code"`, `"$comment":"this is a mark for our injected plugin schema"`}},
		{"made up", "echo", SchemaConf, []string{`"_meta":{`, `"type":"object"`}},
		{"consumer as it is", "key-auth", SchemaConsumer, []string{`"required": ["key"]`}},
		{"metadata as it is", "limit-count", SchemaMetadata, []string{`"limit_header"`}},
		{"no consumer schema", "echo", SchemaConsumer, nil},
		{"no such plugin", "x", SchemaConf, nil},
		{"no such type", "echo", schemaTypes, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := c.Schema(tt.plugin, tt.as)
			if ok != (tt.want != nil) {
				t.Fatalf("got %v, want %v", ok, tt.want != nil)
			}
			for _, want := range tt.want {
				if !strings.Contains(string(got), want) {
					t.Errorf("got %s, want %s in it", got, want)
				}
			}
		})
	}
}

func TestCatalogCheck(t *testing.T) {
	c := newCatalog(t, CatalogOptions{Enabled: []string{"limit-count", "key-auth", "echo"}})
	tests := []struct {
		name, plugin, conf string
		as                 SchemaType
		want, err          string
	}{
		{name: "defaults", plugin: "limit-count", conf: `{"count":2}`, want: `{"count":2,"rejected_code":503}`},
		{name: "without a schema", plugin: "echo", conf: `{"x":"<a>","n":1.0}`, want: `{"n":1.0,"x":"<a>"}`},
		{name: "an empty array is an object", plugin: "echo", conf: `[]`, want: `{}`},
		{
			name: "required", plugin: "limit-count", conf: `{}`,
			err: `failed to check the configuration of plugin limit-count err: property "count" is required`,
		},
		{name: "unknown", plugin: "x", conf: `{}`, err: `unknown plugin [x]`},
		{name: "not enabled", plugin: "mocking", conf: `{}`, err: `unknown plugin [mocking]`},
		{name: "not an object", plugin: "echo", conf: `"abc"`, err: `invalid plugin conf "abc" for plugin [echo]`},
		{name: "null", plugin: "echo", conf: `null`, err: `invalid plugin conf null for plugin [echo]`},
		{name: "not JSON", plugin: "echo", conf: `{`, err: `plugin echo: decode JSON: unexpected EOF`},
		{
			name: "consumer", plugin: "key-auth", conf: `{}`, as: SchemaConsumer,
			err: `failed to check the configuration of plugin key-auth err: property "key" is required`,
		},
		{name: "route", plugin: "key-auth", conf: `{}`, want: `{"header":"apikey"}`},
		{name: "consumer without a schema for it", plugin: "limit-count", conf: `{"count":1}`, as: SchemaConsumer, want: `{"count":1,"rejected_code":503}`},
		{name: "metadata", plugin: "limit-count", conf: `{}`, as: SchemaMetadata, want: `{"limit_header":"X-RateLimit-Limit"}`},
		{name: "metadata without a schema", plugin: "echo", conf: `{"a":1}`, as: SchemaMetadata, want: `{"a":1}`},
		{name: "meta", plugin: "echo", conf: `{"_meta":{"priority":5,"filter":[["arg_a","==","b"]]}}`, want: `{"_meta":{"filter":[["arg_a","==","b"]],"priority":5}}`},
		{
			name: "meta with another property", plugin: "echo", conf: `{"_meta":{"x":5}}`,
			err: `failed to check the configuration of plugin echo err: property "_meta" validation failed: additional properties forbidden, found x`,
		},
		{
			name: "meta of a wrong type", plugin: "echo", conf: `{"_meta":{"disable":"yes"}}`,
			err: `failed to check the configuration of plugin echo err: property "_meta" validation failed: ` +
				`property "disable" validation failed: wrong type: expected boolean, got string`,
		},
		{name: "error_response is a string or an object", plugin: "echo", conf: `{"_meta":{"error_response":{"a":1}}}`, want: `{"_meta":{"error_response":{"a":1}}}`},
		{name: "disabled", plugin: "limit-count", conf: `{"_meta":{"disable":true}}`, want: `{"_meta":{"disable":true},"rejected_code":503}`},
		{
			name: "not disabled", plugin: "limit-count", conf: `{"_meta":{"disable":false}}`,
			err: `failed to check the configuration of plugin limit-count err: property "count" is required`,
		},
		{
			name: "filter", plugin: "echo", conf: `{"_meta":{"filter":[["arg_a","=?","b"]]}}`,
			err: `failed to validate the 'vars' expression: invalid operator '=?'`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := c.Check(tt.plugin, json.RawMessage(tt.conf), tt.as)
			if errText(err) != tt.err {
				t.Fatalf("got error %q, want %q", errText(err), tt.err)
			}
			// What a disabled plugin has of its defaults does not matter.
			if tt.name != "disabled" && string(got) != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	_, err := c.Check("x", json.RawMessage(`{}`), SchemaConf)
	if unknown := (*UnknownPluginError)(nil); !errors.As(err, &unknown) || unknown.Name != "x" {
		t.Errorf("got %#v, want an UnknownPluginError", err)
	}
}

func TestCredentials(t *testing.T) {
	c := newCatalog(t, CatalogOptions{})
	tests := []struct {
		name, conf string
		want       map[string]string
	}{
		{"a key", `{"key":"k1"}`, map[string]string{"key-auth": "k1"}},
		{"a secret", `{"key":"$secret://vault/1/jack/key"}`, map[string]string{}},
		{"a variable of the environment", `{"key":"$EnV://KEY"}`, map[string]string{}},
		{"no key", `{}`, map[string]string{}},
		{"not a string", `{"key":1}`, map[string]string{}},
		{"not JSON", `{`, map[string]string{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := c.Credentials(Plugins{"key-auth": json.RawMessage(tt.conf), "echo": json.RawMessage(`{"key":"x"}`)})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
