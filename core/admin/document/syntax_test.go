package document

import (
	"encoding/json"
	"testing"
)

func TestSyntaxError(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", "Expected value but found T_END at character 1"},
		{"word", "not json", "Expected value but found invalid token at character 1"},
		{"object without end", `{"uri"`, "Expected colon but found T_END at character 7"},
		{"name without quotes", `{a:1}`, "Expected object key string but found invalid token at character 2"},
		{"comma at the end", `{"a":1,}`, "Expected object key string but found T_OBJ_END at character 8"},
		{"no comma", `{"a":1 "b":2}`, "Expected comma or object end but found T_STRING at character 8"},
		{"no value", `{"a":}`, "Expected value but found T_OBJ_END at character 6"},
		{"array without end", `[1,2`, "Expected comma or array end but found T_END at character 5"},
		{"array with a comma at the end", `[1,]`, "Expected value but found T_ARR_END at character 4"},
		{"two values", `{} {}`, "Expected the end but found T_OBJ_BEGIN at character 4"},
		{"string without end", `{"a":"b`, "Expected value but found unexpected end of string at character 8"},
		{"escape", `["\x"]`, "Expected value but found invalid escape code at character 3"},
		{"unicode", `["\u12g4"]`, "Expected value but found invalid unicode escape code at character 3"},
		{"number", `[-]`, "Expected value but found invalid number at character 2"},
		{"NaN is a number", `[NaN, -Infinity, inf]`, ""},
		{"colon", `[1:2]`, "Expected comma or array end but found T_COLON at character 3"},
		{"no fault", `{"a":[1,-2.5e3,true,false,null,"\u00e9\n"]}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := syntaxError([]byte(tt.in)); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzSyntaxError(f *testing.F) {
	for _, seed := range []string{`{"a":[1,true,null,"x\n"]}`, `{`, `"\u00`, `-`, `[[[`, `{"a" "b"}`, "\"\x00\"", `+1`, `nan`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if got := syntaxError(data); got != "" && json.Valid(data) && len(data) < MaxDepth {
			t.Errorf("got %q for valid JSON %q", got, data)
		}
	})
}
