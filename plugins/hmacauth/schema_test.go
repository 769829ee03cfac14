package hmacauth_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/hmacauth"
)

func TestSchemas(t *testing.T) {
	info := hmacauth.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"all", `{"allowed_algorithms":["hmac-sha1"],"clock_skew":1,"signed_headers":[],"validate_request_body":true,"max_req_body_size":1,"hide_credentials":true,"realm":"a","anonymous_consumer":"x"}`, info.Schema, true},
		{"no algorithms", `{"allowed_algorithms":[]}`, info.Schema, false},
		{"unknown algorithm", `{"allowed_algorithms":["hmac-md5"]}`, info.Schema, false},
		{"no skew", `{"clock_skew":0}`, info.Schema, false},
		{"no name", `{"signed_headers":[""]}`, info.Schema, false},
		{"no size", `{"max_req_body_size":0}`, info.Schema, false},
		{"quote in the realm", `{"realm":"a\"b"}`, info.Schema, false},
		{"backslash in the realm", `{"realm":"a\\b"}`, info.Schema, false},
		{"line in the realm", `{"realm":"a\nb"}`, info.Schema, false},
		{"empty realm", `{"realm":""}`, info.Schema, false},
		{"no name of anonymous", `{"anonymous_consumer":""}`, info.Schema, false},
		{"consumer", `{"key_id":"a","secret_key":"b"}`, info.ConsumerSchema, true},
		{"no key id", `{"secret_key":"b"}`, info.ConsumerSchema, false},
		{"empty secret", `{"key_id":"a","secret_key":""}`, info.ConsumerSchema, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := jsonschema.MustCompile(tt.schema).Validate(json.RawMessage(tt.doc))
			if (err == nil) != tt.ok {
				t.Errorf("got error %v, want accepted: %v", err, tt.ok)
			}
		})
	}
}
