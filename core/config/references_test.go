package config

import (
	"slices"
	"testing"
)

func TestReferences(t *testing.T) {
	tests := []struct {
		name, value string
		want        []string
	}{
		{"none", `{"a":"$","b":"$secret:/x","c":"secret://x","d":"x$secret://"}`, nil},
		{"secret", `{"a":"$secret://vault/1/jack/key"}`, []string{"$secret://vault/1/jack/key"}},
		{"secrets in capitals are none", `{"a":"$SECRET://vault/1/jack/key"}`, nil},
		{"environment in any case", `["$env://A","$ENV://B","$EnV://C/d"]`, []string{"$env://A", "$ENV://B", "$EnV://C/d"}},
		{"each once", `["$env://A",{"b":"$env://A"},"$env://B"]`, []string{"$env://A", "$env://B"}},
		{"not a name", `{"$env://A" : 1,"b":"$env://B"}`, []string{"$env://B"}},
		{"escapes", `["$env:\/\/A\"","\u0024env://B"]`, []string{`$env://A"`, "$env://B"}},
		{"within a text", `{"a":"\"$env://A\""}`, nil},
		{"cut off", `{"a":"$env://A`, nil},
		{"not JSON", `init_dir`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := References([]byte(tt.value)); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReferencesDoNotAllocate(t *testing.T) {
	value := []byte(`{"uri":"/","vars":[["arg_a","==","$"]],"plugins":{"x":{"body":"$remote_addr","y":"$secret"}}}`)
	if got := testing.AllocsPerRun(100, func() { References(value) }); got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

// FuzzReferences compares the references that are found in a text with those in the decoded document.
func FuzzReferences(f *testing.F) {
	for _, seed := range []string{`{"a":"$env://A"}`, `["$secret://x","\u0024env://y",{"$env://z":1}]`, `"$env://\ud800"`, `"\\$env://"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got := References(value)
		doc, err := decodeJSON(value)
		if err != nil {
			return
		}
		want := appendReferences(nil, doc)
		if lost := slices.IndexFunc(want, func(ref string) bool { return !slices.Contains(got, ref) }); lost >= 0 {
			t.Errorf("%s is not found: got %q", want[lost], got)
		}
	})
}
