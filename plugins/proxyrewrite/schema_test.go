package proxyrewrite_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/proxyrewrite"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(proxyrewrite.New().Info().Schema)
	tests := []struct{ name, conf, want string }{
		{"uri", `{"uri":"/a"}`, ""},
		{"header fields", `{"headers":{"X-A":1,"X-B":"b"}}`, ""},
		{"header operations", `{"headers":{"add":{"A":["a",1]},"set":{"B":"b"},"remove":["C"]}}`, ""},
		{"host", `{"host":"a-b.example.com:8080"}`, ""},
		{"wrong uri", `{"uri":"home"}`, `property "uri" validation failed: failed to match pattern "^\\/.*" with "home"`},
		{"wrong method", `{"method":"GET1"}`, `property "method" validation failed: matches none of the enum values`},
		{"one pattern", `{"regex_uri":["^/test/(.*)"]}`, `property "regex_uri" validation failed: expect array to have at least 2 items`},
		{"wrong host", `{"host":"a/b"}`, `property "host" validation failed: failed to match pattern "^[0-9a-zA-Z-.]+(:\\d{1,5})?$" with "a/b"`},
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
