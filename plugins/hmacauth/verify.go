package hmacauth

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC with SHA-1 is one of the plugin's algorithms; allowed_algorithms can exclude it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strings"
	"time"

	"github.com/polygate/polygate/sdk"
)

// requestTarget is the name under which method and target are signed.
const requestTarget = "@request-target"

// hashOf returns the hash of an algorithm, nil for one that is not known.
func hashOf(algorithm string) func() hash.Hash {
	switch algorithm {
	case "hmac-sha1":
		return sha1.New
	case "hmac-sha256":
		return sha256.New
	case "hmac-sha512":
		return sha512.New
	}
	return nil
}

// consumer returns the consumer whose key signed the request.
func (h *hmacAuth) consumer(x sdk.Exchange, given *signature) (*sdk.Consumer, error) {
	consumer, ok := x.Consumers().Find(name, given.keyID)
	if !ok {
		return nil, errors.New("no consumer has the keyId")
	}
	if !slices.Contains(h.Algorithms, given.algorithm) || hashOf(given.algorithm) == nil {
		return nil, errors.New("the algorithm is not allowed")
	}
	if err := h.checkDate(x.Request().Header().Values("Date")); err != nil {
		return nil, err
	}
	for _, required := range h.SignedHeaders {
		if !slices.ContainsFunc(given.headers, func(name string) bool { return strings.EqualFold(name, required) }) {
			return nil, fmt.Errorf("the header field %q must be signed and is not", required)
		}
	}
	var conf struct {
		SecretKey string `json:"secret_key"`
	}
	if err := json.Unmarshal(consumer.Conf, &conf); err != nil {
		return nil, fmt.Errorf("decode the consumer's configuration: %w", err)
	}
	if conf.SecretKey == "" {
		return nil, errors.New("the consumer has no secret_key")
	}
	return consumer, given.verify(x, conf.SecretKey)
}

// checkDate compares a request's date with the clock.
func (h *hmacAuth) checkDate(dates []string) error {
	if h.skew <= 0 {
		return nil
	}
	switch len(dates) {
	case 0:
		return errors.New("there is no Date field")
	case 1:
	default:
		return errors.New("there is more than one Date field")
	}
	date, ok := parseDate(dates[0])
	if !ok {
		return errors.New("the Date field is no date of HTTP")
	}
	// A difference that does not fit is the greatest one.
	if diff := time.Since(date).Truncate(time.Second); diff > h.skew || diff < -h.skew {
		return errors.New("the Date field is too far from the clock: clock skew exceeded")
	}
	return nil
}

// parseDate reads a date in one of the three forms of HTTP (RFC 9110 section 5.6.7).
func parseDate(text string) (time.Time, bool) {
	for _, layout := range [...]string{"Mon, 02 Jan 2006 15:04:05 GMT", "Monday, 02-Jan-06 15:04:05 GMT", time.ANSIC} {
		if date, err := time.Parse(layout, text); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}

// verify tells why s is not the signature of the request.
func (s *signature) verify(x sdk.Exchange, key string) error {
	for _, target := range targets(x) {
		text, err := s.text(x.Request(), target)
		if err != nil {
			return err
		}
		mac := hmac.New(hashOf(s.algorithm), []byte(key))
		mac.Write(text)
		if hmac.Equal(mac.Sum(nil), s.value) {
			return nil
		}
		if !slices.Contains(s.headers, requestTarget) {
			break
		}
	}
	return errors.New("the signature is wrong")
}

// targets are the forms of the request's target that may have been signed: as it was sent, and with a decoded path, as APISIX wants it.
func targets(x sdk.Exchange) []string {
	sent, ok := x.Var("real_request_uri")
	if !ok {
		sent, _ = x.Var("request_uri")
	}
	req := x.Request()
	decoded := req.Path()
	if query := req.Query(); query != "" {
		decoded += "?" + query
	}
	if decoded == sent {
		return []string{sent}
	}
	return []string{sent, decoded}
}

// text is what is signed: the name of the key and then what is listed, a line for each. Fields that the request does not have are left out.
func (s *signature) text(req sdk.Request, target string) ([]byte, error) {
	text := append([]byte(s.keyID), '\n')
	header := req.Header()
	for _, name := range s.headers {
		if name == requestTarget {
			text = append(text, req.Method()...)
			text = append(text, ' ')
			text = append(text, target...)
			text = append(text, '\n')
			continue
		}
		values := header.Values(name)
		if len(values) > 1 {
			// Only one of them could be signed, and the upstream may take another one.
			return nil, fmt.Errorf("the signed header field %q is there more than once", name)
		}
		if len(values) == 1 {
			text = append(text, name...)
			text = append(text, ": "...)
			text = append(text, values[0]...)
			text = append(text, '\n')
		}
	}
	return text, nil
}
