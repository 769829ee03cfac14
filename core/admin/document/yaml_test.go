package document

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestParseYAML(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", "", `null`},
		{"mapping in order", "b: 1\na: two\n", `{"b":1,"a":"two"}`},
		{"sequence", "- 1\n- [a, {b: c}]\n", `[1,["a",{"b":"c"}]]`},
		{"scalars", "[~, true, 0x1f, 1.5, 1e3, 2024-01-02, '1', \"a\\nb\"]", `[null,true,31,1.5,1000,"2024-01-02","1","a\nb"]`},
		{"large number", "18446744073709551615", `1.8446744073709552e+19`},
		{"names that are no strings", "1: a\ntrue: b\n", `{"1":"a","true":"b"}`},
		{"alias", "a: &x {k: v}\nb: *x\n", `{"a":{"k":"v"},"b":{"k":"v"}}`},
		{"merge", "a: &x {k: v, l: w}\nb:\n  <<: *x\n  l: own\n", `{"a":{"k":"v","l":"w"},"b":{"l":"own","k":"v"}}`},
		{"merge of two", "a: &x {k: v}\nb: &y {k: no, m: z}\nc: {<<: [*x, *y]}\n", `{"a":{"k":"v"},"b":{"k":"no","m":"z"},"c":{"k":"v","m":"z"}}`},
		{"block scalar", "a: |\n  x\n  y\n", `{"a":"x\ny\n"}`},
		{"only the first document", "a: 1\n---\nb: 2\n", `{"a":1}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := ParseYAML([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.Bytes()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseYAMLRefuses(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 12 {
		name, before := string(rune('b'+i)), string(rune('a'+i))
		bomb += name + ": &" + name + " [" + strings.Repeat("*"+before+",", 9) + "*" + before + "]\n"
	}
	tests := []struct{ name, in, want string }{
		{"syntax", "a: [", "decode YAML"},
		{"infinity", "a: .inf", "line 1: .inf is not a number that JSON has"},
		{"deep", strings.Repeat("[", 200) + strings.Repeat("]", 200), "nested more than 100 levels deep"},
		{"name", "? [a]\n: b\n", "a name that is not a scalar"},
		{"bomb", bomb, "aliases make the document too large"},
		{"alias of itself", "a: &a [*a]", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := ParseYAML([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, %v, want an error with %q", v, err, tt.want)
			}
		})
	}
}

func FuzzParseYAML(f *testing.F) {
	for _, seed := range []string{"", "a: 1", "- &x {b: c}\n- *x\n", "<<: {a: b}", "? a\n: b", "!!binary aGk=", "!!int x", "a: 1_000"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := ParseYAML(data)
		if err == nil && !json.Valid(v.Bytes()) {
			t.Errorf("got %s, want JSON", v.Bytes())
		}
	})
}
