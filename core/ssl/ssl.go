// Package ssl chooses the certificate of a TLS handshake by the server name that the client asks for.
package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/polygate/polygate/core/config"
)

// ErrNoCertificate is the error of a handshake for a name that has no certificate. It comes wrapped.
var ErrNoCertificate = errors.New("no certificate for this server name")

// Table holds certificates by server name. It never changes and is safe for concurrent use; its zero value holds none.
type Table struct {
	exact    map[string]*entry
	wildcard map[string]*entry // by what follows "*."
	any      *entry            // of "*", nil where there is none
	fallback string            // for clients that send no name
}

// entry is what one server name is served with.
type entry struct {
	certs  []tls.Certificate
	client *clientAuth // nil: clients need no certificate
	owner  string      // id of the ssl resource that came first
	min    uint16      // TLS versions, 0: the listener's
	max    uint16
}

// clientAuth says which client certificates are good.
type clientAuth struct {
	roots *x509.CertPool
	depth int // intermediate certificates at most
}

// New makes a table of the resources that are in service and of type server. A bad one is left out and reported; the errors name
// the resources and are joined. The table is never nil and holds all good ones.
//
// Several resources may have the same name: their certificates are tried in order, and the first one rules over client
// certificates and TLS versions.
func New(items []*config.SSL) (*Table, error) {
	t := &Table{exact: map[string]*entry{}, wildcard: map[string]*entry{}}
	var errs []error
	for _, item := range items {
		if item.Type == "client" || item.Status == 0 {
			continue
		}
		if err := t.add(item); err != nil {
			errs = append(errs, fmt.Errorf("ssl %s: %w", item.ID, err))
		}
	}
	return t, errors.Join(errs...)
}

// WithFallback returns a table that serves clients which send no server name as if they had sent this one (fallback_sni). An
// empty name refuses them, as does the table that [New] makes.
func (t *Table) WithFallback(sni string) *Table {
	other := *t
	other.fallback = canonical(sni)
	return &other
}

// Certificate returns the certificate for a handshake: that of the exact name, else of the wildcard that replaces the first
// label, else of "*". Of several it is the first that the client supports. It fits [tls.Config.GetCertificate].
//
// Why is it an error for names that ask for client certificates? Only [Table.Config] can check those, and a listener that
// forgets it must not stand open.
func (t *Table) Certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	e, err := t.find(hello.ServerName)
	if err != nil {
		return nil, err
	}
	if e.client != nil {
		return nil, fmt.Errorf("ssl %s: the listener cannot check client certificates", e.owner)
	}
	return e.pick(hello), nil
}

// Config returns a copy of base that serves one handshake: with the certificate for its name, the TLS versions that its ssl
// resource allows, and the check of the client's certificate. It is meant for [tls.Config.GetConfigForClient].
func (t *Table) Config(base *tls.Config, hello *tls.ClientHelloInfo) (*tls.Config, error) {
	e, err := t.find(hello.ServerName)
	if err != nil {
		return nil, err
	}
	c := base.Clone()
	c.GetConfigForClient = nil
	c.Certificates = nil
	c.GetCertificate = func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) { return e.pick(hello), nil }
	if e.min != 0 {
		c.MinVersion, c.MaxVersion = e.min, e.max
	}
	if e.client != nil {
		c.ClientAuth = tls.RequireAndVerifyClientCert
		c.ClientCAs = e.client.roots
		c.VerifyConnection = e.client.verify
		// A session that was made under other rules must not be resumed under these.
		c.SessionTicketsDisabled = true
	}
	return c, nil
}

// Len returns the number of server names.
func (t *Table) Len() int {
	n := len(t.exact) + len(t.wildcard)
	if t.any != nil {
		n++
	}
	return n
}

func (t *Table) find(sni string) (*entry, error) {
	name := canonical(sni)
	if name == "" {
		name = t.fallback
	}
	if name == "" {
		return nil, fmt.Errorf("%w: the client sent no name and there is no fallback_sni", ErrNoCertificate)
	}
	if e := t.exact[name]; e != nil {
		return e, nil
	}
	if _, parent, ok := strings.Cut(name, "."); ok {
		if e := t.wildcard[parent]; e != nil {
			return e, nil
		}
	}
	if t.any != nil {
		return t.any, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNoCertificate, name)
}

// pick returns the first certificate that the client supports, else the first one: then the handshake says what is wrong.
func (e *entry) pick(hello *tls.ClientHelloInfo) *tls.Certificate {
	if len(e.certs) == 1 {
		return &e.certs[0]
	}
	// Why without the name? The resource says what it is for; whether the certificate names it too is for the client to judge.
	anonymous := *hello
	anonymous.ServerName = ""
	for i := range e.certs {
		if anonymous.SupportsCertificate(&e.certs[i]) == nil {
			return &e.certs[i]
		}
	}
	return &e.certs[0]
}

// verify checks the length of the chain; that the chain is good has been checked before.
func (c *clientAuth) verify(state tls.ConnectionState) error {
	for _, chain := range state.VerifiedChains {
		if len(chain) <= c.depth+2 {
			return nil
		}
	}
	return fmt.Errorf("the client's certificate chain has more than %d intermediate certificates", c.depth)
}

// canonical returns a name as it is compared: in lower case and without the dot at the end.
func canonical(name string) string {
	return strings.ToLower(strings.TrimSuffix(name, "."))
}
