package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fakeKeyring knows texts that sealed has made, and one long text by its first letters.
type fakeKeyring struct {
	plain string
}

func sealed(plain string) string {
	if len(plain) > 100 {
		return "sealed:" + strings.Repeat("z", 64)
	}
	return "sealed:" + plain
}

func (fakeKeyring) Encrypt(plain string) (string, error) { return sealed(plain), nil }

func (k fakeKeyring) Decrypt(text string) (string, bool) {
	plain, ok := strings.CutPrefix(text, "sealed:")
	if ok && k.plain != "" {
		return k.plain, true
	}
	return plain, ok
}

func TestMapField(t *testing.T) {
	const doc = `{"a":"x","n":1,"list":["x",1,{"b":"x"}],"map":{"k":"x","l":["x"]},"deep":[{"b":{"c":"x"}},"x",{"b":[{"c":"x"}]}]}`
	tests := []struct {
		name, path, want string
	}{
		{"text", "a", `{"a":"X"}`},
		{"number", "n", `{}`},
		{"absent", "z", `{}`},
		{"array of texts", "list", `{"list":["X",1,{"b":"x"}]}`},
		{"object of texts", "map", `{"map":{"k":"X","l":["x"]}}`},
		{"through an array", "list.b", `{"list":["x",1,{"b":"X"}]}`},
		{"through everything", "deep.b.c", `{"deep":[{"b":{"c":"X"}},"x",{"b":[{"c":"X"}]}]}`},
		{"through a text", "a.b", `{}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := decodeJSON([]byte(doc))
			mapField(got.(map[string]any), tt.path, strings.ToUpper)
			want, _ := decodeJSON([]byte(doc))
			changed, _ := decodeJSON([]byte(tt.want))
			for name, v := range changed.(map[string]any) {
				want.(map[string]any)[name] = v
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
