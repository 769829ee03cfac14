package config

import (
	"encoding/json"
	"testing"
)

func TestID(t *testing.T) {
	tests := []struct {
		name, in string
		want     ID
		err      string
	}{
		{name: "text", in: `"a.b-1"`, want: "a.b-1"},
		{name: "integer", in: `12`, want: "12"},
		{name: "integer with a fraction of 0", in: `12.0`, want: "12"},
		{name: "integer with an exponent", in: `1.2e1`, want: "12"},
		{name: "null", in: `null`},
		{name: "fraction", in: `1.5`, err: "got number, want a string or an integer"},
		{name: "too large", in: `9223372036854775808`, err: "got number, want a string or an integer"},
		{name: "object", in: `{}`, err: "got table, want a string or an integer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got ID
			err := json.Unmarshal([]byte(tt.in), &got)
			if got != tt.want || errText(err) != tt.err {
				t.Errorf("got %q, %q, want %q, %q", got, errText(err), tt.want, tt.err)
			}
		})
	}
}

func TestBindErrors(t *testing.T) {
	tests := []struct {
		name, doc, want string
	}{
		{"text", `{"uri":1}`, "uri: got number, want a string"},
		{"switch", `{"enable_websocket":"x"}`, "enable_websocket: got string, want a boolean"},
		{"integer", `{"priority":1.5}`, "priority: 1.5 is out of the range of integers"},
		{"integer is a switch", `{"priority":true}`, "priority: got boolean, want an integer"},
		{"number", `{"timeout":{"connect":1e999}}`, "timeout: connect: 1e999 is out of the range of numbers"},
		{"array", `{"uris":{"a":1}}`, "uris: got table, want an array"},
		{"item of an array", `{"uris":["/",1]}`, "uris: item 2: got number, want a string"},
		{"object", `{"labels":"x"}`, "labels: got string, want an object"},
		{"property of an object", `{"labels":{"a":[1]}}`, "labels: a: got table, want a string"},
		{"inner object", `{"upstream":"x"}`, "upstream: got string, want an object"},
		{"id", `{"upstream_id":true}`, "upstream_id: got boolean, want a string or an integer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := decodeJSON([]byte(tt.doc))
			if err != nil {
				t.Fatal(err)
			}
			if got := errText(bind(new(Route), doc)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
