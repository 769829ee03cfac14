package ssl

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/polygate/polygate/core/config"
)

// pair is a certificate and its key, in PEM and ready for use.
type pair struct {
	cert, key string
	leaf      *x509.Certificate
	signer    crypto.Signer
}

func (p pair) tls(t *testing.T) tls.Certificate {
	t.Helper()
	c, err := tls.X509KeyPair([]byte(p.cert), []byte(p.key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// newPair makes a certificate with that common name, signed by parent or by itself.
func newPair(t *testing.T, name string, key crypto.Signer, isCA bool, parent *pair) pair {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: isCA, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	issuer, signer := template, key
	if parent != nil {
		issuer, signer = parent.leaf, parent.signer
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pair{
		cert: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		key:  string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})),
		leaf: leaf, signer: key,
	}
}

func ecKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func server(id string, p pair, snis ...string) *config.SSL {
	return &config.SSL{Meta: config.Meta{ID: config.ID(id)}, Type: "server", Cert: p.cert, Key: p.key, SNIs: snis, Status: 1}
}

// handshake connects a client to a server and returns the name of the certificate that the server has shown.
func handshake(t *testing.T, serverConf, clientConf *tls.Config) (string, error) {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	client := clientConf.Clone()
	client.InsecureSkipVerify = true
	served := make(chan error, 1)
	go func() {
		err := tls.Server(a, serverConf).Handshake()
		if err != nil {
			a.Close()
		}
		served <- err
	}()
	conn := tls.Client(b, client)
	clientErr := conn.Handshake()
	if clientErr != nil {
		b.Close()
	}
	// With TLS 1.3 the client is done before the server has looked at its certificate.
	go func() { _, _ = conn.Read(make([]byte, 1)) }()
	if err := errors.Join(clientErr, <-served); err != nil {
		return "", err
	}
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName, nil
}

func TestCertificateByName(t *testing.T) {
	key := ecKey(t)
	exact := newPair(t, "exact", key, false, nil)
	wild := newPair(t, "wild", key, false, nil)
	star := newPair(t, "star", key, false, nil)
	off := server("4", exact, "off.com")
	off.Status = 0
	client := server("5", exact, "client.com")
	client.Type = "client"
	single := server("6", exact)
	single.SNI = "Single.COM."
	withStar, err := New([]*config.SSL{
		server("1", exact, "a.test.com", "B.Test.com"), server("2", wild, "*.test.com"), server("3", star, "*"), off, client, single,
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := withStar.Len(), 5; got != want {
		t.Errorf("got %v names, want %v", got, want)
	}
	noStar, err := New([]*config.SSL{server("1", exact, "a.test.com"), server("2", wild, "*.test.com"), off, client})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		table *Table
		sni   string
		want  string // empty: refused
	}{
		{"exact", withStar, "a.test.com", "exact"},
		{"case of the name", withStar, "A.TEST.com", "exact"},
		{"case of the resource", withStar, "b.test.com", "exact"},
		{"trailing dot of the resource", withStar, "single.com", "exact"},
		{"wildcard", withStar, "c.test.com", "wild"},
		{"one label only", withStar, "x.c.test.com", "star"},
		{"not the bare domain", withStar, "test.com", "star"},
		{"not in service", withStar, "off.com", "star"},
		{"unknown", noStar, "other.com", ""},
		{"one label only, no star", noStar, "x.c.test.com", ""},
		{"client type", noStar, "client.com", ""},
		{"no name", withStar, "", ""},
		{"no name, fallback", withStar.WithFallback("C.test.com."), "", "wild"},
		{"fallback is not for unknown names", noStar.WithFallback("a.test.com"), "other.com", ""},
		{"empty table", &Table{}, "a.test.com", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := handshake(t, &tls.Config{GetCertificate: tt.table.Certificate}, &tls.Config{ServerName: tt.sni})
			if (err != nil) != (tt.want == "") || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
			base := &tls.Config{}
			base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return tt.table.Config(base, hello) }
			got, err = handshake(t, base, &tls.Config{ServerName: tt.sni})
			if (err != nil) != (tt.want == "") || got != tt.want {
				t.Errorf("Config: got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestTrailingDot(t *testing.T) {
	table, err := New([]*config.SSL{server("1", newPair(t, "x", ecKey(t), false, nil), "a.com")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.find("A.com."); err != nil {
		t.Errorf("got %v, want a certificate", err)
	}
	if _, err := table.find("b.com"); !errors.Is(err, ErrNoCertificate) {
		t.Errorf("got %v, want %v", err, ErrNoCertificate)
	}
}

func TestAlgorithms(t *testing.T) {
	rsaPair := newPair(t, "rsa", rsaKey(t), false, nil)
	ecPair := newPair(t, "ecdsa", ecKey(t), false, nil)
	both := server("1", rsaPair, "a.com")
	both.Certs, both.Keys = []string{ecPair.cert}, []string{ecPair.key}
	table, err := New([]*config.SSL{both, server("2", ecPair, "b.com"), server("3", rsaPair, "b.com")})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		sni   string
		suite uint16
		want  string
	}{
		{"rsa of one resource", "a.com", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "rsa"},
		{"ecdsa of one resource", "a.com", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ecdsa"},
		{"rsa of two resources", "b.com", tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "rsa"},
		{"ecdsa of two resources", "b.com", tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ecdsa"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conf := &tls.Config{ServerName: tt.sni, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tt.suite}}
			base := &tls.Config{}
			base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return table.Config(base, hello) }
			for _, listener := range []*tls.Config{{GetCertificate: table.Certificate}, base} {
				got, err := handshake(t, listener, conf)
				if err != nil || got != tt.want {
					t.Errorf("got %q, %v, want %q", got, err, tt.want)
				}
			}
		})
	}
}

func TestClientCertificates(t *testing.T) {
	key := ecKey(t)
	ca := newPair(t, "ca", key, true, nil)
	middle := newPair(t, "middle", key, true, &ca)
	good := newPair(t, "good", key, false, &ca)
	deep := newPair(t, "deep", key, false, &middle)
	deep.cert += middle.cert
	stranger := newPair(t, "stranger", key, false, nil)
	item := server("1", newPair(t, "server", key, false, nil), "a.com")
	item.Client = &config.SSLClient{CA: ca.cert, Depth: 0}
	open := server("2", newPair(t, "open", key, false, nil), "a.com", "b.com")
	table, err := New([]*config.SSL{open, item})
	if err != nil {
		t.Fatal(err)
	}
	base := &tls.Config{}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return table.Config(base, hello) }
	tests := []struct {
		name string
		sni  string
		cert *pair
		ok   bool
	}{
		{"good", "a.com", &good, true},
		{"none", "a.com", nil, false},
		{"of another authority", "a.com", &stranger, false},
		{"chain too long", "a.com", &deep, false},
		{"not asked for", "b.com", nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conf := &tls.Config{ServerName: tt.sni}
			if tt.cert != nil {
				c := tt.cert.tls(t)
				conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &c, nil }
			}
			if _, err := handshake(t, base, conf); (err == nil) != tt.ok {
				t.Errorf("got %v, want success %v", err, tt.ok)
			}
		})
	}
	if _, err := table.Certificate(&tls.ClientHelloInfo{ServerName: "a.com"}); err == nil {
		t.Error("got a certificate without the check of the client's")
	}
}

func TestVersions(t *testing.T) {
	item := server("1", newPair(t, "server", ecKey(t), false, nil), "a.com")
	item.SSLProtocols = []string{"TLSv1.2"}
	table, err := New([]*config.SSL{item})
	if err != nil {
		t.Fatal(err)
	}
	base := &tls.Config{}
	base.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return table.Config(base, hello) }
	if _, err := handshake(t, base, &tls.Config{ServerName: "a.com", MinVersion: tls.VersionTLS13}); err == nil {
		t.Error("got TLS 1.3, want a refusal")
	}
	if _, err := handshake(t, base, &tls.Config{ServerName: "a.com"}); err != nil {
		t.Errorf("got %v, want TLS 1.2", err)
	}
}

func TestBadResources(t *testing.T) {
	p := newPair(t, "p", ecKey(t), false, nil)
	other := newPair(t, "other", ecKey(t), false, nil)
	bad := func(change func(*config.SSL)) *config.SSL {
		item := server("bad", p, "bad.com")
		change(item)
		return item
	}
	tests := []struct {
		name string
		item *config.SSL
		want string
	}{
		{"no PEM", bad(func(s *config.SSL) { s.Cert = "$secret://vault/1/cert" }), "ssl bad: certificate 1: tls: failed to find any PEM data"},
		{"wrong key", bad(func(s *config.SSL) { s.Key = other.key }), "private key does not match public key"},
		{"uneven pairs", bad(func(s *config.SSL) { s.Certs = []string{p.cert} }), "mismatched number of certs and keys"},
		{"second pair", bad(func(s *config.SSL) { s.Certs, s.Keys = []string{"x"}, []string{"y"} }), "certificate 2:"},
		{"no name", bad(func(s *config.SSL) { s.SNIs = nil }), "neither sni nor snis"},
		{"star inside", bad(func(s *config.SSL) { s.SNIs = []string{"ok.com", "*a.com"} }), `sni "*a.com"`},
		{"authority", bad(func(s *config.SSL) { s.Client = &config.SSLClient{CA: "x"} }), "client.ca"},
		{"version", bad(func(s *config.SSL) { s.SSLProtocols = []string{"SSLv3"} }), `unknown version "SSLv3"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			table, err := New([]*config.SSL{tt.item, server("good", p, "good.com")})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if got := table.Len(); got != 1 {
				t.Errorf("got %d names, want the good one", got)
			}
		})
	}
}

func BenchmarkCertificate(b *testing.B) {
	table := &Table{exact: map[string]*entry{}, wildcard: map[string]*entry{"test.com": {certs: make([]tls.Certificate, 1)}}}
	hello := &tls.ClientHelloInfo{ServerName: "a.test.com"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.find(hello.ServerName); err != nil {
			b.Fatal(err)
		}
	}
}
