package describe

import (
	"bytes"
	"strings"

	"github.com/polygate/polygate/core/admin/document"
	"github.com/polygate/polygate/core/config"
)

// hidden is shown in place of a secret.
const hidden = "***"

// Redact removes every secret from a resource: what the kind keeps private, private keys wherever they are, and the secret
// fields of plugin configurations. The configuration of a plugin that is not in the catalog is removed altogether, because nobody
// can say what of it is secret.
func Redact(c *config.Catalog, kind *config.Kind, doc *document.Value) {
	for _, name := range kind.Private {
		doc.Delete(name)
	}
	if kind.Identity == config.ByPlugin {
		name, _ := doc.Get("id").Text()
		redactMetadata(c, name, doc)
	}
	for _, field := range privateFields(kind) {
		redactField(doc, strings.Split(field, "."))
	}
	plugins := doc.Get("plugins")
	plugins.Each(func(name string, conf *document.Value) bool {
		fields, ok := secretFields(c, name)
		if !ok {
			plugins.Set(name, document.Object())
			return true
		}
		for _, field := range fields {
			redactField(conf, strings.Split(field, "."))
		}
		return true
	})
	redactKeys(doc)
}

// privateFields are the secrets of a kind itself.
func privateFields(kind *config.Kind) []string {
	switch {
	case kind.Identity == config.ByManager:
		return []string{"token", "access_key_id", "secret_access_key", "session_token", "auth_config.private_key"}
	case kind.Name == "upstreams":
		return []string{"tls.client_key"}
	}
	return []string{"upstream.tls.client_key"}
}

func redactMetadata(c *config.Catalog, name string, doc *document.Value) {
	fields, ok := secretFields(c, name)
	if !ok {
		doc.Each(func(member string, _ *document.Value) bool {
			if member != "id" {
				doc.Delete(member)
			}
			return true
		})
		return
	}
	for _, field := range fields {
		redactField(doc, strings.Split(field, "."))
	}
}

func secretFields(c *config.Catalog, name string) ([]string, bool) {
	info, ok := c.Info(name)
	return info.SecretFields, ok
}

// redactField hides the value that a path leads to. An array on the way stands for each of its elements.
func redactField(v *document.Value, path []string) {
	for _, item := range v.Items() {
		redactField(item, path)
	}
	next := v.Get(path[0])
	switch {
	case next == nil:
		return
	case len(path) > 1:
		redactField(next, path[1:])
		return
	}
	v.Set(path[0], blank(next))
}

// blank returns a value of the same shape in which every scalar is hidden.
func blank(v *document.Value) *document.Value {
	switch {
	case v.IsObject():
		v.Each(func(name string, value *document.Value) bool {
			v.Set(name, blank(value))
			return true
		})
		return v
	case v.IsArray():
		for i, item := range v.Items() {
			v.SetItem(i, blank(item))
		}
		return v
	}
	return document.String(hidden)
}

// redactKeys hides private keys in PEM form anywhere in a document.
func redactKeys(v *document.Value) {
	v.Each(func(name string, value *document.Value) bool {
		if holdsKey(value) {
			v.Set(name, document.String(hidden))
			return true
		}
		redactKeys(value)
		return true
	})
	for i, item := range v.Items() {
		if holdsKey(item) {
			v.SetItem(i, document.String(hidden))
			continue
		}
		redactKeys(item)
	}
}

func holdsKey(v *document.Value) bool {
	if v.Kind() != "string" {
		return false
	}
	text, _ := v.Text()
	return bytes.Contains([]byte(text), []byte("PRIVATE KEY-----"))
}
