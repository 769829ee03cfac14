package limitcount

import (
	"strconv"

	"github.com/polygate/polygate/sdk"
)

// announce puts the quota into the response's header and into the variable rate_limiting_info.
func (l *limiter) announce(x sdk.Exchange, r *rule, text string, q quota) {
	// One string holds all that is told, so that it costs one allocation: the variable, and the reset time behind it.
	var space [256]byte
	buf := append(space[:0], `{"rate_limiting_key":"`...)
	buf = appendText(buf, l.prefix)
	buf = appendText(buf, text)
	buf = append(buf, `","rate_limiting_limit":`...)
	buf = strconv.AppendInt(buf, q.limit, 10)
	buf = append(buf, `,"rate_limiting_remaining":`...)
	from := len(buf)
	buf = strconv.AppendInt(buf, q.remaining, 10)
	to := len(buf)
	buf = append(buf, `,"rate_limiting_reset":`...)
	buf = strconv.AppendInt(buf, q.reset/100, 10)
	buf = append(buf, '}')
	end := len(buf)
	buf = appendHundredths(buf, q.reset)
	told := string(buf)

	x.SetVar("rate_limiting_info", told[:end])
	if !l.show {
		return
	}
	limit := r.count.text
	if r.count.template != nil {
		limit = strconv.FormatInt(q.limit, 10)
	}
	header := x.Response().Header()
	header.Set(r.names.Limit, limit)
	header.Set(r.names.Remaining, told[from:to])
	header.Set(r.names.Reset, told[end:])
}

// appendText appends s as it stands between the quotes of JSON. Bytes that are not ASCII are left alone.
func appendText(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// appendHundredths writes hundredths as a decimal number without trailing zeros: "59.98", "0.5", "60".
func appendHundredths(dst []byte, n int64) []byte {
	dst = strconv.AppendInt(dst, n/100, 10)
	switch fraction := n % 100; {
	case fraction == 0:
		return dst
	case fraction%10 == 0:
		return append(dst, '.', byte('0'+fraction/10))
	default:
		return append(dst, '.', byte('0'+fraction/10), byte('0'+fraction%10))
	}
}
