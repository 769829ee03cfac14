package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
)

// jsonPair is a certificate and its key, as JSON strings.
type jsonPair struct {
	cert, key string
}

func testPair(t testing.TB) jsonPair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return jsonPair{cert: string(encodeJSON(pemText("CERTIFICATE", cert))), key: string(encodeJSON(pemText("EC PRIVATE KEY", der)))}
}

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// nonsense returns a JSON string of n bytes.
func nonsense(n int) string { return `"` + strings.Repeat("x", n) + `"` }

func TestParseKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs1 := x509.MarshalPKCS1PrivateKey(key)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, text, want string
	}{
		{"PKCS #1", pemText("RSA PRIVATE KEY", pkcs1), ""},
		{"PKCS #8", pemText("PRIVATE KEY", pkcs8), ""},
		{"behind parameters", pemText("EC PARAMETERS", []byte{6, 0}) + pemText("PRIVATE KEY", pkcs8), ""},
		{"not PEM", "x", "failed to parse key: PEM_read_bio_PrivateKey() failed"},
		{"not a key", pemText("PRIVATE KEY", []byte("x")), "failed to parse key: PEM_read_bio_PrivateKey() failed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := errText(parseKey(tt.text))
			if tt.want == "" && got != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseCertificate(t *testing.T) {
	got := errText(parseCertificate(pemText("CERTIFICATE", []byte("x"))))
	if !strings.HasPrefix(got, "failed to parse cert: PEM_read_bio_X509_AUX() failed") {
		t.Errorf("got %q, want an error of x509", got)
	}
}
