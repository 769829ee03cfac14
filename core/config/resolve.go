package config

import "fmt"

// resolvePlugin puts the secrets into a plugin's configuration and tells whether the plugin may run with it. A consumer is not
// recognised by the text of a reference: without its secret the plugin is left out.
func (e *examination) resolvePlugin(name string, conf map[string]any, as SchemaType) bool {
	r := resolver{lookup: e.catalog.opts.Secrets}
	if r.lookup == nil {
		return true
	}
	r.resolve(conf)
	info, _ := e.catalog.Info(name)
	closed := info.Auth && as == SchemaConsumer
	consequence := "the reference itself is used"
	if closed {
		consequence = "nobody is recognised by it"
	}
	for _, u := range r.failed {
		e.warn(name, fmt.Sprintf("plugin %s of %s: %v; %s", name, e.key(), u, consequence))
	}
	return !closed || len(r.failed) == 0
}

// resolveCertificates puts the secrets into a certificate. What is missing makes it invalid.
func resolveCertificates(e *examination) error {
	r := resolver{lookup: e.catalog.opts.Secrets}
	for _, name := range []string{"cert", "key", "certs", "keys"} {
		if v, ok := e.doc[name]; ok {
			e.doc[name] = r.resolve(v)
		}
	}
	if client := field(e.doc, "client"); client["ca"] != nil {
		client["ca"] = r.resolve(client["ca"])
	}
	return r.err()
}

// resolveUpstream puts the secrets into the certificate that an upstream, or the one inside of a resource, shows.
func resolveUpstream(e *examination) error {
	tls := field(e.upstreamDoc(), "tls")
	if tls == nil {
		return nil
	}
	r := resolver{lookup: e.catalog.opts.Secrets}
	for _, name := range []string{"client_cert", "client_key"} {
		if v, ok := tls[name]; ok {
			tls[name] = r.resolve(v)
		}
	}
	return r.err()
}

func (r *resolver) err() error {
	if len(r.failed) == 0 {
		return nil
	}
	return r.failed[0]
}

// upstreamDoc returns the upstream that the document is or has, nil where there is none.
func (e *examination) upstreamDoc() map[string]any {
	if e.kind.Name == "upstreams" {
		return e.doc
	}
	return field(e.doc, "upstream")
}
