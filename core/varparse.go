package core

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/polygate/polygate/core/transport"
)

func found(s string) (string, bool) { return s, s != "" }

func joinQuery(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// seconds writes a duration as nginx does, with milliseconds.
func seconds(d time.Duration) string { return string(appendSeconds(nil, d)) }

func appendSeconds(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, d.Seconds(), 'f', 3, 64)
}

// queryArg returns the first value of a name in a query, decoded.
func queryArg(query, name string) (string, bool) {
	for query != "" {
		var item string
		item, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(item, "=")
		if key != name && (strings.IndexByte(key, '%') < 0 && strings.IndexByte(key, '+') < 0 || unescape(key) != name) {
			continue
		}
		return unescape(value), true
	}
	return "", false
}

func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s
	}
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		return s
	}
	return decoded
}

// joined returns the values of the field that a variable's name stands for, joined as nginx does.
func joined(fields []transport.Field, variable string) (string, bool) {
	value, ok := "", false
	for i := range fields {
		if !sameName(fields[i].Name, variable) {
			continue
		}
		if ok {
			value += ", " + fields[i].Value
			continue
		}
		value, ok = fields[i].Value, true
	}
	return value, ok
}

// sameName compares a field's name with its form in a variable: lower case, with underscores for hyphens.
func sameName(name, variable string) bool {
	if len(name) != len(variable) {
		return false
	}
	for i := 0; i < len(name); i++ {
		c, v := name[i], variable[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if v >= 'A' && v <= 'Z' {
			v |= 0x20
		}
		if c != v && !(v == '_' && c == '-') {
			return false
		}
	}
	return true
}

// cookie returns the first cookie of that name.
func cookie(fields []transport.Field, name string) (string, bool) {
	for i := range fields {
		if !transport.EqualFold(fields[i].Name, "cookie") {
			continue
		}
		for rest := fields[i].Value; rest != ""; {
			var item string
			item, rest, _ = strings.Cut(rest, ";")
			key, value, ok := strings.Cut(strings.TrimSpace(item), "=")
			if ok && key == name {
				return value, true
			}
		}
	}
	return "", false
}
