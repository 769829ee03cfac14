package jwtauth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"sync"
	"testing"
)

// keyPair are the two halves of a key; of a shared one public is nil.
type keyPair struct {
	private any    // []byte, *rsa.PrivateKey, *ecdsa.PrivateKey or ed25519.PrivateKey
	pem     string // of the public half
}

func shared(secret string) keyPair { return keyPair{private: []byte(secret)} }

// pairs makes a key of each kind, once.
var pairs = sync.OnceValue(func() map[string]keyPair {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	all := map[string]keyPair{"RSA": {private: rsaKey}, "Ed25519": {private: edKey}}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		all[name] = keyPair{private: key}
	}
	for name, pair := range all {
		der, err := x509.MarshalPKIXPublicKey(pair.private.(crypto.Signer).Public())
		must(err)
		pair.pem = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		all[name] = pair
	}
	return all
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign makes a token with that header, signed as the algorithm wants it.
func sign(t testing.TB, header, payload, algorithm string, key keyPair) string {
	t.Helper()
	text := encode(header) + "." + encode(payload)
	hash, _ := hashOf(algorithm)
	var signature []byte
	var err error
	switch private := key.private.(type) {
	case []byte:
		mac := hmac.New(hash.New, private)
		mac.Write([]byte(text))
		signature = mac.Sum(nil)
	case *rsa.PrivateKey:
		if algorithm[0] == 'P' {
			signature, err = rsa.SignPSS(rand.Reader, private, hash, sum(hash, text), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			signature, err = rsa.SignPKCS1v15(nil, private, hash, sum(hash, text))
		}
	case *ecdsa.PrivateKey:
		r, s, failure := ecdsa.Sign(rand.Reader, private, sum(hash, text))
		size := (private.Curve.Params().BitSize + 7) / 8
		signature, err = append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...), failure
	case ed25519.PrivateKey:
		signature = ed25519.Sign(private, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(string(signature))
}
