package limitconn_test

import (
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/internal/jsonschema"
	"github.com/polygate/polygate/plugins/limitconn"
)

func TestSchema(t *testing.T) {
	schema := jsonschema.MustCompile(limitconn.New().Info().Schema)
	const none = "value should match only one schema, but matches none"
	tests := []struct{ name, conf, want string }{
		{"all in one", `{"conn":1,"burst":0,"default_conn_delay":0.1,"rejected_code":503,"key":"remote_addr"}`, ""},
		{"texts", `{"conn":"${http_a ?? 1}","burst":"$http_b","default_conn_delay":1,"key":"$a","key_type":"var_combination"}`, ""},
		{"rules", `{"default_conn_delay":1,"rules":[{"conn":1,"burst":"$x","key":"$a"}]}`, ""},
		{"unknown attribute", `{"conn":1,"burst":0,"default_conn_delay":0.1,"key":"x","more":1}`, ""},
		{"no burst", `{"conn":1,"default_conn_delay":0.1,"key":"remote_addr"}`, none},
		{"no delay", `{"conn":1,"burst":1,"key":"remote_addr"}`, none},
		{
			"both", `{"conn":1,"burst":0,"default_conn_delay":0.1,"key":"x","rules":[{"conn":1,"burst":0,"key":"$a"}]}`,
			"value should match only one schema, but matches both schemas 1 and 2",
		},
		{"nothing", `{"conn":0,"burst":0,"default_conn_delay":0.1,"key":"x"}`, `property "conn" validation failed: ` + none},
		{"negative burst", `{"conn":1,"burst":-1,"default_conn_delay":0.1,"key":"x"}`, `property "burst" validation failed: ` + none},
		{"no time", `{"conn":1,"burst":0,"default_conn_delay":0,"key":"x"}`, `property "default_conn_delay" validation failed: expected 0 to be greater than 0`},
		{"key type", `{"conn":1,"burst":0,"default_conn_delay":1,"key":"x","key_type":"constant"}`, `property "key_type" validation failed: matches none of the enum values`},
		{"policy", `{"conn":1,"burst":0,"default_conn_delay":1,"key":"x","policy":"etcd"}`, `property "policy" validation failed: matches none of the enum values`},
		{
			"degradation", `{"conn":1,"burst":0,"default_conn_delay":1,"key":"x","allow_degradation":"true1"}`,
			`property "allow_degradation" validation failed: wrong type: expected boolean, got string`,
		},
		{
			"message", `{"conn":1,"burst":0,"default_conn_delay":1,"key":"x","rejected_msg":""}`,
			`property "rejected_msg" validation failed: string too short, expected at least 1, got 0`,
		},
		{"status", `{"conn":1,"burst":0,"default_conn_delay":1,"key":"x","rejected_code":600}`, `property "rejected_code" validation failed: expected 600 to be at most 599`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := schema.Validate(json.RawMessage(tt.conf)); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
