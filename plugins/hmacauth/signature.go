package hmacauth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// What is wrong with an Authorization field.
var (
	errRepeated = errors.New("there is more than one Authorization field")
	errScheme   = errors.New("Authorization header does not start with 'Signature'") //nolint:staticcheck // APISIX's own text
	errKey      = errors.New("keyId or signature is missing")
	errNoMethod = errors.New("algorithm is missing")
)

// signature is what an Authorization field says.
type signature struct {
	keyID     string
	algorithm string
	headers   []string // names of what was signed, in order
	value     []byte
}

// read reads the values of the Authorization fields:
//
//	Signature keyId="…",algorithm="hmac-sha256",headers="@request-target date",signature="…"
//
// Other parameters are passed over.
func read(fields []string) (*signature, error) {
	if len(fields) > 1 {
		return nil, errRepeated
	}
	const scheme = "Signature"
	text := strings.TrimLeft(fields[0], " \t")
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return nil, errScheme
	}
	text = text[len(scheme):]
	if text != "" && text[0] != ' ' && text[0] != '\t' {
		return nil, errScheme
	}
	found, err := parameters(text)
	if err != nil {
		return nil, err
	}
	s := &signature{keyID: found.keyID, algorithm: found.algorithm, headers: strings.Fields(found.headers)}
	if s.keyID == "" || found.signature == "" {
		return nil, errKey
	}
	if s.algorithm == "" {
		return nil, errNoMethod
	}
	if s.value, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(found.signature, "=")); err != nil {
		return nil, errors.New("the signature is not base64")
	}
	return s, s.checkHeaders()
}

// checkHeaders refuses a field that is listed twice.
func (s *signature) checkHeaders() error {
	for i, name := range s.headers {
		for _, earlier := range s.headers[:i] {
			if strings.EqualFold(name, earlier) {
				return fmt.Errorf("%q is signed twice", name)
			}
		}
		if i == maxSigned {
			return fmt.Errorf("more than %d header fields are signed", maxSigned)
		}
	}
	return nil
}

// maxSigned is how many fields a request may sign.
const maxSigned = 64

// texts are the parameters of a signature as they are written.
type texts struct {
	keyID, algorithm, headers, signature string
}

// parameters reads name="value" pairs with commas between them.
func parameters(text string) (texts, error) {
	var found texts
	seen := map[*string]bool{}
	for {
		text = strings.TrimLeft(text, " \t,")
		if text == "" {
			return found, nil
		}
		name, rest, ok := strings.Cut(text, "=")
		if !ok {
			return texts{}, errors.New("a parameter has no value")
		}
		var value string
		if value, text, ok = cutValue(rest); !ok {
			return texts{}, errors.New("a quote is not closed")
		}
		target := found.named(strings.TrimRight(name, " \t"))
		if target == nil {
			continue
		}
		if seen[target] {
			return texts{}, errors.New("a parameter is there twice")
		}
		seen[target] = true
		*target = value
	}
}

// cutValue reads a value in quotes, or one that ends before a comma.
func cutValue(text string) (value, rest string, ok bool) {
	if quoted, found := strings.CutPrefix(strings.TrimLeft(text, " \t"), `"`); found {
		return strings.Cut(quoted, `"`)
	}
	value, rest, _ = strings.Cut(text, ",")
	return strings.Trim(value, " \t"), rest, true
}

func (t *texts) named(name string) *string {
	switch name {
	case "keyId":
		return &t.keyID
	case "algorithm":
		return &t.algorithm
	case "headers":
		return &t.headers
	case "signature":
		return &t.signature
	}
	return nil
}
