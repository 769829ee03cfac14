package iprestriction_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/iprestriction"
)

func TestSchemas(t *testing.T) {
	info := iprestriction.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"addresses", `{"whitelist":["10.0.0.1","10.0.0.0/8","::1","fe80::/32","2001:db8::1"]}`, info.Schema, true},
		{"blacklist", `{"blacklist":["0.0.0.0/0"],"message":"m","response_code":404}`, info.Schema, true},
		{"neither", `{}`, info.Schema, false},
		{"both", `{"whitelist":["::1"],"blacklist":["::1"]}`, info.Schema, false},
		{"empty list", `{"whitelist":[]}`, info.Schema, false},
		{"no address", `{"whitelist":["localhost"]}`, info.Schema, false},
		{"mask", `{"whitelist":["10.0.0.0/33"]}`, info.Schema, false},
		{"address", `{"whitelist":["10.0.0.256"]}`, info.Schema, false},
		{"status", `{"whitelist":["::1"],"response_code":405}`, info.Schema, false},
		{"empty message", `{"whitelist":["::1"],"message":""}`, info.Schema, false},
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
