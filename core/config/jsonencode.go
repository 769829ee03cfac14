package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"unicode/utf8"
)

// encodeJSON encodes a document that decodeJSON made; it cannot fail. The names of properties are in order.
func encodeJSON(doc any) json.RawMessage {
	b := appendJSON(make([]byte, 0, 64), doc)
	// Why a copy? Configurations are kept for long: append leaves up to twice the memory with them.
	if cap(b) > len(b)+len(b)/4 {
		b = bytes.Clone(b)
	}
	return b
}

func appendJSON(b []byte, doc any) []byte {
	switch doc := doc.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		if doc {
			return append(b, "true"...)
		}
		return append(b, "false"...)
	case json.Number:
		return append(b, doc...)
	case string:
		return appendString(b, doc)
	case []any:
		b = append(b, '[')
		for i, v := range doc {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, v)
		}
		return append(b, ']')
	case map[string]any:
		return appendObject(b, doc)
	}
	return append(b, encodeSlowly(doc)...)
}

func appendObject(b []byte, object map[string]any) []byte {
	var few [16]string
	names := few[:0]
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = appendJSON(b, object[name])
	}
	return append(b, '}')
}

func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return append(b, encodeSlowly(s)...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// encodeSlowly encodes what is not of a type of decodeJSON, and what needs escapes.
func encodeSlowly(v any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("encode a JSON document: %v", err))
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
