package e2e

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"strings"
	"testing"
	"text/template"
	"time"

	"golang.org/x/tools/txtar"
)

// The keys that APISIX encrypts with unless it is told others.
const (
	firstKey  = "qeddd145sfvddff3"
	secondKey = "edd1c9f0985e76a2"
)

// fixture is what is in etcd, by key, and what the Admin API shows of it.
type fixture struct {
	stored, shown map[string]string
}

// readFixture reads testdata/etcd.txtar. Its upstreams are at node.
func readFixture(t *testing.T, node string) *fixture {
	t.Helper()
	archive, err := txtar.ParseFile("testdata/etcd.txtar")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(node)
	if err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t, "shop.example.com")
	clear := template.FuncMap{
		"node": func() string { return node }, "host": func() string { return host }, "port": func() string { return port },
		"cert": func() (string, error) { return escaped(cert) }, "key": func() string { return "" },
		"enc": func(s string) string { return s }, "old": func(s string) string { return s },
	}
	encrypted := maps.Clone(clear)
	encrypted["enc"] = func(s string) (string, error) { return encrypt(firstKey, s) }
	encrypted["old"] = func(s string) (string, error) { return encrypt(secondKey, s) }
	encrypted["key"] = func() (string, error) {
		text, err := encrypt(firstKey, key)
		return `,"key":"` + text + `"`, err
	}
	f := &fixture{stored: map[string]string{}, shown: map[string]string{}}
	for _, file := range archive.Files {
		value := strings.TrimSuffix(string(file.Data), "\n")
		f.stored[file.Name] = fill(t, value, encrypted)
		f.shown[file.Name] = fill(t, value, clear)
	}
	return f
}

func fill(t *testing.T, text string, funcs template.FuncMap) string {
	t.Helper()
	parsed, err := template.New("").Funcs(funcs).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := parsed.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// encrypt is apisix/core/data_encryption.lua: AES-128-CBC whose initial vector is the key, PKCS #7, base64.
func encrypt(key, text string) (string, error) {
	block, err := aes.NewCipher([]byte(key))
	if err != nil {
		return "", err
	}
	pad := aes.BlockSize - len(text)%aes.BlockSize
	padded := append([]byte(text), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(block, []byte(key)).CryptBlocks(padded, padded)
	return base64.StdEncoding.EncodeToString(padded), nil
}

// escaped is a text as it stands within a JSON string.
func escaped(text string) (string, error) {
	b, err := json.Marshal(text)
	return strings.Trim(string(b), `"`), err
}

// certificate makes a certificate that signed itself and its key, in PEM form.
func certificate(t *testing.T, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, leaf, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: privateDER}))
}
