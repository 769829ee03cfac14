package jwtauth

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
)

// maxKeys is how many public keys are kept in readable form.
const maxKeys = 1024

// keyCache keeps public keys that have been read from PEM, which takes about as long as verifying a signature. It may be used by several
// goroutines at once; the zero value is empty.
type keyCache struct {
	mu   sync.RWMutex
	keys map[string]crypto.PublicKey // by PEM; guarded by mu
}

// key returns the public key in a PEM text. Its errors do not hold the text.
func (c *keyCache) key(text string) (crypto.PublicKey, error) {
	c.mu.RLock()
	key, ok := c.keys[text]
	c.mu.RUnlock()
	if ok {
		return key, nil
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil || len(c.keys) >= maxKeys {
		// Starting over forgets the keys of consumers that are gone, and costs the others little.
		c.keys = make(map[string]crypto.PublicKey)
	}
	c.keys[text] = key
	return key, nil
}

func parseKey(text string) (crypto.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("the consumer's public_key is not PEM")
	}
	var key crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		return nil, errors.New("the consumer's public_key is no PEM block of type PUBLIC KEY")
	}
	if err != nil {
		return nil, fmt.Errorf("read the consumer's public_key: %w", err)
	}
	return key, nil
}
