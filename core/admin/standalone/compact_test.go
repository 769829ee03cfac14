package standalone

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

func TestCompact(t *testing.T) {
	tests := []struct {
		name, text, want, err string
	}{
		{"JSON", " { \"a\" : [ 1 , \"b c\" ] }\n", `{"a":[1,"b c"]}`, ""},
		{"a line break in a string", "{\"a\":\"b\nc\"}", `{"a":"b\u000ac"}`, ""},
		{"no key", "{abcd", "", "Expected object key string but found invalid token at character 2"},
		{"a key that is no string", "{1:2}", "", "Expected object key string but found T_NUMBER at character 2"},
		{"no colon", `{"a" 1}`, "", "Expected colon but found T_NUMBER at character 6"},
		{"no value", `{"a":}`, "", "Expected value but found T_OBJ_END at character 6"},
		{"no comma", `{"a":1 "b"}`, "", "Expected comma or object end but found T_STRING at character 8"},
		{"no comma in an array", `[1 true]`, "", "Expected comma or array end but found T_BOOLEAN at character 4"},
		{"an end that is not there", `[1,`, "", "Expected value but found T_END at character 4"},
		{"a rest", `{} null`, "", "Expected the end but found T_NULL at character 4"},
		{"an escape that is none", `["\x"]`, "", "Expected value but found invalid escape code at character 3"},
		{"a string without end", `["a`, "", "Expected value but found unexpected end of string at character 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := compact([]byte(tt.text))
			if string(got) != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("got %s, %v, want %s, %s", got, err, tt.want, tt.err)
			}
		})
	}
}

func FuzzCompact(f *testing.F) {
	for _, text := range []string{`{"a":[1,-2.5e3,"\u00e9\n",true,null,{}]}`, `{"a`, `[[[`, `"\`, "-", "tru", "01", "\x00", "1 2"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := compact(bytes.Clone(data))
		if err == nil && !json.Valid(got) {
			t.Errorf("%q: got %q", data, got)
		}
		if json.Valid(data) && utf8.Valid(data) && err != nil {
			t.Errorf("%q: got error %v", data, err)
		}
	})
}
