package settings

import (
	"net"
	"net/netip"
	"strconv"
	"time"
)

// The values of router.http: what requests are matched by.
const (
	RouterHostURI          = "radixtree_host_uri"
	RouterURI              = "radixtree_uri"
	RouterURIWithParameter = "radixtree_uri_with_parameter"
)

// APISIX is the section "apisix": the gateway itself.
type APISIX struct {
	ID                 string      `key:"id"` // of the gateway; empty: made on the first start
	NodeListen         []Listener  `key:"node_listen" split:"one"`
	SSL                SSL         `key:"ssl"`
	EnableHTTP2        bool        `key:"enable_http2"`
	EnableIPv6         bool        `key:"enable_ipv6"`
	ProxyProtocol      ProxyProto  `key:"proxy_protocol"`
	ProxyMode          string      `key:"proxy_mode" oneof:"http,stream,http&stream"`
	StreamProxy        StreamProxy `key:"stream_proxy"`
	EnableAdmin        bool        `key:"enable_admin"` // always false on a data plane, always true on a control plane
	EnableControl      bool        `key:"enable_control"`
	Control            Control     `key:"control"`
	Status             Address     `key:"status"`
	Router             Router      `key:"router"`
	EnableServerTokens bool        `key:"enable_server_tokens"` // the Server field has the version

	ShowUpstreamStatus      bool `key:"show_upstream_status_in_response_header"`
	DeleteURITailSlash      bool `key:"delete_uri_tail_slash"`
	NormalizeURILikeServlet bool `key:"normalize_uri_like_servlet"`
	MatchURIEncodedSlash    bool `key:"match_uri_encoded_slash"`
	MaxPostArgsSize         int  `key:"max_post_args_readable_size" min:"0" max:"1048576"` // MiB; 0: no limit

	DNSResolver      []string      `key:"dns_resolver"` // addresses; empty: those of the system
	DNSResolverValid time.Duration `key:"dns_resolver_valid"`
	ResolverTimeout  time.Duration `key:"resolver_timeout" min:"1ms"`
	ResolvSearch     bool          `key:"enable_resolv_search_opt"`

	TrustedAddresses           []netip.Prefix `key:"trusted_addresses"` // whose X-Forwarded-* count
	DataEncryption             Encryption     `key:"data_encryption"`
	DisableUpstreamHealthcheck bool           `key:"disable_upstream_healthcheck"`
	ProxyCache                 ProxyCache     `key:"proxy_cache"`
	LRU                        LRU            `key:"lru"`
	Tracing                    bool           `key:"tracing"`
	ExtraLuaPath               string         `key:"extra_lua_path"`
	LuaModuleHook              string         `key:"lua_module_hook"`
}

// HTTP tells whether the gateway serves HTTP.
func (a *APISIX) HTTP() bool { return a.ProxyMode != "stream" }

// Stream tells whether the gateway serves layer 4.
func (a *APISIX) Stream() bool { return a.ProxyMode != "http" }

// Address is where one of the gateway's servers listens.
type Address struct {
	IP   string `key:"ip" is:"ip"`
	Port int    `key:"port" min:"0" max:"65535"` // 0: any free one
}

// String returns the address in the form that [net.Listen] takes.
func (a Address) String() string { return join(a.IP, a.Port) }

// Control is where the Control API listens.
type Control struct {
	IP     string `key:"ip" is:"ip"`
	Port   int    `key:"port" min:"0" max:"65535"`
	Router string `key:"router"` // kind of the router of plugins' own control paths
}

// String returns the address in the form that [net.Listen] takes.
func (c Control) String() string { return join(c.IP, c.Port) }

// Listener is a listening address for requests.
type Listener struct {
	IP            string // empty: all addresses, of IPv6 too; 0.0.0.0: those of IPv4
	Port          int    // 0: any free one
	HTTP2         bool
	HTTP3         bool
	ProxyProtocol bool // connections begin with a PROXY protocol header
}

// String returns the address in the form that [net.Listen] takes.
func (l Listener) String() string { return join(l.IP, l.Port) }

func join(ip string, port int) string { return net.JoinHostPort(ip, strconv.Itoa(port)) }

// SSL is about TLS with clients.
type SSL struct {
	Enable             bool       `key:"enable"`
	Listen             []Listener `key:"listen"`
	Protocols          []string   `key:"ssl_protocols" split:" "` // TLSv1.2, TLSv1.3 …
	Ciphers            []string   `key:"ssl_ciphers" split:":"`   // names of OpenSSL
	SessionTickets     bool       `key:"ssl_session_tickets"`
	TrustedCertificate string     `key:"ssl_trusted_certificate"` // path of a PEM file, or "system"
	FallbackSNI        string     `key:"fallback_sni"`            // for clients that send none
}

// ProxyProto says where the PROXY protocol is spoken.
type ProxyProto struct {
	ListenHTTPPort        int  `key:"listen_http_port" min:"0" max:"65535"` // 0: none
	ListenHTTPSPort       int  `key:"listen_https_port" min:"0" max:"65535"`
	EnableTCPPP           bool `key:"enable_tcp_pp"`             // on every stream_proxy.tcp port
	EnableTCPPPToUpstream bool `key:"enable_tcp_pp_to_upstream"` // likewise towards upstreams
}

// StreamProxy lists the listening addresses of layer 4.
type StreamProxy struct {
	TCP []StreamListener `key:"tcp"`
	UDP []StreamListener `key:"udp"`
}

// StreamListener is a listening address of layer 4, or a range of them.
type StreamListener struct {
	IP              string // empty: all addresses
	Port            int    // the first
	LastPort        int    // equal to Port where it is not a range
	TLS             bool
	ProxyProtocol   bool // connections begin with a PROXY protocol header
	ProxyToUpstream bool // so do those to the upstream
}

// Router chooses how requests are matched to routes.
type Router struct {
	HTTP string `key:"http" oneof:"radixtree_host_uri,radixtree_uri,radixtree_uri_with_parameter"`
	SSL  string `key:"ssl" oneof:"radixtree_sni"`
}

// Encryption is how secrets are kept in the store.
type Encryption struct {
	EnableEncryptFields bool     `key:"enable_encrypt_fields"`
	Keyring             []string `key:"keyring" split:"one"` // 16 or 32 bytes each; the first encrypts, all decrypt
}

// ProxyCache lists the zones of the plugin proxy-cache.
type ProxyCache struct {
	CacheTTL time.Duration `key:"cache_ttl"`
	Zones    []CacheZone   `key:"zones"`
}

// CacheZone is one cache.
type CacheZone struct {
	Name       string `key:"name" required:"true"`
	MemorySize Size   `key:"memory_size" required:"true"`
	DiskSize   Size   `key:"disk_size"`
	DiskPath   string `key:"disk_path"`    // empty: in memory
	Levels     string `key:"cache_levels"` // such as "1:2"
}

// LRU sizes caches.
type LRU struct {
	Secret LRUSecret `key:"secret"`
}

// LRUSecret sizes the cache of secrets.
type LRUSecret struct {
	TTL      time.Duration `key:"ttl" min:"0s"`
	Count    int           `key:"count" min:"1"`
	NegTTL   time.Duration `key:"neg_ttl" min:"0s"` // of secrets that could not be read
	NegCount int           `key:"neg_count" min:"1"`
}
