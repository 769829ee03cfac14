package hmacauth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/polygate/polygate/sdk"
)

// checkBody compares the body with its digest and returns how the request ends if they differ.
func (h *hmacAuth) checkBody(x sdk.Exchange) error {
	digests := x.Request().Header().Values("Digest")
	if len(digests) != 1 {
		x.Log().Warn("the body of the request cannot be compared: it has no Digest field, or several")
		return h.refuse(x, unvalidated)
	}
	body, err := x.Request().Body().Bytes(h.MaxBody)
	if errors.Is(err, sdk.ErrBodyTooLarge) {
		return x.Exit(413, refusal{h.tooLarge(x.Request())})
	}
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	sum := sha256.Sum256(body)
	digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
	if subtle.ConstantTimeCompare([]byte(digest), []byte(digests[0])) != 1 {
		x.Log().Warn("the body of the request is not the one of its Digest field")
		return h.refuse(x, unvalidated)
	}
	return nil
}

// tooLarge has APISIX's text; the size is only known of a body that was announced.
func (h *hmacAuth) tooLarge(req sdk.Request) string {
	size := req.Header().Get("Content-Length")
	if size != "" {
		size += " "
	}
	return fmt.Sprintf("request size %sis greater than the maximum size %d allowed", size, h.MaxBody)
}
