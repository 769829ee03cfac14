package keyauth_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/keyauth"
)

func TestSchemas(t *testing.T) {
	info := keyauth.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"all", `{"header":"h","query":"q","realm":"a b!","hide_credentials":true,"anonymous_consumer":"x"}`, info.Schema, true},
		{"unknown attribute", `{"more":1}`, info.Schema, true},
		{"header type", `{"header":1}`, info.Schema, false},
		{"quote in the realm", `{"realm":"a\"b"}`, info.Schema, false},
		{"backslash in the realm", `{"realm":"a\\b"}`, info.Schema, false},
		{"line in the realm", `{"realm":"a\nb"}`, info.Schema, false},
		{"empty realm", `{"realm":""}`, info.Schema, false},
		{"no name of anonymous", `{"anonymous_consumer":""}`, info.Schema, false},
		{"consumer", `{"key":"k"}`, info.ConsumerSchema, true},
		{"consumer without a key", `{}`, info.ConsumerSchema, false},
		{"key type", `{"key":1}`, info.ConsumerSchema, false},
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
