package jsonpath_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/internal/jsonpath"
)

const document = `{"model":"m","messages":[{"role":"system","parts":[1]},{"role":"user"}],"meta":{"role":"x"}}`

func decode(t testing.TB) any {
	t.Helper()
	var doc any
	if err := json.Unmarshal([]byte(document), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestAll(t *testing.T) {
	tests := []struct {
		name, path string
		want       []any
	}{
		{"property", "$.model", []any{"m"}},
		{"every item", "$.messages[*].role", []any{"system", "user"}},
		{"one item", "$.messages[1].role", []any{"user"}},
		{"nothing there", "$.messages[7].role", nil},
		{"condition", "$.messages[?(@.role == 'user')].role", []any{"user"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := jsonpath.Compile(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.All(decode(t))); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
	p, err := jsonpath.Compile("$..role")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(p.All(decode(t))); got != 3 {
		t.Errorf("got %d roles anywhere, want 3", got)
	}
}

func TestBad(t *testing.T) {
	for _, path := range []string{"$.a[", "$.a[?(", "$.[[*]"} {
		if _, err := jsonpath.Compile(path); err == nil {
			t.Errorf("%s: got no error", path)
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add("$.messages[*].role")
	f.Add("$..[?(@.a > 1)]")
	f.Fuzz(func(t *testing.T, path string) {
		p, err := jsonpath.Compile(path)
		if err == nil {
			p.All(decode(t))
		}
	})
}
