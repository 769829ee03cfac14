package jwtauth_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/jwtauth"
)

func TestSchemas(t *testing.T) {
	info := jwtauth.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"all", `{"header":"h","query":"q","cookie":"c","hide_credentials":true,"key_claim_name":"sub","store_in_ctx":true,"claims_to_verify":["exp","nbf"]}`, info.Schema, true},
		{"unknown claim", `{"claims_to_verify":["iss"]}`, info.Schema, false},
		{"claim twice", `{"claims_to_verify":["exp","exp"]}`, info.Schema, false},
		{"no claim name", `{"key_claim_name":""}`, info.Schema, false},
		{"quote in the realm", `{"realm":"a\"b"}`, info.Schema, false},
		{"backslash in the realm", `{"realm":"a\\b"}`, info.Schema, false},
		{"line in the realm", `{"realm":"a\nb"}`, info.Schema, false},
		{"empty realm", `{"realm":""}`, info.Schema, false},
		{"no name of anonymous", `{"anonymous_consumer":""}`, info.Schema, false},
		{"secret", `{"key":"a","secret":"b"}`, info.ConsumerSchema, true},
		{"algorithm and secret", `{"key":"a","secret":"b","algorithm":"HS512"}`, info.ConsumerSchema, true},
		{"public key", `{"key":"a","algorithm":"EdDSA","public_key":"b"}`, info.ConsumerSchema, true},
		{"base64 secret", `{"key":"a","secret":"YQ","base64_secret":true}`, info.ConsumerSchema, true},
		{"no base64", `{"key":"a","secret":"{}","base64_secret":true}`, info.ConsumerSchema, false},
		{"cut base64", `{"key":"a","secret":"YWJjZ","base64_secret":true}`, info.ConsumerSchema, false},
		{"no key", `{"secret":"b"}`, info.ConsumerSchema, false},
		{"empty key", `{"key":"","secret":"b"}`, info.ConsumerSchema, false},
		{"no secret", `{"key":"a"}`, info.ConsumerSchema, false},
		{"no secret for the algorithm", `{"key":"a","algorithm":"HS256","public_key":"b"}`, info.ConsumerSchema, false},
		{"no public key", `{"key":"a","secret":"b","algorithm":"ES256"}`, info.ConsumerSchema, false},
		{"none", `{"key":"a","secret":"b","algorithm":"none"}`, info.ConsumerSchema, false},
		{"no time", `{"key":"a","secret":"b","exp":0}`, info.ConsumerSchema, false},
		{"less than no grace", `{"key":"a","secret":"b","lifetime_grace_period":-1}`, info.ConsumerSchema, false},
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
