package mocking_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/mocking"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(mocking.New().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"example", `{"response_example":"a"}`, ""},
		{"schema", `{"response_schema":{},"delay":1,"response_headers":{"A":1}}`, ""},
		{"neither", `{}`, `object matches none of the required: ["response_example"] or ["response_schema"]`},
		{"status", `{"response_example":"a","response_status":600}`, `property "response_status" validation failed: expected 600 to be at most 599`},
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
