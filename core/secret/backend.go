package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// backend reads from one kind of secret manager. It is safe for concurrent use.
type backend interface {
	// places returns where the key of a reference may be, the likeliest first, or why it is nowhere.
	places(key string) ([]place, error)
	// read reads what is at a path. Its errors are failures and contain no credential and no secret.
	read(ctx context.Context, path string) (*content, error)
}

// place is a secret, or a field of one.
type place struct {
	path  string
	field string
	whole bool // the secret itself, not a field
}

// content is what was read: a text, or fields. It does not change.
type content struct {
	text   string
	fields map[string]json.RawMessage // nil: the text, if it is JSON, has them
	inner  map[string]json.RawMessage // those that come before fields; may be nil
}

// value returns what is at a place of the path that c was read from.
func (c *content) value(p place) (string, error) {
	switch {
	case p.whole:
		return c.text, nil
	case c.fields == nil:
		return jsonField(c.text, p.field)
	}
	if raw, ok := c.inner[p.field]; ok {
		return scalar(raw)
	}
	return scalar(c.fields[p.field])
}

// settings is the configuration of a manager, which two managers share if it is equal. It is comparable.
type settings interface {
	backend(tools) backend
}

// tools are what backends work with.
type tools struct {
	clients *clients
	env     func(string) (string, bool)
	now     func() time.Time
}

// credential returns what a setting says: itself, or the environment variable that it names.
func (t tools) credential(name, text string) (string, error) {
	switch {
	case isEnv(text):
		value, err := envValue(t.env, text)
		if err != nil {
			return "", &failure{err: fmt.Errorf("%s %s: %w", name, show(text), err)}
		}
		return strings.TrimSpace(value), nil
	case IsRef(text):
		return "", &failure{err: fmt.Errorf("%s is a reference to a secret", name), advice: "use $ENV:// or the value itself"}
	}
	return text, nil
}

// header is credential for what is sent in a header.
func (t tools) header(name, text string) (string, error) {
	value, err := t.credential(name, text)
	if err == nil && !oneLine(value) {
		return "", &failure{err: fmt.Errorf("%s contains a line break or another control character", name)}
	}
	return value, err
}

// oneLine tells whether s can be the value of a header.
func oneLine(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }

// parseSettings reads a secret resource, whose id is name: <manager>/<id>.
func parseSettings(name string, raw json.RawMessage) (settings, error) {
	kind, id, _ := strings.Cut(name, "/")
	if id == "" {
		return nil, errors.New("the id of a secret manager is <manager>/<id>, such as vault/1")
	}
	switch kind {
	case "vault":
		return parseVault(raw)
	case "aws":
		return parseAWS(raw)
	case "gcp":
		return parseGCP(raw)
	}
	return nil, fmt.Errorf("there is no kind of secret manager named %s: use vault, aws or gcp", show(kind))
}

// decode decodes a configuration. Attributes that it does not know are those of the resource, such as its id.
func decode(raw json.RawMessage, into any) error {
	err := json.Unmarshal(raw, into)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && e.Field != "" {
		return fmt.Errorf("%s must not be a %s", e.Field, firstWord(e.Value))
	}
	if errors.Is(err, errScope) {
		return err
	}
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return errors.New("the configuration is not a JSON object")
	}
	return nil
}

// firstWord leaves out the value that decoders append to its type.
func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

// setting is an attribute that a manager needs.
type setting struct {
	name, value string
}

// need fails if one of the settings is empty.
func need(list ...setting) error {
	i := slices.IndexFunc(list, func(s setting) bool { return s.value == "" })
	if i >= 0 {
		return fmt.Errorf("%s is missing", list[i].name)
	}
	return nil
}
