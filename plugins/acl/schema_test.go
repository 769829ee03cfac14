package acl_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/acl"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(acl.New().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"allow", `{"allow_labels":{"a":["b"]}}`, ""},
		{"deny", `{"deny_labels":{"a":["b"]},"rejected_code":200,"rejected_msg":""}`, ""},
		{"unknown attribute", `{"deny_labels":{"a":["b"]},"more":1}`, ""},
		{"neither", `{}`, `object matches none of the required: ["allow_labels"] or ["deny_labels"]`},
		{"no labels", `{"allow_labels":{}}`, `property "allow_labels" validation failed: expect object to have at least 1 properties`},
		{"no values", `{"allow_labels":{"a":[]}}`, `property "allow_labels" validation failed: failed to validate a (matching ".*"): expect array to have at least 1 items`},
		{
			"parser", `{"allow_labels":{"a":["b"]},"external_user_label_field_parser":"x"}`,
			`property "external_user_label_field_parser" validation failed: matches none of the enum values`,
		},
		{"no separator", `{"allow_labels":{"a":["b"]},"external_user_label_field_parser":"segmented_text"}`, "allOf 1 failed: then clause did not match"},
		{
			"empty separator", `{"allow_labels":{"a":["b"]},"external_user_label_field_separator":""}`,
			`property "external_user_label_field_separator" validation failed: string too short, expected at least 1, got 0`,
		},
		{"status", `{"allow_labels":{"a":["b"]},"rejected_code":199}`, `property "rejected_code" validation failed: expected 199 to be at least 200`},
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
