package suggest_test

import (
	"strings"
	"testing"

	"github.com/polygate/polygate/internal/suggest"
)

func TestNearest(t *testing.T) {
	tests := []struct{ name, word, want string }{
		{"swapped letters", "nmae", "name"},
		{"missing letter", "nam", "name"},
		{"too far", "xyz", ""},
		{"long words", strings.Repeat("a", 100), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := suggest.Nearest(tt.word, []string{"name", "port", "address"}); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
