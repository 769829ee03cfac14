package basicauth_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/basicauth"
)

func TestSchemas(t *testing.T) {
	info := basicauth.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"all", `{"realm":"a b!","hide_credentials":true,"anonymous_consumer":"x"}`, info.Schema, true},
		{"unknown attribute", `{"more":1}`, info.Schema, true},
		{"quote in the realm", `{"realm":"a\"b"}`, info.Schema, false},
		{"backslash in the realm", `{"realm":"a\\b"}`, info.Schema, false},
		{"line in the realm", `{"realm":"a\nb"}`, info.Schema, false},
		{"empty realm", `{"realm":""}`, info.Schema, false},
		{"no name of anonymous", `{"anonymous_consumer":""}`, info.Schema, false},
		{"consumer", `{"username":"a","password":"b"}`, info.ConsumerSchema, true},
		{"no password", `{"username":"a"}`, info.ConsumerSchema, false},
		{"no name", `{"password":"a"}`, info.ConsumerSchema, false},
		{"name type", `{"username":1,"password":"b"}`, info.ConsumerSchema, false},
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
