package file

import (
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	// yamlLine is how the decoder says where an error is.
	yamlLine = regexp.MustCompile(`^line (\d+): `)
	// lineBefore are the errors that the decoder reports for the line before.
	lineBefore = regexp.MustCompile(`^did not find expected (<|node content|'-' indicator|key$|',' or )`)
)

// decode returns the root of the first document of a text, nil where there is none, and the line of the second document, 0
// where there is none.
func decode(text string) (root *yaml.Node, several int, err error) {
	dec := yaml.NewDecoder(strings.NewReader(text))
	var doc, next yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, yamlError(err)
	}
	if err := dec.Decode(&next); err == nil {
		several = max(1, next.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, 0, yamlError(err)
	}
	if len(doc.Content) == 0 {
		return nil, several, nil
	}
	return doc.Content[0], several, nil
}

// yamlError takes the line out of the decoder's error.
func yamlError(err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			line, text = n, text[len(m[0]):]
			if lineBefore.MatchString(text) {
				line++
			}
		}
	}
	return &nodeError{line: line, err: errors.New(text)}
}
