package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The beginnings of references. As in APISIX, that of a secret is in lower case and that of an environment variable in any case.
const (
	secretPrefix = "$secret://"
	envPrefix    = "$env://"
)

// longestShown is how much of a foreign text an error shows, in bytes.
const longestShown = 300

var (
	errMissing  = errors.New("there is no such field")
	errNotText  = errors.New("the field is an object or a list; only text, numbers, true and false can be used")
	errNotJSON  = errors.New("what was read is not a JSON object, so it has no fields")
	errNoObject = errors.New("the answer is not the JSON object that is expected")
)

// reference is a parsed reference to a secret of a manager.
type reference struct {
	manager string // such as "vault/1"
	key     string // of the secret within its manager, and perhaps a field; never empty
}

// IsRef tells whether s is a reference, as far as one can see by its beginning: $secret:// or $env:// (in any case).
func IsRef(s string) bool {
	return strings.HasPrefix(s, secretPrefix) || isEnv(s)
}

func isEnv(s string) bool {
	return len(s) >= len(envPrefix) && strings.EqualFold(s[:len(envPrefix)], envPrefix)
}

// parseReference takes $secret://<manager>/<id>/<key> apart.
func parseReference(ref string) (reference, error) {
	const form = "write $secret://<manager>/<id>/<key>"
	rest, ok := strings.CutPrefix(ref, secretPrefix)
	if !ok {
		return reference{}, errors.New("it does not begin with $secret:// or $ENV://")
	}
	kind, rest, ok := strings.Cut(rest, "/")
	if !ok || kind == "" {
		return reference{}, errors.New("it names no secret manager: " + form)
	}
	id, key, ok := strings.Cut(rest, "/")
	if !ok || id == "" {
		return reference{}, errors.New("it names no id of a secret manager: " + form)
	}
	if key == "" {
		return reference{}, errors.New("it names no key: " + form)
	}
	return reference{manager: kind + "/" + id, key: key}, nil
}

// envValue returns the value of $ENV://NAME, or of a field of it for $ENV://NAME/field.
func envValue(lookup func(string) (string, bool), ref string) (string, error) {
	name, field, _ := strings.Cut(ref[len(envPrefix):], "/")
	if name == "" {
		return "", errors.New("it names no environment variable: write $ENV://NAME or $ENV://NAME/field")
	}
	value, ok := lookup(name)
	if !ok {
		return "", fmt.Errorf("the environment variable %s is not set: set it for the gateway's process", show(name))
	}
	if field == "" {
		return value, nil
	}
	value, err := jsonField(value, field)
	if err != nil {
		return "", fmt.Errorf("environment variable %s, field %s: %w", show(name), show(field), err)
	}
	return value, nil
}

// jsonField returns one member of a JSON object as text.
func jsonField(text, field string) (string, error) {
	var fields map[string]json.RawMessage
	// The decoder's errors quote the text, which is a secret.
	if json.Unmarshal([]byte(text), &fields) != nil || fields == nil {
		return "", errNotJSON
	}
	return scalar(fields[field])
}

// scalar returns a JSON value as text: a string is unquoted, numbers and booleans are as they are written.
func scalar(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "", errMissing
	}
	switch raw[0] {
	case 'n':
		return "", errMissing
	case '{', '[':
		return "", errNotText
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return "", errNotJSON
		}
		return s, nil
	}
	return string(raw), nil
}

// show returns a foreign text in a form that is fit for an error: one short line.
func show(s string) string {
	if len(s) > longestShown {
		s = s[:longestShown] + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, strings.ToValidUTF8(s, "."))
}

// conceal returns show(s) without the secrets that it may repeat.
func conceal(s string, secrets ...string) string {
	const shortest = 4 // shorter ones are found in texts by chance
	for _, secret := range secrets {
		if len(secret) >= shortest {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return show(s)
}
