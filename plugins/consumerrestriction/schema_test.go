package consumerrestriction_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/consumerrestriction"
)

func TestSchemas(t *testing.T) {
	info := consumerrestriction.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"blacklist", `{"blacklist":["a"]}`, info.Schema, true},
		{"all", `{"type":"route_id","blacklist":["a"],"whitelist":["b"],"allowed_by_methods":[{"user":"a","methods":["PURGE"]}],"rejected_code":500,"rejected_msg":""}`, info.Schema, true},
		{"no list", `{"type":"route_id"}`, info.Schema, false},
		{"empty list", `{"whitelist":[]}`, info.Schema, false},
		{"no type", `{"type":"x","whitelist":["a"]}`, info.Schema, false},
		{"no method", `{"allowed_by_methods":[{"user":"a","methods":["GOT"]}]}`, info.Schema, false},
		{"no methods", `{"allowed_by_methods":[{"user":"a","methods":[]}]}`, info.Schema, false},
		{"low status", `{"whitelist":["a"],"rejected_code":199}`, info.Schema, false},
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
