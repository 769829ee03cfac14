package luanum

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want float64
		ok   bool
	}{
		{"integer", "10", 10, true},
		{"negative", "-1.5", -1.5, true},
		{"plus", "+2", 2, true},
		{"exponent", "1e3", 1000, true},
		{"point first", ".5", 0.5, true},
		{"white space around", " \t7\n", 7, true},
		{"hexadecimal", "0x10", 16, true},
		{"negative hexadecimal", "-0XfF", -255, true},
		{"hexadecimal fraction", "0x.8", 0.5, true},
		{"hexadecimal exponent", "0x1p4", 16, true},
		{"out of range", "1e999", math.Inf(1), true},
		{"infinity", "inf", math.Inf(1), true},
		{"empty", "", 0, false},
		{"white space only", "  ", 0, false},
		{"word", "abc", 0, false},
		{"word that begins like nan", "nobody", 0, false},
		{"number and word", "1a", 0, false},
		{"underscore", "0x_1", 0, false},
		{"two signs", "--1", 0, false},
		{"sign alone", "-", 0, false},
		{"prefix alone", "0x", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := Parse(tt.in)
			if got != tt.want || ok != tt.ok {
				t.Errorf("Parse(%q): got %v %v, want %v %v", tt.in, got, ok, tt.want, tt.ok)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		name string
		in   float64
		want string
	}{
		{"zero", 0, "0"},
		{"integer", 42, "42"},
		{"hundred", 100, "100"},
		{"negative fraction", -1.25, "-1.25"},
		{"sum that is not exact", 0.1 + 0.2, "0.3"},
		{"fourteen digits", 12345678901234, "12345678901234"},
		{"more digits", 123456789012345, "1.2345678901234e+14"},
		{"one and zeros", 1e14, "1e+14"},
		{"large", 1e300, "1e+300"},
		{"small", 0.0001, "0.0001"},
		{"smaller", 0.00001, "1e-05"},
		{"infinity", math.Inf(1), "inf"},
		{"negative infinity", math.Inf(-1), "-inf"},
		{"not a number", math.NaN(), "nan"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Format(tt.in); got != tt.want {
				t.Errorf("Format(%v): got %v, want %v", tt.in, got, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "0x1F", " -2e5 ", "nan", "0x1p-2", "."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := Parse(s)
		if !ok || math.IsNaN(n) {
			return
		}
		if again, ok := Parse(Format(n)); !ok || math.Abs(again-n) > math.Abs(n)*1e-13 {
			t.Errorf("Parse(Format(%v)): got %v %v", n, again, ok)
		}
	})
}
