package ssl

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"github.com/polygate/polygate/core/config"
)

// add puts a resource into the table, under all of its names or under none.
func (t *Table) add(item *config.SSL) error {
	e, err := newEntry(item)
	if err != nil {
		return err
	}
	names := item.SNIs
	if len(names) == 0 && item.SNI != "" {
		names = []string{item.SNI}
	}
	if len(names) == 0 {
		return errors.New("it has neither sni nor snis")
	}
	for _, name := range names {
		if err := checkName(name); err != nil {
			return err
		}
	}
	for _, name := range names {
		t.put(canonical(name), e)
	}
	return nil
}

// checkName refuses stars that no server name could be compared with.
func checkName(name string) error {
	name = canonical(name)
	rest := strings.TrimPrefix(name, "*.")
	if name == "*" || rest != "" && !strings.Contains(rest, "*") {
		return nil
	}
	return fmt.Errorf("sni %q: a star stands for the whole name or for its first label", name)
}

func (t *Table) put(name string, e *entry) {
	parent, isWildcard := strings.CutPrefix(name, "*.")
	switch {
	case name == "*":
		t.any = t.any.join(e)
	case isWildcard:
		t.wildcard[parent] = t.wildcard[parent].join(e)
	default:
		t.exact[name] = t.exact[name].join(e)
	}
}

// join returns an entry with the certificates of both. It changes neither, because entries are shared between names.
func (e *entry) join(other *entry) *entry {
	if e == nil {
		return other
	}
	both := *e
	both.certs = append(append([]tls.Certificate(nil), e.certs...), other.certs...)
	if both.client == nil {
		// Whoever asks for client certificates gets them asked for: the order of resources must not open a door.
		both.client = other.client
	}
	return &both
}

func newEntry(item *config.SSL) (*entry, error) {
	if len(item.Certs) != len(item.Keys) {
		return nil, errors.New("mismatched number of certs and keys")
	}
	e := &entry{owner: string(item.ID)}
	certs := append([]string{item.Cert}, item.Certs...)
	keys := append([]string{item.Key}, item.Keys...)
	for i := range certs {
		pair, err := tls.X509KeyPair([]byte(certs[i]), []byte(keys[i]))
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		e.certs = append(e.certs, pair)
	}
	var err error
	if e.client, err = newClientAuth(item.Client); err != nil {
		return nil, err
	}
	if e.min, e.max, err = Versions(item.SSLProtocols); err != nil {
		return nil, err
	}
	return e, nil
}

func newClientAuth(c *config.SSLClient) (*clientAuth, error) {
	if c == nil {
		return nil, nil
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(c.CA)) {
		return nil, errors.New("client.ca holds no certificate in PEM form")
	}
	return &clientAuth{roots: roots, depth: c.Depth}, nil
}

// Versions returns the lowest and the highest of TLS versions by their names in configuration, for example "TLSv1.2"; 0 and 0 for none.
func Versions(names []string) (lowest, highest uint16, err error) {
	for _, name := range names {
		var v uint16
		switch name {
		case "TLSv1":
			v = tls.VersionTLS10
		case "TLSv1.1":
			v = tls.VersionTLS11
		case "TLSv1.2":
			v = tls.VersionTLS12
		case "TLSv1.3":
			v = tls.VersionTLS13
		default:
			return 0, 0, fmt.Errorf("ssl_protocols: unknown version %q", name)
		}
		if lowest == 0 || v < lowest {
			lowest = v
		}
		highest = max(highest, v)
	}
	return lowest, highest, nil
}
