package cors_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/cors"
)

func TestSchemas(t *testing.T) {
	info := cors.New().Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"any", `{"allow_origins":"*"}`, info.Schema, true},
		{"any by name", `{"allow_origins":"**"}`, info.Schema, true},
		{"null", `{"allow_origins":"null"}`, info.Schema, true},
		{"list", `{"allow_origins":"http://foo.example,https://bar.example:8080,https://baz.example"}`, info.Schema, true},
		{"without a scheme", `{"allow_origins":"foo.example"}`, info.Schema, false},
		{"empty origin", `{"allow_origins":""}`, info.Schema, false},
		{"list with any", `{"allow_origins":"*,http://a.com"}`, info.Schema, false},
		{"space", `{"allow_origins":"http://a.com, http://b.com"}`, info.Schema, false},
		{"no patterns", `{"allow_origins_by_regex":[]}`, info.Schema, false},
		{"pattern twice", `{"allow_origins_by_regex":["a","a"]}`, info.Schema, false},
		{"empty key", `{"allow_origins_by_metadata":[""]}`, info.Schema, false},
		{"age", `{"max_age":"5"}`, info.Schema, false},
		{"timing", `{"timing_allow_origins":"a"}`, info.Schema, false},
		{"metadata", `{"allow_origins":{"k":"http://a.com,http://b.com"}}`, info.MetadataSchema, true},
		{"bad metadata", `{"allow_origins":{"k":"a.com"}}`, info.MetadataSchema, false},
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
