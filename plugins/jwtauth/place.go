package jwtauth

import (
	"net/url"
	"strings"

	"github.com/polygate/polygate/sdk"
)

// place is where a request carries its token.
type place uint8

const (
	nowhere place = iota
	inHeader
	inQuery
	inCookie
)

// located is the token of a request.
type located struct {
	token string
	place place
	bad   bool // it is there more than once, or the query has it without a value or with a broken escape
}

// locate looks into the header field, then into the query, then into the cookies.
func (j *jwtAuth) locate(req sdk.Request) located {
	header := req.Header()
	if fields := header.Values(j.Header); len(fields) > 0 {
		// Another reader might take another one: a request with two tokens has none.
		return located{token: withoutScheme(fields[0]), place: inHeader, bad: len(fields) > 1}
	}
	if found := parameter(req.Query(), j.Query); found.place != nowhere {
		return found
	}
	var found located
	for _, field := range header.Values("Cookie") {
		for pair := range strings.SplitSeq(field, ";") {
			if value, ok := cookieNamed(pair, j.Cookie); ok {
				found = located{token: value, place: inCookie, bad: found.place == inCookie}
				if found.bad {
					return found
				}
			}
		}
	}
	return found
}

func withoutScheme(text string) string {
	const scheme = "Bearer "
	if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
		return text[len(scheme):]
	}
	return text
}

// parameter finds the parameter of that name in an encoded query.
func parameter(query, name string) located {
	var found located
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, assigned := strings.Cut(pair, "=")
		if !named(key, name) {
			continue
		}
		token, err := url.QueryUnescape(value)
		found = located{token: token, place: inQuery, bad: err != nil || !assigned || found.place == inQuery}
		if found.bad {
			return found
		}
	}
	return found
}

// named tells whether an encoded parameter name stands for name. A name with a broken escape stands for itself.
func named(encoded, name string) bool {
	if encoded == "" {
		return false
	}
	decoded, err := url.QueryUnescape(encoded)
	if err != nil {
		decoded = encoded
	}
	return decoded == name
}

// cookieNamed returns the value of a cookie if it has that name.
func cookieNamed(pair, name string) (string, bool) {
	key, value, ok := strings.Cut(strings.Trim(pair, " \t"), "=")
	return value, ok && key == name
}

// hide removes the token from where it was found.
func (j *jwtAuth) hide(req sdk.Request, from place) {
	switch from {
	case inHeader:
		req.Header().Del(j.Header)
	case inQuery:
		req.SetQuery(remaining(req.Query(), "&", func(pair string) bool {
			key, _, _ := strings.Cut(pair, "=")
			return !named(key, j.Query)
		}))
	case inCookie:
		j.hideCookie(req.Header())
	}
}

// hideCookie removes the cookie and leaves the others as they are, joined in one field if there were several.
func (j *jwtAuth) hideCookie(header sdk.Header) {
	left := remaining(strings.Join(header.Values("Cookie"), "; "), ";", func(pair string) bool {
		_, ok := cookieNamed(pair, j.Cookie)
		return !ok
	})
	if left = strings.Trim(left, " \t"); left == "" {
		header.Del("Cookie")
		return
	}
	header.Set("Cookie", left)
}

// remaining returns the elements of a list that are to be kept.
func remaining(list, separator string, keep func(string) bool) string {
	var kept strings.Builder
	kept.Grow(len(list))
	for element := range strings.SplitSeq(list, separator) {
		if !keep(element) {
			continue
		}
		if kept.Len() > 0 {
			kept.WriteString(separator)
		}
		kept.WriteString(element)
	}
	return kept.String()
}
