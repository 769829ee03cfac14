package jwtauth

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// token is a token in the compact form (RFC 7515), taken apart. Nothing in it is to be believed before its signature has been verified.
type token struct {
	algorithm string // as the header says; empty where it says none
	payload   []byte // JSON, an object
	claims    map[string]json.RawMessage
	signed    string // the part of the text that is signed
	signature []byte // empty where it can not be decoded
}

// parse takes a token apart. It is strict, so that nobody else reads another token in the same text: base64url without padding
// and spare bits, objects without repeated names, no header parameters that must be understood.
func parse(text string) (*token, error) {
	header, rest, ok := strings.Cut(text, ".")
	payload, signature, more := strings.Cut(rest, ".")
	if !ok || !more || strings.Contains(signature, ".") {
		return nil, errors.New("a token has three parts")
	}
	headerJSON, err := decode(header)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	t := &token{signed: text[:len(header)+1+len(payload)]}
	if t.payload, err = decode(payload); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	// What is no signature is one that does not fit: clients are told so, and not that there is no token.
	t.signature, _ = decode(signature)
	parameters, err := object(headerJSON)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if _, critical := parameters["crit"]; critical {
		return nil, errors.New("header: an extension is critical")
	}
	t.algorithm, _ = stringOf(parameters["alg"])
	if t.claims, err = object(t.payload); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	return t, nil
}

// decode undoes base64url.
func decode(part string) ([]byte, error) {
	// The decoder passes over line ends.
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("not base64url")
	}
	decoded, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	return decoded, nil
}

// stringOf returns the value of a JSON string.
func stringOf(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), true
	}
	var text string
	err := json.Unmarshal(raw, &text)
	return text, err == nil
}

// key returns the consumer's key, empty where the claim is not a text. It tells whether there is the claim; as in Lua, false is as good as
// none.
func (t *token) key(claim string) (string, bool) {
	raw, ok := t.claims[claim]
	if !ok || string(raw) == "false" {
		return "", false
	}
	key, _ := stringOf(raw)
	return key, true
}
