package document

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseKeepsWhatIsWritten(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"order", `{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{"white space goes", " { \"a\" : [ 1 , 2 ] }\n", `{"a":[1,2]}`},
		{"numbers", `[1.0,1e2,-0,123456789012345678901234567890]`, `[1.0,1e2,-0,123456789012345678901234567890]`},
		{"strings", `["\u0041\/<&>\"\\","é"]`, `["\u0041\/<&>\"\\","é"]`},
		{"empty containers", `{"o":{},"a":[]}`, `{"o":{},"a":[]}`},
		{"doubled names", `{"a":1,"b":2,"a":3}`, `{"a":3,"b":2}`},
		{"names doubled by an escape", `{"a":1,"\u0061":{"x":1}}`, `{"a":{"x":1}}`},
		{"scalars", `null`, `null`},
		{"line breaks in strings", "{\"a\":\"1\n\t2\",\n\"b\":\"\\\"\n\"}", `{"a":"1\u000a\u00092","b":"\"\u000a"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v, err := Parse([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.Bytes()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", ``, "Expected value but found T_END at character 1"},
		{"half", `{"a"`, "Expected colon but found T_END at character 5"},
		{"two values", `{}{}`, "Expected the end but found T_OBJ_BEGIN at character 3"},
		{"escaped line break", "\"\\\n\"", "Expected value but found invalid escape code at character 2"},
		{"NaN", `NaN`, "invalid character 'N' looking for beginning of value"},
		{"huge number", `{"a":1e999}`, "number out of range: 1e999"},
		{"invalid UTF-8", "\"\xff\"", "not valid UTF-8"},
		{"deep arrays", strings.Repeat("[", 101) + strings.Repeat("]", 101), "nested more than 100 levels deep"},
		{"deep objects", strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000), "nested more than 100 levels deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.in))
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	tests := []struct{ name, old, patch, want string }{
		{"scalar replaces", `{"a":1,"b":2}`, `{"a":"x"}`, `{"a":"x","b":2}`},
		{"new member goes last", `{"a":1}`, `{"b":2}`, `{"a":1,"b":2}`},
		{"objects merge", `{"a":{"x":1,"y":2}}`, `{"a":{"y":3,"z":4}}`, `{"a":{"x":1,"y":3,"z":4}}`},
		{"arrays replace", `{"a":[1,2,3]}`, `{"a":[4]}`, `{"a":[4]}`},
		{"array by object", `{"a":[1]}`, `{"a":{"x":1}}`, `{"a":{"x":1}}`},
		{"object by array", `{"a":{"x":1}}`, `{"a":[1]}`, `{"a":[1]}`},
		{"an empty object replaces", `{"plugins":{"a":{}}}`, `{"plugins":{}}`, `{"plugins":{}}`},
		{"null deletes", `{"a":1,"b":{"c":1,"d":2}}`, `{"a":null,"b":{"c":null}}`, `{"b":{"d":2}}`},
		{"null of nothing", `{"a":1}`, `{"b":null}`, `{"a":1}`},
		{"deleted and set again", `{"a":1,"b":2}`, `{"a":null,"a":5}`, `{"a":5,"b":2}`},
		{"spelling stays", `{"w":1.50,"s":"\u0041"}`, `{"n":2.0}`, `{"w":1.50,"s":"\u0041","n":2.0}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := parse(t, tt.old)
			v.Merge(parse(t, tt.patch))
			if got := string(v.Bytes()); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestReplace(t *testing.T) {
	tests := []struct{ name, old, path, value, want, err string }{
		{"a member", `{"uri":"/a"}`, "uri", `"/b"`, `{"uri":"/b"}`, ""},
		{"a deep one", `{"upstream":{"nodes":{"a:1":1,"b:1":1}}}`, "upstream/nodes", `{"c:1":2}`, `{"upstream":{"nodes":{"c:1":2}}}`, ""},
		{"objects on the way are made", `{}`, "a/b/c", `1`, `{"a":{"b":{"c":1}}}`, ""},
		{"an empty array is an object", `{"labels":[]}`, "labels/a", `"b"`, `{"labels":{"a":"b"}}`, ""},
		{"a scalar in the way", `{"a":{"b":1}}`, "a/b/c", `1`, "", "invalid sub-path: /a/b"},
		{"a scalar far in the way", `{"a":1}`, "a/b/c", `1`, "", "invalid sub-path: /a"},
		{"array items have no names", `{"a":[1,2]}`, "a/0", `1`, "", "invalid sub-path: /a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := parse(t, tt.old)
			err := v.Replace(parse(t, tt.value), strings.Split(tt.path, "/")...)
			if err != nil {
				if err.Error() != tt.err {
					t.Errorf("got %v, want %v", err, tt.err)
				}
				return
			}
			if got := string(v.Bytes()); got != tt.want || tt.err != "" {
				t.Errorf("got %s, want %s%s", got, tt.want, tt.err)
			}
		})
	}
}

func TestManyMembers(t *testing.T) {
	v := Object()
	for i := range 100 {
		v.Set(strconv.Itoa(i), Int(int64(i)))
	}
	v.Delete("50")
	v.Delete("50")
	v.Set("51", String("<x>"))
	if got, want := v.live, 99; got != want {
		t.Errorf("got %d members, want %d", got, want)
	}
	if v.Get("50") != nil {
		t.Error("got a deleted member")
	}
	v.Set("50", Int(7))
	if got, _ := v.Get("50").Text(); got != "7" {
		t.Errorf("got %v, want 7", got)
	}
	if got, _ := v.Get("51").Text(); got != "<x>" {
		t.Errorf("got %v, want <x>", got)
	}
}

func TestKind(t *testing.T) {
	for in, want := range map[string]string{
		`{}`: "table", `[]`: "table", `"s"`: "string", `1`: "number", `-1`: "number", `true`: "boolean", `false`: "boolean", `null`: "userdata",
	} {
		if got := parse(t, in).Kind(); got != want {
			t.Errorf("%s: got %v, want %v", in, got, want)
		}
	}
	if got := (*Value)(nil).Kind(); got != "nil" {
		t.Errorf("got %v, want nil", got)
	}
}

func parse(t *testing.T, s string) *Value {
	t.Helper()
	v, err := Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,2.50,{"b":null}],"a":"\u0041\n"}`, `[]`, ` 1e3 `, `"\ud800"`, `{"":{"":[]}}`, "\xff", `{"a":1e999}`, `[[[[`,
		"\"\x00\"", "{\"a\n\":\"\\\\\t\"}",
	} {
		f.Add([]byte(seed), []byte(`{"a":{"b":1}}`))
	}
	f.Fuzz(func(t *testing.T, data, patch []byte) {
		v, err := Parse(data)
		if err != nil {
			return
		}
		out := v.Bytes()
		var got, want any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q became %q: %v", data, out, err)
		}
		if !json.Valid(data) {
			data = escapeControls(data)
		}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatalf("%q was accepted: %v", data, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q became %q:\n%s", data, out, diff)
		}
		p, err := Parse(patch)
		if err != nil || !v.IsObject() || !p.IsObject() {
			return
		}
		v.Merge(p)
		if !json.Valid(v.Bytes()) {
			t.Fatalf("merging %q and %q made %q", data, patch, v.Bytes())
		}
	})
}
