package uriblocker_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/uriblocker"
)

func TestSchemas(t *testing.T) {
	info := uriblocker.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"rules", `{"block_rules":["a","b"],"rejected_code":200,"rejected_msg":"m","case_insensitive":true}`, info.Schema, true},
		{"no rules", `{"block_rules":[]}`, info.Schema, true},
		{"nothing", `{}`, info.Schema, false},
		{"twice", `{"block_rules":["a","a"]}`, info.Schema, false},
		{"empty rule", `{"block_rules":[""]}`, info.Schema, false},
		{"empty message", `{"block_rules":["a"],"rejected_msg":""}`, info.Schema, false},
		{"low status", `{"block_rules":["a"],"rejected_code":199}`, info.Schema, false},
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
