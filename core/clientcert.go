package core

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/polygate/polygate/core/config"
)

// clientCert is what the gateway shows to the nodes of an upstream. Its address tells connections made with it from others.
type clientCert struct {
	cert, key string // PEM
	pair      tls.Certificate
}

// certLookup finds the certificate and key of an ssl of the type client by its id, both as PEM.
type certLookup func(id string) (cert, key string, err error)

// loadCert takes the certificate of an upstream. One that has not changed stays the same, and with it the connections. A reference to
// an ssl that is not there is the fault of requests, as in APISIX: it may still come.
func (t *target) loadCert(c *config.UpstreamTLS, certs certLookup, before *clientCert) (err error) {
	if c == nil {
		return nil
	}
	cert, key, from := c.ClientCert, c.ClientKey, "tls.client_cert"
	if cert == "" && c.ClientCertID != "" {
		from = "tls.client_cert_id"
		if cert, key, err = certs(string(c.ClientCertID)); err != nil {
			t.fault = &Fault{Source: FaultGateway, Status: http.StatusBadGateway, Op: "find the client certificate of the upstream",
				Public: "the client certificate of the upstream does not exist", Err: fmt.Errorf("%s: %w", from, err)}
			return nil
		}
	}
	switch {
	case cert == "":
		return nil
	case before != nil && before.cert == cert && before.key == key:
		t.cert = before
		return nil
	}
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	t.cert = &clientCert{cert: cert, key: key, pair: pair}
	return nil
}

// clientCert is the builder's certLookup. The caller holds mu.
func (b *builder) clientCert(id string) (cert, key string, err error) {
	r := b.byKind["ssls"][id]
	if r == nil {
		return "", "", fmt.Errorf("there is no ssl %q", id)
	}
	s := r.value.(*config.SSL)
	if s.Type != "client" {
		return "", "", errors.New("ssl " + id + " is not of the type client")
	}
	return s.Cert, s.Key, nil
}
