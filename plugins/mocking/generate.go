package mocking

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/polygate/polygate/internal/luanum"
)

// property is the part of a JSON schema that values are made from.
type property struct {
	Type       string               `json:"type"`
	Example    any                  `json:"example"`
	Items      *property            `json:"items"`
	Properties map[string]*property `json:"properties"`
}

// value returns the example, or a random value of the type; nil for a type that it does not know.
func (p *property) value() any {
	if p == nil {
		return nil
	}
	switch strings.ToLower(p.Type) {
	case "array":
		return p.array()
	case "object":
		return p.object()
	case "string":
		if s, ok := p.Example.(string); ok {
			return s
		}
		return letters()
	case "number":
		if f, ok := p.Example.(float64); ok {
			return json.Number(luanum.Format(f))
		}
		return json.Number(luanum.Format(rand.Float64() * 10000))
	case "integer":
		if f, ok := p.Example.(float64); ok {
			return json.Number(luanum.Format(math.Floor(f)))
		}
		return 1 + rand.IntN(10000)
	case "boolean":
		// Why only true? APISIX takes a false example for none, too.
		if b, ok := p.Example.(bool); ok && b {
			return true
		}
		return rand.IntN(2) == 1
	}
	return nil
}

func (p *property) object() map[string]any {
	object := make(map[string]any)
	if p == nil {
		return object
	}
	for name, property := range p.Properties {
		if value := property.value(); value != nil {
			object[name] = value
		}
	}
	return object
}

// array returns nil where nothing tells what is in it.
func (p *property) array() any {
	if p.Items == nil {
		return nil
	}
	list := make([]any, 0, 3)
	for range 1 + rand.IntN(3) {
		if value := p.Items.value(); value != nil {
			list = append(list, value)
		}
	}
	return list
}

func letters() string {
	text := make([]byte, 1+rand.IntN(10))
	for i := range text {
		text[i] = byte('a' + rand.IntN(26))
	}
	return string(text)
}
