package requestid_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/requestid"
)

func TestSchemas(t *testing.T) {
	info := requestid.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"all", `{"header_name":"h","include_in_response":false,"algorithm":"range_id","range_id":{"length":6,"char_set":"abcdef"}}`, info.Schema, true},
		{"algorithm", `{"algorithm":"snowflake"}`, info.Schema, false},
		{"short", `{"range_id":{"length":5}}`, info.Schema, false},
		{"few characters", `{"range_id":{"char_set":"abcde"}}`, info.Schema, false},
		{"response type", `{"include_in_response":"yes"}`, info.Schema, false},
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
