package behave

import (
	"errors"
	"fmt"
	"strings"
)

// codeBlock is a block of code in Markdown.
type codeBlock struct{ kind, text string }

// codeBlocks returns the blocks of a page that are marked with a kind, in their order.
func codeBlocks(page string) []codeBlock {
	var list []codeBlock
	fence := ""
	for line := range strings.Lines(strings.ReplaceAll(page, "\r\n", "\n")) {
		text := strings.TrimSpace(line)
		switch {
		case fence == "" && strings.HasPrefix(text, "```"):
			fence = text[:len(text)-len(strings.TrimLeft(text, "`"))]
			list = append(list, codeBlock{kind: strings.TrimPrefix(text, fence)})
		case fence != "" && text == fence:
			fence = ""
		case fence != "":
			list[len(list)-1].text += line
		}
	}
	return list
}

// parseCurl reads a command line of curl: -X, -H, -d and the URL count, and what is behind a pipe does not.
func parseCurl(command string) (message, error) {
	command = strings.ReplaceAll(command, "\\\n", " ")
	words, err := shellWords(command)
	if err != nil {
		return message{}, fmt.Errorf("%s: %w", strings.TrimSpace(command), err)
	}
	var m message
	method, target := "GET", ""
	for i := 1; i < len(words); i++ {
		next := ""
		if i+1 < len(words) {
			next = words[i+1]
		}
		switch word := words[i]; {
		case word == "-X":
			method, i = next, i+1
		case word == "-H":
			m.fields, i = append(m.fields, next), i+1
		case word == "-d":
			m.body, i = next, i+1
			if method == "GET" {
				method = "POST"
			}
		case word == "-I":
			method = "HEAD"
		case !strings.HasPrefix(word, "-"):
			target = word
		}
	}
	_, rest, ok := strings.Cut(target, "://")
	if !ok {
		return message{}, fmt.Errorf("%s: there is no URL in it", strings.TrimSpace(command))
	}
	_, path, _ := strings.Cut(rest, "/")
	m.first = method + " /" + path
	return m, nil
}

// shellWords divides a command line into words up to its end or the first pipe. Quotes keep what is between them together; nothing else
// of the shell's language is known.
func shellWords(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inWord := rune(0), false
	flush := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inWord = c, true
		case c == ' ' || c == '\t' || c == '\n':
			flush()
		case c == '|':
			flush()
			return words, nil
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	flush()
	return words, nil
}
