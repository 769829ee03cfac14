package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Keyring encrypts and decrypts what is kept in the store, as APISIX does it (apisix/core/data_encryption.lua): AES in CBC mode
// with the key's first 16 bytes as initialization vector, PKCS #7 padding, and base64. It is safe for concurrent use; make it
// with [NewKeyring].
//
// Why so weak a form? It is that of the data of existing stores. Equal texts become equal ciphertexts, and nothing tells that a
// ciphertext was altered: it keeps secrets from being read by chance, not from who can write to the store.
type Keyring struct {
	keys []key
}

// key is one key of a ring, ready for use.
type key struct {
	block cipher.Block
	iv    []byte
}

// NewKeyring makes a keyring of keys of 16 bytes (AES-128) or 32 bytes (AES-256). The first one encrypts, all are tried to
// decrypt, so that a new key goes to the front of the list and old data stays readable. It fails if there is no key or one has
// another length; the error names the setting and never contains a key.
func NewKeyring(keys []string) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, errors.New("apisix.data_encryption.keyring is empty: " +
			"add a key of 16 or 32 bytes, or set apisix.data_encryption.enable_encrypt_fields to false")
	}
	ring := &Keyring{}
	for i, text := range keys {
		if len(text) != 16 && len(text) != 32 {
			return nil, fmt.Errorf("apisix.data_encryption.keyring: key %d has %d bytes; 16 (AES-128) or 32 (AES-256) are needed",
				i+1, len(text))
		}
		block, err := aes.NewCipher([]byte(text))
		if err != nil {
			return nil, fmt.Errorf("apisix.data_encryption.keyring: key %d: %w", i+1, err)
		}
		ring.keys = append(ring.keys, key{block: block, iv: []byte(text)[:aes.BlockSize]})
	}
	return ring, nil
}

// Encrypt encrypts with the first key. Equal texts have equal results. The error is always nil.
func (r *Keyring) Encrypt(plain string) (string, error) {
	k := r.keys[0]
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	data := append([]byte(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(k.block, k.iv).CryptBlocks(data, data)
	return base64.StdEncoding.EncodeToString(data), nil
}

// Decrypt returns what text was before it was encrypted with one of the keys. It reports false for everything else, and never
// why: neither the result nor the work tells wrong padding from a wrong key.
//
// Why is a text that is not UTF-8 refused? One of 256 texts that were never encrypted, such as keys in base64, has padding that
// looks right. What comes of those is noise, while all values of a configuration are UTF-8.
func (r *Keyring) Decrypt(text string) (string, bool) {
	// nginx, which decodes for APISIX, does not ask for the padding of base64.
	data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return "", false
	}
	plain, found := "", false
	buf := make([]byte, len(data))
	for _, k := range r.keys {
		cipher.NewCBCDecrypter(k.block, k.iv).CryptBlocks(buf, data)
		n, good := unpad(buf)
		if good && !found && utf8.Valid(buf[:n]) {
			plain, found = string(buf[:n]), true
		}
	}
	return plain, found
}

// unpad returns the length of data, which is some blocks long, without its padding. Its time does not depend on the content.
func unpad(data []byte) (int, bool) {
	last := data[len(data)-aes.BlockSize:]
	pad := int(last[aes.BlockSize-1])
	good := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, aes.BlockSize)
	for i := range aes.BlockSize {
		outside := subtle.ConstantTimeLessOrEq(i+1, aes.BlockSize-pad)
		good &= outside | subtle.ConstantTimeByteEq(last[i], byte(pad))
	}
	return len(data) - pad*good, good == 1
}
