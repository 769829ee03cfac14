package config

import (
	"bytes"
	"slices"
	"strings"
)

// Keyring encrypts what is stored, with keys that the gateways of a cluster share. It is safe for concurrent use.
type Keyring interface {
	// Encrypt returns a text that Decrypt turns into plain again.
	Encrypt(plain string) (string, error)
	// Decrypt returns the plain text and whether it was encrypted with one of the keys.
	Decrypt(text string) (plain string, ok bool)
}

// SecretFields returns the properties of an enabled plugin's configurations that are stored encrypted, in the form of
// [sdk.Info.SecretFields]: names separated by dots. On the way an array stands for each of its items; at the end the strings of an
// array or of an object are encrypted one by one (apisix/plugin.lua, process_encrypt_field).
func (c *Catalog) SecretFields(plugin string) []string {
	info, _ := c.Info(plugin)
	return slices.Clone(info.SecretFields)
}

// References is [References] for a value with encrypted fields: it finds the references in them, too.
func (c *Catalog) References(kind, key string, value []byte) []string {
	refs := References(value)
	k, ok := KindOf(kind)
	if !ok || c.opts.Keyring == nil || !c.mayHoldSecrets(value) {
		return refs
	}
	doc, err := decodeJSON(value)
	if err != nil {
		return refs
	}
	e := newExamination(k, key, c)
	if e.doc, ok = object(doc); !ok {
		return refs
	}
	e.decryptAll()
	return appendReferences(refs, e.doc)
}

// mayHoldSecrets tells cheaply that a value has no encrypted field of a plugin.
func (c *Catalog) mayHoldSecrets(value []byte) bool {
	for _, name := range c.in.Load().secretive {
		if bytes.Contains(value, []byte(name)) {
			return true
		}
	}
	return false
}

// decryptAll decrypts the plugins' fields of a document.
func (e *examination) decryptAll() {
	if e.kind.Identity == ByPlugin {
		e.catalog.decryptConf(e.id, e.doc)
	}
	for name, conf := range field(e.doc, "plugins") {
		e.catalog.decryptConf(name, conf)
	}
}

// decryptConf decrypts the secret fields of a plugin's configuration. What is not encrypted stays as it is.
func (c *Catalog) decryptConf(plugin string, conf any) {
	object, ok := conf.(map[string]any)
	if c.opts.Keyring == nil || !ok {
		return
	}
	info, _ := c.Info(plugin)
	for _, path := range info.SecretFields {
		mapField(object, path, c.decrypt)
	}
}

func (c *Catalog) decrypt(text string) string {
	if plain, ok := c.opts.Keyring.Decrypt(text); ok {
		return plain
	}
	return text
}

// mapField replaces the strings to which a path leads.
func mapField(conf map[string]any, path string, f func(string) string) {
	name, rest, more := strings.Cut(path, ".")
	if !more {
		if v, ok := conf[name]; ok {
			conf[name] = mapStrings(v, f)
		}
		return
	}
	switch v := conf[name].(type) {
	case map[string]any:
		mapField(v, rest, f)
	case []any:
		for _, item := range v {
			if object, ok := item.(map[string]any); ok {
				mapField(object, rest, f)
			}
		}
	}
}

// mapStrings replaces a string, or the strings directly inside of an array or object.
func mapStrings(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		for i, item := range v {
			if s, ok := item.(string); ok {
				v[i] = f(s)
			}
		}
	case map[string]any:
		for name, item := range v {
			if s, ok := item.(string); ok {
				v[name] = f(s)
			}
		}
	}
	return v
}

// decryptKeys decrypts the private keys of a certificate.
func decryptKeys(e *examination) error {
	for _, name := range []string{"key", "keys"} {
		if v, ok := e.doc[name]; ok {
			e.doc[name] = mapStrings(v, e.catalog.decryptKey)
		}
	}
	return nil
}

// decryptUpstream decrypts the private key that an upstream, or the one inside of a resource, shows.
func decryptUpstream(e *examination) error {
	if tls := field(e.upstreamDoc(), "tls"); tls["client_key"] != nil {
		tls["client_key"] = mapStrings(tls["client_key"], e.catalog.decryptKey)
	}
	return nil
}

// decryptKey returns a private key as PEM, or the text itself where it cannot.
func (c *Catalog) decryptKey(key string) string {
	if c.opts.Keyring == nil || strings.HasPrefix(key, "---") || isSecretRef(key) {
		return key
	}
	return c.decrypt(key)
}
