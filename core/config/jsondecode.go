package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// fastDepth is how deep the fast decoder goes; what is nested deeper is for encoding/json.
const fastDepth = 200

// decodeJSON decodes exactly one JSON value and keeps numbers as they are written, as json.Number. It does what encoding/json does, in
// a fraction of the time. Texts in the document share memory: what is kept of one for long is to be cloned.
func decodeJSON(data []byte) (any, error) {
	d := jsonDecoder{text: string(data)}
	if doc, ok := d.value(); ok && d.end() {
		return doc, nil
	}
	// Why again? For the words of the error, and for the few documents that the fast decoder leaves alone.
	return decodeSlowly(data)
}

func decodeSlowly(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var doc any
	if err := dec.Decode(&doc); err != nil {
		return nil, fmt.Errorf("decode JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("decode JSON: there is more than one value")
	}
	return doc, nil
}

// jsonDecoder decodes a text. Its methods report false where the text is not JSON, or not simple enough.
type jsonDecoder struct {
	text  string
	at    int
	depth int
}

func (d *jsonDecoder) value() (any, bool) {
	switch c := d.peek(); {
	case c == '{':
		return d.object()
	case c == '[':
		return d.array()
	case c == '"':
		return d.string()
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case c == 't':
		return true, d.word("true")
	case c == 'f':
		return false, d.word("false")
	case c == 'n':
		return nil, d.word("null")
	}
	return nil, false
}

// peek skips blanks and returns what follows, 0 at the end.
func (d *jsonDecoder) peek() byte {
	for ; d.at < len(d.text); d.at++ {
		switch c := d.text[d.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (d *jsonDecoder) end() bool { return d.peek() == 0 && d.at == len(d.text) }

func (d *jsonDecoder) word(w string) bool {
	ok := strings.HasPrefix(d.text[d.at:], w)
	d.at += len(w)
	return ok
}

func (d *jsonDecoder) object() (any, bool) {
	object := map[string]any{}
	if !d.open() {
		return nil, false
	}
	if d.close('}') {
		return object, true
	}
	for {
		if d.peek() != '"' {
			return nil, false
		}
		name, ok := d.string()
		if !ok || d.peek() != ':' {
			return nil, false
		}
		d.at++
		value, ok := d.value()
		if !ok {
			return nil, false
		}
		object[name] = value
		if d.close('}') {
			return object, true
		}
		if !d.comma() {
			return nil, false
		}
	}
}

func (d *jsonDecoder) array() (any, bool) {
	list := []any{}
	if !d.open() {
		return nil, false
	}
	if d.close(']') {
		return list, true
	}
	for {
		value, ok := d.value()
		if !ok {
			return nil, false
		}
		list = append(list, value)
		if d.close(']') {
			return list, true
		}
		if !d.comma() {
			return nil, false
		}
	}
}

func (d *jsonDecoder) open() bool {
	d.at++
	d.depth++
	return d.depth <= fastDepth
}

func (d *jsonDecoder) close(bracket byte) bool {
	if d.peek() != bracket {
		return false
	}
	d.at++
	d.depth--
	return true
}

func (d *jsonDecoder) comma() bool {
	ok := d.peek() == ','
	d.at++
	return ok
}

// string decodes the string that begins here.
func (d *jsonDecoder) string() (string, bool) {
	begin, plain := d.at+1, true
	for i := begin; i < len(d.text); i++ {
		switch c := d.text[i]; {
		case c == '"':
			d.at = i + 1
			if plain {
				return d.text[begin:i], true
			}
			return decodeString(d.text[begin-1 : i+1])
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			plain = plain && utf8.FullRuneInString(d.text[i:])
			if r, size := utf8.DecodeRuneInString(d.text[i:]); r == utf8.RuneError {
				plain = false
			} else {
				i += size - 1
			}
		}
	}
	return "", false
}

// decodeString decodes a string with escapes or bytes that are not UTF-8.
func decodeString(quoted string) (string, bool) {
	var s string
	err := json.Unmarshal([]byte(quoted), &s)
	return s, err == nil
}

// number takes the number that begins here, by the grammar of RFC 8259.
func (d *jsonDecoder) number() (any, bool) {
	begin := d.at
	if d.text[d.at] == '-' {
		d.at++
	}
	zero := d.at < len(d.text) && d.text[d.at] == '0'
	if n := d.digits(); n == 0 || zero && n > 1 {
		return nil, false
	}
	if d.at < len(d.text) && d.text[d.at] == '.' {
		d.at++
		if d.digits() == 0 {
			return nil, false
		}
	}
	if d.at < len(d.text) && d.text[d.at]|0x20 == 'e' {
		d.at++
		if d.at < len(d.text) && (d.text[d.at] == '+' || d.text[d.at] == '-') {
			d.at++
		}
		if d.digits() == 0 {
			return nil, false
		}
	}
	return json.Number(d.text[begin:d.at]), true
}

func (d *jsonDecoder) digits() int {
	begin := d.at
	for d.at < len(d.text) && d.text[d.at] >= '0' && d.text[d.at] <= '9' {
		d.at++
	}
	return d.at - begin
}
