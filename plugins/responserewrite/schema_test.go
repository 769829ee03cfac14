package responserewrite_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/responserewrite"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(responserewrite.New().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"all", `{"body":"a","status_code":200,"headers":{"set":{"A":1},"add":["A: b"],"remove":["C"]},"vars":[]}`, ""},
		{"header fields", `{"headers":{"X-A":1,"X-B":"b"}}`, ""},
		{"filters", `{"filters":[{"regex":"a","replace":"b"}]}`, ""},
		{"status", `{"status_code":599}`, `property "status_code" validation failed: expected 599 to be at most 598`},
		{"body", `{"body":2}`, `property "body" validation failed: wrong type: expected string, got number`},
		{"empty pattern", `{"filters":[{"regex":"","replace":"b"}]}`, `property "filters" validation failed: failed to validate item 1: property "regex" validation failed: string too short, expected at least 1, got 0`},
		{"no replacement", `{"filters":[{"regex":"a"}]}`, `property "filters" validation failed: failed to validate item 1: property "replace" is required`},
		{"wrong value of a field", `{"headers":{"set":{"a":true}}}`, `property "headers" validation failed: object matches none of the required`},
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
