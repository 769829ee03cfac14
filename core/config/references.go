package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// secretPrefix begins a reference to a secret of a manager, envPrefix, in any case, one to a variable of the environment.
const (
	secretPrefix = "$secret://"
	envPrefix    = "$env://"
)

// isSecretRef tells whether s stands for a secret that is kept elsewhere (apisix/secret.lua, is_secret_ref).
func isSecretRef(s string) bool {
	if s == "" || s[0] != '$' {
		return false
	}
	return strings.HasPrefix(s, secretPrefix) || len(s) >= len(envPrefix) && strings.EqualFold(s[:len(envPrefix)], envPrefix)
}

// References returns the references to secrets and environment variables in a stored value, each once and in order of appearance. It
// does not allocate where there are none. What is stored encrypted hides its references, see [Catalog.References].
func References(value []byte) []string {
	if bytes.Contains(value, []byte(`\u0024`)) {
		doc, err := decodeJSON(value)
		if err != nil {
			return nil
		}
		return appendReferences(nil, doc)
	}
	var refs []string
	for rest := value; ; {
		i := bytes.Index(rest, []byte(`"$`))
		if i < 0 {
			return refs
		}
		if i > 0 && rest[i-1] == '\\' {
			// The quote belongs to a text.
			rest = rest[i+1:]
			continue
		}
		rest = rest[i:]
		end := stringEnd(rest)
		if end < 0 {
			return refs
		}
		if mayBeRef(rest[1:end]) && !isName(rest[end+1:]) {
			var ref string
			if json.Unmarshal(rest[:end+1], &ref) == nil && isSecretRef(ref) && !slices.Contains(refs, ref) {
				refs = append(refs, ref)
			}
		}
		rest = rest[end+1:]
	}
}

// stringEnd returns where the JSON string at the beginning of b ends, -1 where it does not.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// mayBeRef tells whether the inside of a JSON string is worth to be decoded.
func mayBeRef(b []byte) bool {
	return bytes.HasPrefix(b, []byte(secretPrefix)) || bytes.IndexByte(b, '\\') >= 0 ||
		len(b) >= len(envPrefix) && bytes.EqualFold(b[:len(envPrefix)], []byte(envPrefix))
}

// isName tells whether the string before rest is the name of a property.
func isName(rest []byte) bool {
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(rest) > 0 && rest[0] == ':'
}

// appendReferences adds the references in a document to refs.
func appendReferences(refs []string, doc any) []string {
	switch doc := doc.(type) {
	case string:
		if isSecretRef(doc) && !slices.Contains(refs, doc) {
			refs = append(refs, doc)
		}
	case map[string]any:
		for _, name := range sortedNames(doc) {
			refs = appendReferences(refs, doc[name])
		}
	case []any:
		for _, v := range doc {
			refs = appendReferences(refs, v)
		}
	}
	return refs
}

// unresolved is a reference without a value.
type unresolved struct {
	ref string
	err error
}

func (u *unresolved) Error() string { return fmt.Sprintf("%s has no value: %v", u.ref, u.err) }

func (u *unresolved) Unwrap() error { return u.err }

// errReference ends the search: a value that is looked up itself could lead anywhere.
var errReference = errors.New("its value is a reference")

// resolver puts the values of references into documents.
type resolver struct {
	lookup func(ref string) (string, error) // nil: references stay
	failed []*unresolved
}

// resolve returns v with the values of its references; those without one stay and are noted.
func (r *resolver) resolve(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case map[string]any:
		for name, child := range v {
			v[name] = r.resolve(child)
		}
	case []any:
		for i, child := range v {
			v[i] = r.resolve(child)
		}
	}
	return v
}

func (r *resolver) text(s string) string {
	if r.lookup == nil || !isSecretRef(s) {
		return s
	}
	value, err := r.lookup(s)
	if err == nil && isSecretRef(value) {
		err = errReference
	}
	if err != nil {
		r.failed = append(r.failed, &unresolved{ref: s, err: err})
		return s
	}
	return value
}
