package keyauth

import (
	"net/url"
	"strings"

	"github.com/polygate/polygate/sdk"
)

// place is where a request carries its key.
type place uint8

const (
	nowhere place = iota
	inHeader
	inQuery
)

// credential is the key of a request.
type credential struct {
	key   string
	place place
	bad   bool // it is empty or there more than once, or the query has it without a value or with a broken escape
}

// credential looks into the header field and, only if there is none, into the query.
func (k *keyAuth) credential(req sdk.Request) credential {
	header := req.Header()
	if keys := header.Values(k.Header); len(keys) > 0 {
		// Of several fields another reader might take the other one: a request with two keys has none.
		return credential{key: keys[0], place: inHeader, bad: keys[0] == "" || len(keys) > 1}
	}
	if query := req.Query(); query != "" {
		return lookup(query, k.Query)
	}
	return credential{}
}

// lookup finds the parameter of that name in an encoded query.
func lookup(query, name string) credential {
	var found credential
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, assigned := strings.Cut(pair, "=")
		if !named(key, name) {
			continue
		}
		decoded, ok := decode(value)
		found = credential{
			key:   decoded,
			place: inQuery,
			bad:   !ok || !assigned || decoded == "" || found.place == inQuery,
		}
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
	decoded, _ := decode(encoded)
	return decoded == name
}

// decode undoes the percent-encoding and the plus signs of s; one with a broken escape comes back as it is.
func decode(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 && strings.IndexByte(s, '+') < 0 {
		return s, true
	}
	decoded, err := url.QueryUnescape(s)
	if err != nil {
		return s, false
	}
	return decoded, true
}

// hide removes the key from where it was found.
func (k *keyAuth) hide(req sdk.Request, from place) {
	if from == inHeader {
		req.Header().Del(k.Header)
		return
	}
	req.SetQuery(without(req.Query(), k.Query))
}

// without returns an encoded query without the parameters of that name; the others stay as they were sent.
func without(query, name string) string {
	var kept strings.Builder
	kept.Grow(len(query))
	for pair := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(pair, "=")
		if named(key, name) {
			continue
		}
		if kept.Len() > 0 {
			kept.WriteByte('&')
		}
		kept.WriteString(pair)
	}
	return kept.String()
}
