package prometheus_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/internal/metrics"
	"github.com/polygate/polygate/plugins/prometheus"
)

func TestSchemas(t *testing.T) {
	info := prometheus.New(metrics.New(metrics.Options{})).Info()
	tests := []struct {
		name, doc string
		schema    json.RawMessage
		ok        bool
	}{
		{"empty", `{}`, info.Schema, true},
		{"names", `{"prefer_name":true}`, info.Schema, true},
		{"type", `{"prefer_name":1}`, info.Schema, false},
		{"disabled", `{"disabled_labels":{"http_status":["route","response_source"],"llm_latency":["route_id"],"ai_cache_hits_total":["service_id"]}}`, info.MetadataSchema, true},
		{"code stays", `{"disabled_labels":{"http_status":["code"]}}`, info.MetadataSchema, false},
		{"type stays", `{"disabled_labels":{"http_latency":["type"]}}`, info.MetadataSchema, false},
		{"layer stays", `{"disabled_labels":{"ai_cache_hits_total":["layer"]}}`, info.MetadataSchema, false},
		{"unknown metric", `{"disabled_labels":{"requests":["route"]}}`, info.MetadataSchema, false},
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
