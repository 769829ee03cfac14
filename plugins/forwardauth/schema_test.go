package forwardauth_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/forwardauth"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(forwardauth.New().Info().Schema)
	const uri = `{"uri":"http://127.0.0.1:8199"`
	tests := []struct{ name, conf, want string }{
		{"uri", uri + `}`, ""},
		{"POST", uri + `,"request_method":"POST","extra_headers":{"a":"$b"}}`, ""},
		{"unknown attribute", uri + `,"more":1}`, ""},
		{"no uri", `{"request_headers":["test"]}`, `property "uri" is required`},
		{"type of the uri", `{"uri":3233}`, `property "uri" validation failed: wrong type: expected string, got number`},
		{"request_headers", uri + `,"request_headers":"test"}`, `property "request_headers" validation failed: wrong type: expected array, got string`},
		{"method", uri + `,"request_method":"PUT"}`, `property "request_method" validation failed: matches none of the enum values`},
		{"timeout", uri + `,"timeout":60001}`, `property "timeout" validation failed: expected 60001 to be at most 60000`},
		{"status", uri + `,"status_on_error":199}`, `property "status_on_error" validation failed: expected 199 to be at least 200`},
		{"idle time", uri + `,"keepalive_timeout":999}`, `property "keepalive_timeout" validation failed: expected 999 to be at least 1000`},
		{"pool", uri + `,"keepalive_pool":0}`, `property "keepalive_pool" validation failed: expected 0 to be at least 1`},
		{"body", uri + `,"max_req_body_size":0}`, `property "max_req_body_size" validation failed: expected 0 to be at least 1`},
		{"no fields", uri + `,"extra_headers":{}}`, `property "extra_headers" validation failed: expect object to have at least 1 properties`},
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
