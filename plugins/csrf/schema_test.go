package csrf_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/csrf"
)

func TestSchemas(t *testing.T) {
	info := csrf.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"key", `{"key":"a"}`, info.Schema, true},
		{"all", `{"key":"a","expires":-1,"name":"n"}`, info.Schema, true},
		{"no key", `{}`, info.Schema, false},
		{"key type", `{"key":1}`, info.Schema, false},
		{"expires type", `{"key":"a","expires":1.5}`, info.Schema, false},
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
