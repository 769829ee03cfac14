package admin

import (
	"strings"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

// Keyring encrypts and decrypts what is stored encrypted. It is safe for concurrent use.
type Keyring interface {
	Encrypt(plain string) (string, error)
	// Decrypt reports false for a text that none of the keys has encrypted.
	Decrypt(text string) (string, bool)
}

// sealer encrypts what of a document is stored encrypted, as APISIX does, and decrypts it again.
type sealer struct {
	keyring     Keyring // nil: nothing is encrypted
	catalog     *config.Catalog
	plainFields bool // only private keys are encrypted
}

// seal encrypts the private keys and the secret fields of a document that has been checked, by the key under which it is stored.
func (s *sealer) seal(kind *config.Kind, key string, doc *document.Value) error {
	if s.keyring == nil {
		return nil
	}
	var failed error
	encrypt := func(plain string) (string, bool) {
		text, err := s.keyring.Encrypt(plain)
		if err != nil {
			failed = err
		}
		return text, err == nil
	}
	if kind.Name == "ssls" {
		for _, name := range kind.Private {
			transform(doc, name, onlyPEM(encrypt))
		}
	}
	transformPath(upstreamOf(kind, doc), "tls.client_key", onlyPEM(encrypt))
	// Why not the fields of a stream route? APISIX stores them as they come, and it would not read them otherwise.
	if kind.Name != "stream_routes" && !s.plainFields {
		s.fields(kind, key, doc, encrypt)
	}
	return failed
}

// open decrypts the secret fields of a stored document. What cannot be decrypted stays as it is: it was stored before it was secret,
// or its key is gone.
func (s *sealer) open(kind *config.Kind, key string, doc *document.Value) {
	s.fields(kind, key, doc, s.decrypt)
}

func (s *sealer) decrypt(text string) (string, bool) {
	if s.keyring == nil || s.plainFields {
		return "", false
	}
	return s.keyring.Decrypt(text)
}

// fields changes the secret fields of the plugins that a document configures.
func (s *sealer) fields(kind *config.Kind, key string, doc *document.Value, change func(string) (string, bool)) {
	if kind.Identity == config.ByPlugin {
		// Not the property "id", which other programs need not write.
		s.plugin(strings.TrimPrefix(key, kind.Name+"/"), doc, change)
		return
	}
	doc.Get("plugins").Each(func(name string, conf *document.Value) bool {
		s.plugin(name, conf, change)
		return true
	})
}

func (s *sealer) plugin(name string, conf *document.Value, change func(string) (string, bool)) {
	info, _ := s.catalog.Info(name)
	for _, path := range info.SecretFields {
		transformPath(conf, path, change)
	}
}

// upstreamOf returns the upstream that a document is or has, nil where there is none.
func upstreamOf(kind *config.Kind, doc *document.Value) *document.Value {
	if kind.Name == "upstreams" {
		return doc
	}
	return doc.Get("upstream")
}

// onlyPEM leaves alone what is not a private key in PEM form: references to secrets, and keys that are encrypted already.
func onlyPEM(encrypt func(string) (string, bool)) func(string) (string, bool) {
	return func(text string) (string, bool) {
		if !isPEM(text) {
			return "", false
		}
		return encrypt(text)
	}
}

func isPEM(text string) bool { return strings.HasPrefix(text, "---") }

// transformPath changes the strings at the end of a path whose names are separated by dots. An array on the way stands for each of
// its elements.
func transformPath(v *document.Value, path string, change func(string) (string, bool)) {
	name, rest, more := strings.Cut(path, ".")
	if !more {
		transform(v, name, change)
		return
	}
	next := v.Get(name)
	for _, item := range next.Items() {
		transformPath(item, rest, change)
	}
	transformPath(next, rest, change)
}

// transform changes a member that is a string, and the strings of one that is an array or an object of them.
func transform(v *document.Value, name string, change func(string) (string, bool)) {
	value := v.Get(name)
	if text, ok := changed(value, change); ok {
		v.Set(name, text)
		return
	}
	for i, item := range value.Items() {
		if text, ok := changed(item, change); ok {
			value.SetItem(i, text)
		}
	}
	value.Each(func(key string, item *document.Value) bool {
		if text, ok := changed(item, change); ok {
			value.Set(key, text)
		}
		return true
	})
}

func changed(v *document.Value, change func(string) (string, bool)) (*document.Value, bool) {
	if v.Kind() != "string" {
		return nil, false
	}
	plain, _ := v.Text()
	text, ok := change(plain)
	if !ok {
		return nil, false
	}
	return document.String(text), true
}
