package config

import (
	"encoding/json"
)

// Upstream is a set of nodes and how to use them (apisix/schema_def.lua, upstream_schema).
type Upstream struct {
	Meta
	Type          string          `json:"type"`
	Nodes         Nodes           `json:"nodes"`
	Scheme        string          `json:"scheme"`
	Retries       *int            `json:"retries"`       // further tries; nil: one for each other node
	RetryTimeout  float64         `json:"retry_timeout"` // seconds for all tries, 0: no limit
	Timeout       *Timeout        `json:"timeout"`
	PassHost      string          `json:"pass_host"` // pass, node or rewrite
	UpstreamHost  string          `json:"upstream_host"`
	KeepalivePool *KeepalivePool  `json:"keepalive_pool"`
	HashOn        string          `json:"hash_on"`
	Key           string          `json:"key"`
	Checks        json.RawMessage `json:"checks"`
	ServiceName   string          `json:"service_name"`
	DiscoveryType string          `json:"discovery_type"`
	DiscoveryArgs json.RawMessage `json:"discovery_args"`
	TLS           *UpstreamTLS    `json:"tls"`
}

// KeepalivePool bounds the idle connections to the nodes of an upstream.
type KeepalivePool struct {
	Size        int     `json:"size"`         // idle connections kept
	IdleTimeout float64 `json:"idle_timeout"` // seconds, 0: no limit
	Requests    int     `json:"requests"`     // per connection
}

// UpstreamTLS is the client side of TLS towards the nodes.
type UpstreamTLS struct {
	ClientCertID ID     `json:"client_cert_id"`
	ClientCert   string `json:"client_cert"` // PEM
	ClientKey    string `json:"client_key"`  // PEM
	Verify       bool   `json:"verify"`
}

// Node is one address of an upstream.
type Node struct {
	Host     string          `json:"host"` // a name, an IPv4 address, or an IPv6 address in brackets
	Port     int             `json:"port"` // 0: the scheme's default
	Weight   int             `json:"weight"`
	Priority int             `json:"priority"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// Nodes are the nodes of an upstream. In JSON they are an array of nodes or an object of weights by "host:port"; nil: absent.
type Nodes []Node
