package limitcount_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/limitcount"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(limitcount.New().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"count and window", `{"count":1,"time_window":60}`, ""},
		{"texts", `{"count":"$a","time_window":"${b ?? 2}"}`, ""},
		{"rules", `{"rules":[{"count":1,"time_window":"$x","key":"$a","header_prefix":"x"}]}`, ""},
		{"unknown attribute", `{"count":1,"time_window":60,"more":1}`, ""},
		{"Redis", `{"count":1,"time_window":60,"policy":"redis","redis_host":"127.0.0.1"}`, `property "policy" validation failed: matches none of the enum values`},
		{"neither", `{"count":1}`, "value should match only one schema, but matches none"},
		{"zero", `{"count":0,"time_window":60}`, `property "count" validation failed: value should match only one schema, but matches none`},
		{"status", `{"count":1,"time_window":60,"rejected_code":199}`, `property "rejected_code" validation failed: expected 199 to be at least 200`},
		{"key type", `{"count":1,"time_window":60,"key_type":"x"}`, `property "key_type" validation failed: matches none of the enum values`},
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
