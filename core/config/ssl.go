package config

import "encoding/json"

// SSL is a certificate: shown to clients by their server name, or shown to upstreams (apisix/schema_def.lua, _M.ssl).
type SSL struct {
	Meta
	Type         string     `json:"type"` // server or client
	Cert         string     `json:"cert"` // PEM, or a reference to a secret
	Key          string     `json:"key"`  // PEM, encrypted, or a reference to a secret
	SNI          string     `json:"sni"`
	SNIs         []string   `json:"snis"`
	Certs        []string   `json:"certs"` // further certificates for the same names, such as one of another algorithm
	Keys         []string   `json:"keys"`  // one for each of Certs
	Client       *SSLClient `json:"client"`
	Status       int        `json:"status"` // 1 in service, 0 not
	SSLProtocols []string   `json:"ssl_protocols"`
}

// SSLClient says how clients prove who they are.
type SSLClient struct {
	CA               string   `json:"ca"` // PEM
	Depth            int      `json:"depth"`
	SkipMTLSURIRegex []string `json:"skip_mtls_uri_regex"`
}

// PluginMetadata is what all configurations of a plugin share. Its ID is the plugin's name.
type PluginMetadata struct {
	ID   ID              `json:"id"`
	Conf json.RawMessage `json:"-"` // without the id
}
