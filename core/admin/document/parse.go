package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// MaxDepth is how deeply arrays and objects may be nested.
const MaxDepth = 100

// Parse reads one JSON value. Where an object has a name twice the last one counts, as for APISIX, and only that one is kept:
// whoever reads the document later reads the same. Text that is not UTF-8, nesting beyond [MaxDepth] and numbers that no
// double can hold are errors. Line breaks and other control bytes within strings are taken as if they were escaped, as by APISIX:
// people paste scripts of several lines. The errors about syntax have the words of lua-cjson, as APISIX's have.
func Parse(data []byte) (*Value, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("not valid UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		escaped := escapeControls(data)
		if json.Unmarshal(escaped, &whole) != nil {
			if text := syntaxError(data); text != "" {
				return nil, errors.New(text)
			}
			return nil, err
		}
		data = escaped
	}
	p := parser{data: data}
	return p.value(0)
}

// escapeControls escapes the control bytes within strings.
func escapeControls(data []byte) []byte {
	out := make([]byte, 0, len(data)+16)
	inside, escaped := false, false
	for _, c := range data {
		switch {
		case inside && !escaped && c < 0x20:
			out = fmt.Appendf(out, "\\u%04x", c)
			continue
		case escaped:
			escaped = false
		case c == '\\':
			escaped = inside
		case c == '"':
			inside = !inside
		}
		out = append(out, c)
	}
	return out
}

// parser walks over bytes that are known to be valid JSON.
type parser struct {
	data []byte
	pos  int
}

func (p *parser) value(depth int) (*Value, error) {
	switch p.peek() {
	case '{':
		return p.object(depth + 1)
	case '[':
		return p.array(depth + 1)
	case '"':
		return &Value{raw: p.str()}, nil
	}
	return p.literal()
}

func (p *parser) object(depth int) (*Value, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested more than %d levels deep", MaxDepth)
	}
	obj := Object()
	p.pos++
	for p.peek() != '}' {
		p.skip(',')
		raw := p.str()
		name := plain(raw)
		p.skip(':')
		value, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		if i := obj.find(name); i >= 0 {
			obj.members[i].value = value
			continue
		}
		obj.add(member{name: name, raw: raw, value: value})
	}
	p.pos++
	return obj, nil
}

func (p *parser) array(depth int) (*Value, error) {
	if depth > MaxDepth {
		return nil, fmt.Errorf("nested more than %d levels deep", MaxDepth)
	}
	arr := &Value{kind: '['}
	p.pos++
	for p.peek() != ']' {
		p.skip(',')
		item, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		arr.items = append(arr.items, item)
	}
	p.pos++
	return arr, nil
}

// peek returns the next byte that is not white space.
func (p *parser) peek() byte {
	for ; ; p.pos++ {
		switch p.data[p.pos] {
		case ' ', '\t', '\r', '\n':
		default:
			return p.data[p.pos]
		}
	}
}

// skip passes over c where it is next.
func (p *parser) skip(c byte) {
	if p.peek() == c {
		p.pos++
	}
}

// str returns the string that is next, with its quotes.
func (p *parser) str() []byte {
	p.peek()
	start := p.pos
	for p.pos++; p.data[p.pos] != '"'; p.pos++ {
		if p.data[p.pos] == '\\' {
			p.pos++
		}
	}
	p.pos++
	return p.data[start:p.pos]
}

// literal returns the number, the boolean or the null that is next.
func (p *parser) literal() (*Value, error) {
	start := p.pos
	for p.pos < len(p.data) && bytes.IndexByte([]byte(",]} \t\r\n"), p.data[p.pos]) < 0 {
		p.pos++
	}
	raw := p.data[start:p.pos]
	if c := raw[0]; c == '-' || c >= '0' && c <= '9' {
		if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
			return nil, fmt.Errorf("number out of range: %.40s", raw)
		}
	}
	return &Value{raw: raw}, nil
}

// plain returns the content of a string that is known to be valid.
func plain(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	return unquote(raw)
}

// quote returns s as a JSON string, with no more escapes than JSON asks for.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return []byte(`""`)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
