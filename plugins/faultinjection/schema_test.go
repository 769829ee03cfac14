package faultinjection_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/faultinjection"
)

func TestSchemas(t *testing.T) {
	info := faultinjection.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"abort", `{"abort":{"http_status":200,"body":"","headers":{"a":"b","c":1.5},"percentage":0,"vars":[[["a","==","b"]]]}}`, info.Schema, true},
		{"delay", `{"delay":{"duration":0.5,"percentage":100,"vars":[]}}`, info.Schema, true},
		{"neither", `{}`, info.Schema, false},
		{"no status", `{"abort":{}}`, info.Schema, false},
		{"low status", `{"abort":{"http_status":199}}`, info.Schema, false},
		{"no headers", `{"abort":{"http_status":200,"headers":{}}}`, info.Schema, false},
		{"header type", `{"abort":{"http_status":200,"headers":{"a":true}}}`, info.Schema, false},
		{"percentage", `{"abort":{"http_status":200,"percentage":101}}`, info.Schema, false},
		{"no duration", `{"delay":{}}`, info.Schema, false},
		{"past", `{"delay":{"duration":-1}}`, info.Schema, false},
		{"vars type", `{"delay":{"duration":1,"vars":["a"]}}`, info.Schema, false},
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
