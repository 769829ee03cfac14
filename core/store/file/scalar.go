package file

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// numberLimit is how many characters a number may have. One with more is beyond what APISIX can hold.
const numberLimit = 400

var (
	errNotJSON  = errors.New("infinity and not-a-number cannot be used")
	errNoBool   = errors.New("neither true nor false")
	errNoNumber = errors.New("not a number")
	errTooLong  = fmt.Errorf("a number of more than %d characters", numberLimit)

	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	octal       = regexp.MustCompile(`^([-+]?)0_*([0-7][0-7_]*)$`)
	decimal     = regexp.MustCompile(`^([-+]?)_*([0-9][0-9_]*)$`)
	hexadecimal = regexp.MustCompile(`^([-+]?)0x_*([0-9a-fA-F][0-9a-fA-F_]*)$`)
	binary      = regexp.MustCompile(`^([-+]?)0b_*([01][01_]+)$`)
	float       = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	hexFloat    = regexp.MustCompile(`^[-+]?0x([0-9a-fA-F]+\.[0-9a-fA-F]*|\.[0-9a-fA-F]+)$`)
	sexagesimal = regexp.MustCompile(`^([-+]?)([0-9]+:[0-5]?[0-9][:0-9]*)(\.[0-9]+)?$`)
)

// Why {}? APISIX's YAML parser makes null an empty table, and its schemas take it for an empty object or array: a plugin with
// nothing behind its name is a plugin without options.
const yamlNull = "{}"

// scalar returns a scalar of YAML as JSON and true, or false if it is a string. The rules are those of lyaml, the parser that
// APISIX uses: YAML 1.1 with some differences, for example no 0o7.
func scalar(n *yaml.Node) (string, bool, error) {
	if n.Style&yaml.TaggedStyle != 0 {
		switch n.Tag {
		case "!!str":
			return "", false, nil
		case "!!null":
			return yamlNull, true, nil
		case "!!bool":
			return taggedBool(n.Value)
		case "!!int", "!!float":
			return taggedNumber(n.Value, n.Tag == "!!float")
		}
	}
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	if n.Style&quoted != 0 {
		return "", false, nil
	}
	return plain(n.Value)
}

// plain tells what a scalar without quotes and tag is.
func plain(text string) (string, bool, error) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return yamlNull, true, nil
	}
	if word := boolean(text); word != "" {
		return word, true, nil
	}
	if !strings.ContainsRune("0123456789+-._", rune(text[0])) {
		return "", false, nil
	}
	number, err := number(text, true)
	if errors.Is(err, errNoNumber) {
		return "", false, nil
	}
	return number, true, err
}

// boolean returns the truth value of a word, or "". APISIX's parser knows more such words than YAML 1.2.
func boolean(word string) string {
	switch word {
	case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON":
		return "true"
	case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF":
		return "false"
	default:
		return ""
	}
}

func taggedBool(text string) (string, bool, error) {
	switch text {
	case "y", "Y":
		return "true", true, nil
	case "n", "N":
		return "false", true, nil
	}
	if word := boolean(text); word != "" {
		return word, true, nil
	}
	return "", false, fmt.Errorf("%s: %w", text, errNoBool)
}

func taggedNumber(text string, fraction bool) (string, bool, error) {
	text, err := number(text, fraction)
	return text, true, err
}

// number returns a number as JSON, digit by digit where that is possible.
func number(text string, fraction bool) (string, error) {
	switch strings.ToLower(strings.TrimLeft(text, "+-")) {
	case ".inf", ".nan":
		return "", fmt.Errorf("%s: %w", text, errNotJSON)
	}
	if isDigits(text) {
		return text, nil
	}
	short := strings.ReplaceAll(text, "_", "")
	if i, ok := integer(text); ok {
		return i, lengthError(text)
	}
	switch {
	case fraction && strings.ContainsAny(short, ".eE") && float.MatchString(short):
		return decimalFloat(short)
	case fraction && hexFloat.MatchString(short):
		return decimalFloat(short + "p0")
	}
	return sixties(text, fraction)
}

// isDigits tells whether the text is a small number in JSON's form, as most are.
func isDigits(text string) bool {
	if text == "" || len(text) > 15 || text[0] == '0' && len(text) > 1 {
		return false
	}
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return true
}

func lengthError(text string) error {
	if len(text) > numberLimit {
		return errTooLong
	}
	return nil
}

// integer returns a whole number in JSON's form, and whether the text is one.
func integer(text string) (string, bool) {
	for _, form := range []struct {
		pattern *regexp.Regexp
		base    int
	}{{octal, 8}, {decimal, 10}, {hexadecimal, 16}, {binary, 2}} {
		m := form.pattern.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if len(text) > numberLimit {
			return "", true
		}
		digits := strings.ReplaceAll(m[2], "_", "")
		if i, ok := new(big.Int).SetString(digits, form.base); ok {
			if m[1] == "-" {
				i.Neg(i)
			}
			return i.String(), true
		}
	}
	return "", false
}

func decimalFloat(text string) (string, error) {
	if err := lengthError(text); err != nil {
		return "", err
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case math.IsInf(f, 0):
		return "", fmt.Errorf("%s: %w", text, errNotJSON)
	case err != nil:
		return "", errNoNumber
	case jsonNumber.MatchString(text):
		return text, nil
	}
	return formatFloat(f), nil
}

// sixties reads a number to the base of 60, such as 1:30.
func sixties(text string, fraction bool) (string, error) {
	m := sexagesimal.FindStringSubmatch(text)
	if m == nil || m[3] != "" && !fraction {
		return "", fmt.Errorf("%.40s: %w", text, errNoNumber)
	}
	if err := lengthError(text); err != nil {
		return "", err
	}
	var sum float64
	for digits := range strings.FieldsFuncSeq(m[2], func(r rune) bool { return r == ':' }) {
		f, err := strconv.ParseFloat(digits, 64)
		if err != nil {
			return "", errNoNumber
		}
		sum = sum*60 + f
	}
	if m[3] != "" {
		f, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return "", errNoNumber
		}
		sum += f
	}
	if m[1] == "-" {
		sum = -sum
	}
	if math.IsInf(sum, 0) {
		return "", fmt.Errorf("%s: %w", text, errNotJSON)
	}
	return formatFloat(sum), nil
}

// formatFloat returns a number in JSON's form, a whole one without fraction.
func formatFloat(f float64) string {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.FormatInt(int64(f), 10)
	}
	return strings.Replace(strconv.FormatFloat(f, 'g', -1, 64), "e+", "e", 1)
}

func isNull(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	if isLiteral(n) {
		return n.Value == "null"
	}
	text, ok, err := scalar(n)
	return err == nil && ok && text == yamlNull
}
