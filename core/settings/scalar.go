package settings

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/polygate/polygate/internal/suggest"
)

func (d *decoder) text(n *yaml.Node, x *string, p place) {
	if n.Kind != yaml.ScalarNode {
		d.fail(n, p.path, "expected a string, got "+describe(n))
		return
	}
	if tag := n.ShortTag(); !d.fromEnv[n] && (tag == "!!int" || tag == "!!float" || tag == "!!bool") {
		d.fail(n, p.path, "expected a string, got "+describe(n)+"; put it in quotes")
		return
	}
	if !d.allowed(n, p) {
		return
	}
	if strings.ContainsRune(n.Value, 0) {
		d.fail(n, p.path, "must not contain a NUL byte")
		return
	}
	*x = n.Value
}

// allowed checks the tags "oneof" and "is".
func (d *decoder) allowed(n *yaml.Node, p place) bool {
	if oneof := p.tag.Get("oneof"); oneof != "" {
		values := strings.Split(oneof, ",")
		if !slices.Contains(values, n.Value) {
			text := "expected one of " + strings.Join(values, ", ") + "; got " + strconv.Quote(n.Value)
			if best := suggest.Nearest(n.Value, values); best != "" {
				text += "; did you mean " + strconv.Quote(best) + "?"
			}
			d.fail(n, p.path, text)
			return false
		}
	}
	if p.tag.Get("is") == "ip" {
		if _, err := netip.ParseAddr(strings.Trim(n.Value, "[]")); err != nil {
			d.fail(n, p.path, fmt.Sprintf("%q is not an IP address", n.Value))
			return false
		}
	}
	return true
}

func (d *decoder) boolean(n *yaml.Node, x *bool, p place) {
	value := ""
	if n.Kind == yaml.ScalarNode {
		value = strings.ToLower(n.Value)
	}
	switch value {
	case "true", "on", "yes":
		*x = true
	case "false", "off", "no":
		*x = false
	default:
		d.fail(n, p.path, "expected true or false, got "+describe(n))
	}
}

func (d *decoder) integer(n *yaml.Node, p place) (int64, bool) {
	if p.tag.Get("auto") != "" && n.Kind == yaml.ScalarNode && n.Value == "auto" {
		return 0, true
	}
	var i int64
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || n.Decode(&i) != nil {
		d.fail(n, p.path, "expected a whole number, got "+describe(n))
		return 0, false
	}
	lowest, highest := int64(math.MinInt64), int64(math.MaxInt64)
	if low := p.tag.Get("min"); low != "" {
		lowest, _ = strconv.ParseInt(low, 10, 64)
	}
	if high := p.tag.Get("max"); high != "" {
		highest, _ = strconv.ParseInt(high, 10, 64)
	}
	if i < lowest || i > highest {
		d.fail(n, p.path, outOfRange(strconv.FormatInt(i, 10), p))
		return 0, false
	}
	return i, true
}

// outOfRange says which of the limits in the tag a value breaks.
func outOfRange(value string, p place) string {
	low, high := p.tag.Get("min"), p.tag.Get("max")
	switch {
	case low != "" && high != "":
		return fmt.Sprintf("%s is not between %s and %s", value, low, high)
	case low != "":
		return fmt.Sprintf("%s is less than %s", value, low)
	}
	return fmt.Sprintf("%s is more than %s", value, high)
}

// duration reads a number of seconds or one of nginx's times.
func (d *decoder) duration(n *yaml.Node, x *time.Duration, p place) {
	if n.Kind == yaml.ScalarNode {
		if v, err := parseTime(n.Value); err == nil {
			if low, err := parseTime(p.tag.Get("min")); err == nil && v < low {
				d.fail(n, p.path, outOfRange(n.Value, p))
				return
			}
			*x = v
			return
		}
	}
	d.fail(n, p.path, `expected a number of seconds or a time such as "60s" or "1h 30m", got `+describe(n))
}

// parseTime reads nginx's syntax of times: numbers with a unit, the greater unit first; without a unit they are seconds.
func parseTime(s string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a time", s)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		if math.IsNaN(f) || math.Abs(f) > 1e9 {
			return 0, bad
		}
		return time.Duration(f * float64(time.Second)), nil
	}
	var total time.Duration
	rest, last := s, time.Duration(math.MaxInt64)
	for rest = strings.TrimSpace(rest); rest != ""; rest = strings.TrimLeft(rest, " ") {
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		number, err := strconv.ParseInt(rest[:digits], 10, 32)
		if err != nil {
			return 0, bad
		}
		rest = rest[digits:]
		unit, length := timeUnit(rest)
		if unit >= last || number > int64(math.MaxInt64-total)/int64(unit) {
			return 0, bad
		}
		last, rest = unit, rest[length:]
		total += time.Duration(number) * unit
	}
	if last == math.MaxInt64 {
		return 0, bad
	}
	return total, nil
}

// timeUnit returns the unit that s begins with and how many bytes it takes.
func timeUnit(s string) (time.Duration, int) {
	const day = 24 * time.Hour
	switch {
	case s == "" || s[0] == ' ':
		return time.Second, 0
	case strings.HasPrefix(s, "ms"):
		return time.Millisecond, 2
	case s[0] == 's':
		return time.Second, 1
	case s[0] == 'm':
		return time.Minute, 1
	case s[0] == 'h':
		return time.Hour, 1
	case s[0] == 'd':
		return day, 1
	case s[0] == 'w':
		return 7 * day, 1
	case s[0] == 'M':
		return 30 * day, 1
	case s[0] == 'y':
		return 365 * day, 1
	}
	return math.MaxInt64, 0
}

func (d *decoder) size(n *yaml.Node, x *Size, p place) {
	if n.Kind == yaml.ScalarNode {
		if v, err := parseSize(n.Value); err == nil {
			if high, err := parseSize(p.tag.Get("max")); err == nil && v > high {
				d.fail(n, p.path, outOfRange(n.Value, p))
				return
			}
			*x = v
			return
		}
	}
	d.fail(n, p.path, `expected a size such as 1024, "8k", "1m" or "1g", got `+describe(n))
}

// parseSize reads nginx's syntax of sizes.
func parseSize(s string) (Size, error) {
	shift, digits := 0, s
	if s != "" {
		switch s[len(s)-1] {
		case 'k', 'K':
			shift = 10
		case 'm', 'M':
			shift = 20
		case 'g', 'G':
			shift = 30
		}
	}
	if shift > 0 {
		digits = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || n > math.MaxInt64>>shift {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return Size(n << shift), nil
}

func (d *decoder) prefix(n *yaml.Node, x *netip.Prefix, p place) {
	if n.Kind == yaml.ScalarNode {
		if a, err := netip.ParseAddr(n.Value); err == nil && a.Zone() == "" {
			*x = netip.PrefixFrom(a, a.BitLen())
			return
		}
		if pre, err := netip.ParsePrefix(n.Value); err == nil {
			*x = pre.Masked()
			return
		}
	}
	d.fail(n, p.path, "expected an IP address or a range such as 10.0.0.0/8, got "+describe(n))
}
