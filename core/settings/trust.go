package settings

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Roots reads the certificates that servers of the gateway's own are verified with: etcd and managers of secrets. Nil are the
// system's.
func (s *SSL) Roots() (*x509.CertPool, error) {
	if s.TrustedCertificate == "system" || s.TrustedCertificate == "" {
		return nil, nil
	}
	text, err := os.ReadFile(s.TrustedCertificate)
	if err != nil {
		return nil, fmt.Errorf("apisix.ssl.ssl_trusted_certificate: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("apisix.ssl.ssl_trusted_certificate: there is no PEM certificate in %s", s.TrustedCertificate)
	}
	return roots, nil
}
