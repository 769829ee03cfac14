// Package luanum reads and writes numbers as Lua does, for texts and comparisons that APISIX leaves to it.
package luanum

import (
	"math"
	"strconv"
	"strings"
)

// Parse reads s as LuaJIT's tonumber does: a decimal or hexadecimal number with an optional fraction and exponent, inf or nan,
// with white space around it.
func Parse(s string) (float64, bool) {
	s = strings.Trim(s, " \t\n\v\f\r")
	// Most texts that are no numbers end here, before ParseFloat allocates an error.
	if s == "" || strings.IndexByte("0123456789+-.iInN", s[0]) < 0 || strings.IndexByte(s, '_') >= 0 {
		return 0, false
	}
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return 0, false
	}
	if len(digits) > 2 && digits[0] == '0' && digits[1]|0x20 == 'x' && !strings.ContainsAny(digits, "pP") {
		s += "p0"
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// Format writes f as Lua's tostring does: with at most fourteen significant digits, as C's %.14g.
func Format(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', 13, 64), "e")
	if x, _ := strconv.Atoi(exponent); x >= -4 && x < 14 {
		return trimZeros(strconv.FormatFloat(f, 'f', 13-x, 64))
	}
	return trimZeros(mantissa) + "e" + exponent
}

// trimZeros removes the zeros that end a fraction, and the point if nothing else is left of it.
func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}
