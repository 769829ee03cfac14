package echo_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/echo"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(echo.New().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"all", `{"before_body":"a","body":"b","after_body":"c","headers":{"A":"b"}}`, ""},
		{"type", `{"body":"body","after_body":3}`, `property "after_body" validation failed: wrong type: expected string, got number`},
		{"none", `{"headers":{"A":"b"}}`, `object matches none of the required: ["before_body"] or ["body"] or ["after_body"]`},
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
