package etcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/polygate/polygate/core/store"
	"github.com/polygate/polygate/core/store/etcd"
)

// certificate writes a certificate for 127.0.0.1 that is its own authority, and its key, and returns their paths and a
// pool that trusts it.
func certificate(t *testing.T) (certFile, keyFile string, trust *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{
		certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	trust = x509.NewCertPool()
	trust.AddCert(cert)
	return certFile, keyFile, trust
}

func TestTLS(t *testing.T) {
	certFile, keyFile, trust := certificate(t)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	mutual := &tls.Config{RootCAs: trust, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	srv := unstarted(t)
	srv.tls = mutual
	srv.flags = []string{"--cert-file", certFile, "--key-file", keyFile, "--client-cert-auth", "--trusted-ca-file", certFile}
	srv.start(t.TempDir())

	tests := []struct {
		name string
		conf *tls.Config
		want string // of the error
	}{
		{"both sides trust each other", mutual, ""},
		{"the server is not trusted", nil, "certificate signed by unknown authority"},
		{"the client is not trusted", &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}, "certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, etcd.Options{Endpoints: []string{srv.url()}, TLS: tt.conf})
			v := look(t, s)
			if tt.want != "" {
				checkWriters(t, s, srv.url())
				eventually(t, "the status tells why", func() bool {
					err := s.Status().Err
					return err != nil && contains(err.Error(), tt.want)
				})
				return
			}
			if _, err := s.Put(t.Context(), "routes/1", []byte("{}"), store.Cond{}); err != nil {
				t.Fatal(err)
			}
			v.holds(t, map[string]string{"routes/1": "{}"})
		})
	}
}
