package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// certificates checks an ssl (apisix/ssl.lua, check_ssl_conf).
func certificates(e *examination) error {
	if err := e.pair(text(e.doc, "cert"), text(e.doc, "key")); err != nil {
		return err
	}
	if text(e.doc, "type") == "client" {
		return nil
	}
	if err := certificateCount(e); err != nil {
		return err
	}
	keys := texts(e.doc, "keys")
	for i, cert := range texts(e.doc, "certs") {
		if err := e.pair(cert, keys[i]); err != nil {
			return fmt.Errorf("failed to handle cert-key pair[%d]: %w", i+1, err)
		}
	}
	if ca := text(field(e.doc, "client"), "ca"); ca != "" && !isSecretRef(ca) {
		if err := parseCertificate(ca); err != nil {
			return fmt.Errorf("failed to validate client_cert: %w", err)
		}
	}
	return nil
}

// certificateCount asks for a key for each further certificate.
func certificateCount(e *examination) error {
	if text(e.doc, "type") != "client" && len(texts(e.doc, "certs")) != len(texts(e.doc, "keys")) {
		return errors.New("mismatched number of certs and keys")
	}
	return nil
}

// pair checks a certificate and its key, as far as they are there and not references to secrets.
func (e *examination) pair(cert, key string) error {
	if isSecretRef(cert) || isSecretRef(key) {
		return nil
	}
	if err := parseCertificate(cert); err != nil {
		return err
	}
	plain := e.catalog.decryptKey(key)
	if !strings.HasPrefix(plain, "---") {
		return errors.New("failed to decrypt previous encrypted key")
	}
	return parseKey(plain)
}

// What OpenSSL says, and so APISIX, of text that is not PEM or not what its label says.
const (
	badCertificate = "PEM_read_bio_X509_AUX() failed"
	badKey         = "PEM_read_bio_PrivateKey() failed"
)

// parseCertificate checks that text is a chain of certificates.
func parseCertificate(text string) error {
	rest := []byte(text)
	for n := 0; ; n++ {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			if n == 0 {
				return errors.New("failed to parse cert: " + badCertificate)
			}
			return nil
		}
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return errors.New("failed to parse cert: " + badCertificate)
		}
	}
}

// parseKey checks that text has a private key. Blocks before it, such as the parameters of a curve, do not matter.
func parseKey(text string) error {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return errors.New("failed to parse key: " + badKey)
		}
		if _, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			return nil
		}
		if _, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return nil
		}
		if _, err := x509.ParseECPrivateKey(block.Bytes); err == nil {
			return nil
		}
	}
}
