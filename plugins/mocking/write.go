package mocking

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// writeJSON writes an object as JSON without a newline at its end.
func writeJSON(object map[string]any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		// Only a value that a property can not make is no JSON.
		panic(fmt.Sprintf("mocking: %v", err))
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// writeXML writes an object as the element "data", one line per value.
func writeXML(object map[string]any) []byte {
	var out bytes.Buffer
	writeElement(&out, "data", object, 0)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func writeElement(out *bytes.Buffer, name string, value any, depth int) {
	indent := strings.Repeat("  ", depth)
	switch value := value.(type) {
	case map[string]any:
		fmt.Fprintf(out, "%s<%s>\n", indent, name)
		for _, key := range slices.Sorted(maps.Keys(value)) {
			writeElement(out, key, value[key], depth+1)
		}
		fmt.Fprintf(out, "%s</%s>\n", indent, name)
	case []any:
		for _, element := range value {
			writeElement(out, name, element, depth)
		}
	default:
		fmt.Fprintf(out, "%s<%s>", indent, name)
		// Writes to a buffer do not fail.
		_ = xml.EscapeText(out, fmt.Append(nil, value))
		fmt.Fprintf(out, "</%s>\n", name)
	}
}
