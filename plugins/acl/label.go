package acl

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/polygate/polygate/internal/luanum"
	"github.com/polygate/polygate/internal/regex"
	"github.com/polygate/polygate/sdk"
)

// The ways in which the values of a label are written.
const (
	writtenSegmented = "segmented_text"
	writtenJSON      = "json"
	writtenTable     = "table"
)

// space is what \s stands for.
const space = " \t\n\v\f\r"

// reader reads the values of a label that is written in a configured way, or in one that has to be guessed.
type reader struct {
	parser    string // empty: guess
	separator *regex.Regexp
	bad       error // why there is no separator
}

func newReader(parser, separator string) reader {
	r := reader{parser: parser}
	if parser == writtenSegmented {
		// Why is a bad expression no bad configuration? APISIX takes it, and finds no values by it.
		r.separator, r.bad = regex.Compile(`\s*` + separator + `\s*`)
	}
	return r
}

// read returns the values of a label that was found alone. What is written otherwise has none.
func (r *reader) read(x sdk.Exchange, label any) ([]string, error) {
	if label == nil || label == false {
		return nil, nil
	}
	switch r.parser {
	case writtenSegmented:
		return r.split(x, label)
	case writtenTable:
		if list, ok := table(label); ok {
			return list, nil
		}
		x.Log().Warn("the parser is specified as table, but the type of value is not table", "label", label)
		return nil, nil
	case writtenJSON:
		text, ok := label.(string)
		if !ok {
			x.Log().Warn("the parser is specified as json array, but the value type is not string")
			return nil, nil
		}
		return decodeList(x, text), nil
	}
	return guess(x, label), nil
}

// readOneOf reads one of several labels: the configured way is that of texts, and a list is a list of values in any case.
func (r *reader) readOneOf(x sdk.Exchange, label any) ([]string, error) {
	if _, ok := label.(string); ok && r.parser != "" {
		return r.read(x, label)
	}
	return guess(x, label), nil
}

// guess reads a label that may be a list, a list in JSON, a text with commas, or just one value.
func guess(x sdk.Exchange, label any) []string {
	if list, ok := table(label); ok {
		return list
	}
	text, ok := label.(string)
	switch {
	case !ok:
		if label != nil && label != false {
			x.Log().Error("unsupported type of label value", "label", label)
		}
		return nil
	case strings.HasPrefix(text, "["):
		return decodeList(x, text)
	}
	values := strings.Split(text, ",")
	for i := range values {
		if i > 0 {
			values[i] = strings.TrimLeft(values[i], space)
		}
		if i < len(values)-1 {
			values[i] = strings.TrimRight(values[i], space)
		}
	}
	return values
}

// table returns the texts of a list. An object is one without values.
func table(label any) ([]string, bool) {
	switch label := label.(type) {
	case []any:
		var values []string
		for _, value := range label {
			if text, ok := value.(string); ok {
				values = append(values, text)
			}
		}
		return values, true
	case map[string]any:
		return nil, true
	}
	return nil, false
}

func decodeList(x sdk.Exchange, text string) []string {
	if !strings.HasPrefix(text, "[") {
		x.Log().Warn("the parser is specified as json array, but the value do not has prefix '['")
		return nil
	}
	var list []any
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		x.Log().Warn("decode labels as array", "labels", text, "error", err)
		return nil
	}
	values, _ := table(list)
	return values
}

// split cuts a text at the separators.
func (r *reader) split(x sdk.Exchange, label any) ([]string, error) {
	var text string
	switch label := label.(type) {
	case string:
		text = label
	case float64:
		text = luanum.Format(label)
	default:
		// A list that nobody looked into might hold what is denied.
		return nil, fmt.Errorf("the parser is specified as segmented_text, but the value is a %T", label)
	}
	if r.bad != nil {
		x.Log().Warn("split labels", "labels", text, "error", r.bad)
		return nil, nil //nolint:nilerr // APISIX finds no values then, which is no failure
	}
	return cut(r.separator, text)
}

// cut cuts text at what separator matches. One that matches nothing at all cuts between all characters.
func cut(separator *regex.Regexp, text string) ([]string, error) {
	var parts []string
	start := 0 // of the part
	for from := 0; from < len(text); {
		at, err := separator.FindStringSubmatchIndex(text, from)
		if err != nil {
			return nil, fmt.Errorf("split the label: %w", err)
		}
		if at == nil || at[0] == len(text) {
			break
		}
		if at[1] == start {
			_, size := utf8.DecodeRuneInString(text[start:])
			from = start + size
			continue
		}
		parts = append(parts, text[start:at[0]])
		start, from = at[1], at[1]
	}
	return append(parts, text[start:]), nil
}
