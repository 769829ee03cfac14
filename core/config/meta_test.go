package config

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplitMeta(t *testing.T) {
	five := 5
	tests := []struct {
		name, conf string
		want       PluginMeta
		err        string
	}{
		{name: "none", conf: `{"a":1}`},
		{name: "empty", conf: `{"_meta":[]}`},
		{name: "null", conf: `{"_meta":null}`},
		{name: "an array", conf: `[]`},
		{
			name: "everything",
			conf: `{"_meta":{"disable":true,"priority":5,"filter":[["a","==","b"]],"error_response":{"m":"<x>"},"pre_function":"return 1"}}`,
			want: PluginMeta{
				Disable: true, Priority: &five, Filter: json.RawMessage(`[["a","==","b"]]`),
				ErrorResponse: json.RawMessage(`{"m":"<x>"}`), PreFunction: "return 1",
			},
		},
		{name: "names have a case", conf: `{"_META":{"disable":true}}`},
		{name: "wrong type", conf: `{"_meta":{"disable":1}}`, err: "_meta: disable: got number, want a boolean"},
		{name: "not an object", conf: `{"_meta":1}`, err: "_meta: got number, want an object"},
		{name: "not JSON", conf: `{`, err: "decode JSON: unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := SplitMeta(json.RawMessage(tt.conf))
			if errText(err) != tt.err {
				t.Fatalf("got error %q, want %q", errText(err), tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
