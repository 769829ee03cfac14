package jwtauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rsa"
	_ "crypto/sha256" // crypto.SHA256
	_ "crypto/sha512" // crypto.SHA384 and crypto.SHA512
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// credential is the part of a consumer's configuration by which its tokens are verified.
type credential struct {
	Algorithm    string `json:"algorithm"`
	Secret       string `json:"secret"`
	Base64Secret bool   `json:"base64_secret"`
	PublicKey    string `json:"public_key"`
	Grace        int64  `json:"lifetime_grace_period"`
}

// errSignature says that a token was signed by somebody else, or changed afterwards.
var errSignature = errors.New("signature mismatch")

// verify tells why the signature of t is not the consumer's.
func (c *credential) verify(t *token, keys *keyCache) error {
	hash, ok := hashOf(c.Algorithm)
	if !ok {
		return fmt.Errorf("unsupported algorithm: %s", c.Algorithm)
	}
	if strings.HasPrefix(c.Algorithm, "HS") {
		return c.verifyMAC(t, hash)
	}
	public, err := keys.key(c.PublicKey)
	if err != nil {
		return err
	}
	if verifyWith(public, c.Algorithm, hash, t) {
		return nil
	}
	return errSignature
}

// hashOf returns the hash of an algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1), 0 for one that needs none.
func hashOf(algorithm string) (crypto.Hash, bool) {
	switch algorithm {
	case "HS256", "RS256", "ES256", "PS256":
		return crypto.SHA256, true
	case "HS384", "RS384", "ES384", "PS384":
		return crypto.SHA384, true
	case "HS512", "RS512", "ES512", "PS512":
		return crypto.SHA512, true
	case "EdDSA":
		return 0, true
	}
	return 0, false
}

func (c *credential) verifyMAC(t *token, hash crypto.Hash) error {
	secret := []byte(c.Secret)
	if c.Base64Secret {
		var err error
		if secret, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(c.Secret, "=")); err != nil {
			return errors.New("the consumer's secret is not base64")
		}
	}
	if len(secret) == 0 {
		return errors.New("the consumer has no secret")
	}
	mac := hmac.New(hash.New, secret)
	mac.Write([]byte(t.signed))
	if !hmac.Equal(mac.Sum(nil), t.signature) {
		return errSignature
	}
	return nil
}

// verifyWith tells whether t was signed with the private half of a key. A key of another kind than the algorithm's signs nothing.
func verifyWith(public crypto.PublicKey, algorithm string, hash crypto.Hash, t *token) bool {
	switch algorithm[:2] {
	case "RS":
		key, ok := public.(*rsa.PublicKey)
		return ok && rsa.VerifyPKCS1v15(key, hash, sum(hash, t.signed), t.signature) == nil
	case "PS":
		key, ok := public.(*rsa.PublicKey)
		return ok && rsa.VerifyPSS(key, hash, sum(hash, t.signed), t.signature, nil) == nil
	case "ES":
		key, ok := public.(*ecdsa.PublicKey)
		return ok && key.Curve == curveOf(algorithm) && verifyECDSA(key, sum(hash, t.signed), t.signature)
	default:
		key, ok := public.(ed25519.PublicKey)
		return ok && ed25519.Verify(key, []byte(t.signed), t.signature)
	}
}

func sum(hash crypto.Hash, text string) []byte {
	h := hash.New()
	h.Write([]byte(text))
	return h.Sum(nil)
}

func curveOf(algorithm string) elliptic.Curve {
	switch algorithm {
	case "ES256":
		return elliptic.P256()
	case "ES384":
		return elliptic.P384()
	default:
		return elliptic.P521()
	}
}

// verifyECDSA verifies a signature that is two numbers of the curve's size, one behind the other (RFC 7518 section 3.4).
func verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) bool {
	size := (key.Curve.Params().BitSize + 7) / 8
	if len(signature) != 2*size {
		return false
	}
	return ecdsa.Verify(key, digest, new(big.Int).SetBytes(signature[:size]), new(big.Int).SetBytes(signature[size:]))
}
