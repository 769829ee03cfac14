package multiauth_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(plugin().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"two", `{"auth_plugins":[{"basic-auth":{}},{"key-auth":{}}]}`, ""},
		{"unknown attribute", `{"auth_plugins":[{},{}],"more":1}`, ""},
		{"none", `{}`, `property "auth_plugins" is required`},
		{"one", `{"auth_plugins":[{"basic-auth":{}}]}`, `property "auth_plugins" validation failed: expect array to have at least 2 items`},
		{"type", `{"auth_plugins":"basic-auth"}`, `property "auth_plugins" validation failed: wrong type: expected array, got string`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := schema.Validate(json.RawMessage(tt.conf)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
