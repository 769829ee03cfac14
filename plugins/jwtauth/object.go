package jwtauth

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// object reads a JSON object whose names are not repeated. The values are parts of text.
//
// Why not the library's decoder? It takes the last of several members with one name, where others take the first, and its tokens cost
// more than verifying a signature.
func object(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not UTF-8")
	}
	if !json.Valid(text) {
		return nil, errors.New("not JSON")
	}
	at := skipSpace(text, 0)
	if text[at] != '{' {
		return nil, errors.New("not a JSON object")
	}
	members := make(map[string]json.RawMessage, 4)
	for at = skipSpace(text, at+1); text[at] != '}'; at = skipSpace(text, at) {
		if text[at] == ',' {
			at++
			continue
		}
		end := endOfString(text, at)
		name, _ := stringOf(text[at:end])
		if _, repeated := members[name]; repeated {
			return nil, errors.New("a name is there twice")
		}
		at = skipSpace(text, skipSpace(text, end)+1) // the colon
		end = endOfValue(text, at)
		members[name] = text[at:end:end]
		at = end
	}
	return members, nil
}

// The functions below walk through JSON that is known to be valid, so that they cannot run out of it.

func skipSpace(text []byte, at int) int {
	for strings.IndexByte(" \t\r\n", text[at]) >= 0 {
		at++
	}
	return at
}

// endOfString returns where the string that begins at a quote ends.
func endOfString(text []byte, at int) int {
	for at++; text[at] != '"'; at++ {
		if text[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// endOfValue returns where the value of a member ends.
func endOfValue(text []byte, at int) int {
	depth := 0
	for {
		switch text[at] {
		case '"':
			at = endOfString(text, at) - 1
		case '{', '[':
			depth++
		case '}', ']', ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return at
			}
			if text[at] == '}' || text[at] == ']' {
				depth--
			}
		}
		if at++; depth == 0 && strings.IndexByte("\"}]", text[at-1]) >= 0 {
			return at
		}
	}
}
