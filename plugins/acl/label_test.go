package acl

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/polygate/polygate/internal/regex"
)

func TestCut(t *testing.T) {
	tests := []struct {
		name, separator, text string
		want                  []string
	}{
		{"commas", `,`, "a,b,c", []string{"a", "b", "c"}},
		{"nothing in between", `,`, ",a,,b,", []string{"", "a", "", "b", ""}},
		{"no separator", `,`, "abc", []string{"abc"}},
		{"empty", `,`, "", []string{""}},
		{"space around", `\s*,\s*`, "a , b", []string{"a", "b"}},
		{"matches nothing", `|`, "aäb", []string{"a", "ä", "b"}},
		{"matches nothing at times", `,*`, "ab,,c", []string{"a", "b", "c"}},
		{"look-behind", `(?<=a),`, "a,b,c", []string{"a", "b,c"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			separator, err := regex.Compile(tt.separator)
			if err != nil {
				t.Fatal(err)
			}
			got, err := cut(separator, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("parts differ (-want +got):\n%s", diff)
			}
		})
	}
}

// What is cut must be there, in its order, and end.
func FuzzCut(f *testing.F) {
	for _, separator := range []string{",", "|", `\s*`, "a*", "^", "$", `\b`, "(?<=a)"} {
		f.Add(separator, "a, b|cäd")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 20 || len(text) > 100 {
			return
		}
		separator, err := regex.Compile(pattern)
		if err != nil {
			return
		}
		parts, err := cut(separator, text)
		if err != nil {
			return
		}
		rest := text
		for _, part := range parts {
			_, behind, ok := strings.Cut(rest, part)
			if !ok {
				t.Fatalf("%q cut at %q gave %q, want parts of it", text, pattern, parts)
			}
			rest = behind
		}
		if len(parts) == 0 || len(parts) > len(text)+1 {
			t.Errorf("%q cut at %q gave %d parts", text, pattern, len(parts))
		}
	})
}
