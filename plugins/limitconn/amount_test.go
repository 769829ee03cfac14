package limitconn

import (
	"math"
	"testing"
)

func TestParseAmount(t *testing.T) {
	tests := []struct {
		text string
		zero bool
		want int64
		err  string
	}{
		{text: "5", want: 5},
		{text: " 0x10 ", want: 16},
		{text: "5.0", want: 5},
		{text: "1e3", want: 1000},
		{text: "9007199254740991", want: maxAmount},
		{text: "0", zero: true, want: 0},
		{text: "0", err: "resolved value must be a positive number, got: 0"},
		{text: "-1", err: "resolved value must be a positive number, got: -1"},
		{text: "-1", zero: true, err: "resolved value must be a non-negative number, got: -1"},
		{text: "1.5", err: "resolved value must be an integer, got: 1.5"},
		{text: "nan", err: "resolved value must be an integer, got: nan"},
		{text: "inf", err: "resolved value exceeds safe integer range (2^53-1), got: inf"},
		{text: "99007199254740993", err: "resolved value exceeds safe integer range (2^53-1), got: 9.9007199254741e+16"},
		{text: "", err: "resolved value is not a number: "},
		{text: "five", err: "resolved value is not a number: five"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, err := parseAmount(tt.text, tt.zero)
			if err != nil && err.Error() != tt.err || err == nil && tt.err != "" || got != tt.want {
				t.Errorf("got %d (error %v), want %d (error %q)", got, err, tt.want, tt.err)
			}
		})
	}
}

// What passes must be within its bounds.
func FuzzParseAmount(f *testing.F) {
	for _, text := range []string{"", "1", "0", "-1", "1.5", "1e400", "0x1p4", "nan", "inf", "9007199254740992", "1_0"} {
		f.Add(text, true)
	}
	f.Fuzz(func(t *testing.T, text string, zero bool) {
		n, err := parseAmount(text, zero)
		if err == nil && (n < 0 || n == 0 && !zero || n > maxAmount || n > math.MaxInt64/2) {
			t.Errorf("%q: got %d, want it within its bounds", text, n)
		}
	})
}
