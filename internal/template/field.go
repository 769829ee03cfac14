package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/polygate/polygate/internal/luanum"
)

// Field is a header field whose values are templates.
type Field struct {
	Name   string
	Values []*Template // at least one
}

// Fields reads header fields from a JSON object that maps names to strings or numbers, and returns them ordered by name; numbers
// are written as APISIX writes them. Each value is compiled by compile. A field that can not be sent gives an error with
// APISIX's text.
func Fields(raw json.RawMessage, compile func(string) *Template) ([]Field, error) {
	return readFields(raw, compile, false)
}

// Lists is [Fields] for objects whose values may also be arrays of strings and numbers.
func Lists(raw json.RawMessage, compile func(string) *Template) ([]Field, error) {
	return readFields(raw, compile, true)
}

func readFields(raw json.RawMessage, compile func(string) *Template, lists bool) ([]Field, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("decode header fields: %w", err)
	}
	fields := make([]Field, 0, len(object))
	for name, raw := range object {
		values := []json.RawMessage{raw}
		if raw = bytes.TrimLeft(raw, space); lists && len(raw) > 0 && raw[0] == '[' {
			if err := json.Unmarshal(raw, &values); err != nil {
				return nil, fmt.Errorf("decode header field %s: %w", name, err)
			}
		}
		field := Field{Name: name}
		for _, value := range values {
			text, err := scalar(value)
			if err != nil {
				return nil, err
			}
			if err := CheckField(name, text); err != nil {
				return nil, err
			}
			field.Values = append(field.Values, compile(text))
		}
		if len(field.Values) > 0 {
			fields = append(fields, field)
		}
	}
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return fields, nil
}

// scalar returns the text of a JSON string or number.
func scalar(raw json.RawMessage) (string, error) {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return "", fmt.Errorf("decode header value %s: %w", raw, err)
	}
	switch value := value.(type) {
	case string:
		return value, nil
	case float64:
		return luanum.Format(value), nil
	}
	return "", errors.New("invalid type as header value")
}

// CheckField tells why a header field can not be sent, in APISIX's words; it returns nil if the name is a token (RFC 9110) and the value
// has no control bytes.
func CheckField(name, value string) error {
	if name == "" {
		return errors.New("invalid field length in header")
	}
	for i := range len(name) {
		if c := name[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return errors.New("invalid field character in header")
		}
	}
	if strings.ContainsFunc(value, isControl) {
		return errors.New("invalid value character in header")
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
