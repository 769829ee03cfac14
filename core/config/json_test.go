package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestDecodeJSON(t *testing.T) {
	deep := strings.Repeat("[", fastDepth+1) + strings.Repeat("]", fastDepth+1)
	tests := []struct {
		name, text string
	}{
		{"object", `{"a":1,"b":{"c":[]},"d":[1,"x",null,true,false]}`},
		{"blanks", " {\t\"a\" :\r\n 1 , \"b\" : [ ] } \n"},
		{"same name twice", `{"a":1,"a":2}`},
		{"escapes", `"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\ud800"`},
		{"not UTF-8", "\"a\xff\xc3\""},
		{"UTF-8", `{"é":"日本\u2028 "}`},
		{"numbers", `[0,-0,1.5,1e9,1E+2,1.0e-3,123456789012345678901234567890]`},
		{"bad numbers", `[01]`}, {"no digits", `[-]`}, {"no fraction", `[1.]`}, {"no exponent", `[1e]`}, {"plus", `[+1]`},
		{"control character", "\"a\nb\""},
		{"open string", `"a`}, {"open escape", `"a\`}, {"open object", `{"a":1`}, {"open array", `[1`},
		{"no colon", `{"a" 1}`}, {"no name", `{1:2}`}, {"comma at the end", `[1,]`}, {"comma in an object", `{"a":1,}`},
		{"half a word", `tru`}, {"a word too long", `truex`}, {"two values", `{} {}`}, {"nothing", ``}, {"blank", ` `}, {"zero byte", "1\x00"},
		{"deep", deep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { sameJSON(t, []byte(tt.text)) })
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,"x\u0041",null]}`, `"\ud83d"`, "\"\xf0\x9f\"", `{"a":{"b":[true,false]}}`, `-0.0`, `[1 2]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(sameJSON)
}

// sameJSON compares the fast decoder and encoder with those of encoding/json.
func sameJSON(t *testing.T, data []byte) {
	want, wantErr := decodeSlowly(data)
	got, err := decodeJSON(data)
	if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
		t.Fatalf("got error %v, want %v", err, wantErr)
	}
	if err != nil {
		return
	}
	// Why not cmp? It takes exponential time for what is nested deeply.
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if got, want := string(encodeJSON(got)), string(encodeSlowly(want)); got != want {
		t.Errorf("encoded: got %s, want %s", got, want)
	}
}
