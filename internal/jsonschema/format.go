package jsonschema

import (
	"net/netip"

	"github.com/polygate/polygate/internal/regex"
)

// format is a format that strings are checked for.
type format struct {
	name    string
	matches func(string) bool
}

const (
	date  = `\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`
	clock = `(?:[01]\d|2[0-3]):[0-5]\d`
)

// formatOf returns the format of that name, or nil for those that are not checked.
func (k *keywords) formatOf(name string) *format {
	var pattern string
	switch name {
	case "ipv4":
		return &format{name, func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is4() }}
	case "ipv6":
		return &format{name, func(s string) bool { a, err := netip.ParseAddr(s); return err == nil && a.Is6() && a.Zone() == "" }}
	case "email":
		pattern = `^[A-Za-z0-9_.-]+@[A-Za-z0-9_.-]+\.[A-Za-z]{2,4}$`
	case "hostname":
		pattern = `^[A-Za-z0-9.-]+$`
	case "uuid":
		pattern = `^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`
	case "date":
		pattern = "^" + date + "$"
	case "date-time":
		pattern = "^" + date + "[Tt]" + clock + `:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-]` + clock + ")$"
	case "uri":
		pattern = `^[A-Za-z][A-Za-z0-9+.-]*:\S*$`
	default:
		return nil
	}
	re, err := regex.Compile(pattern)
	if err != nil {
		k.fail("format %s: %w", name, err)
		return nil
	}
	return &format{name, re.MatchString}
}
