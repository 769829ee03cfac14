package settings

import (
	"log/slog"
	"net/netip"
	"time"
)

// Size is a number of bytes, written as nginx does: 1024, "8k", "1m", "2g".
type Size int64

// Nginx is the section "nginx_config", as far as it means something without nginx.
type Nginx struct {
	ErrorLogLevel   string        `key:"error_log_level" oneof:"debug,info,notice,warn,error,crit,alert,emerg"`
	WorkerProcesses int           `key:"worker_processes" auto:"true" min:"0" max:"4096"` // processors used; 0: all ("auto")
	ShutdownTimeout time.Duration `key:"worker_shutdown_timeout" min:"0s"`                // requests may take so long to end
	Envs            []string      `key:"envs"`                                            // NAME or NAME=value
	HTTP            NginxHTTP     `key:"http"`
	Stream          NginxStream   `key:"stream"`
}

// Level returns ErrorLogLevel as one of slog's: notice is info, and what is worse than an error is an error.
func (n *Nginx) Level() slog.Level {
	switch n.ErrorLogLevel {
	case "debug":
		return slog.LevelDebug
	case "info", "notice":
		return slog.LevelInfo
	case "warn":
		return slog.LevelWarn
	}
	return slog.LevelError
}

// NginxHTTP is the section "nginx_config.http".
type NginxHTTP struct {
	EnableAccessLog       bool   `key:"enable_access_log"`
	AccessLog             string `key:"access_log"` // path; relative ones are below the working directory
	AccessLogBuffer       Size   `key:"access_log_buffer" min:"0" max:"1073741824"`
	AccessLogFormat       string `key:"access_log_format"`
	AccessLogFormatEscape string `key:"access_log_format_escape" oneof:"default,json,none"`

	KeepaliveTimeout    time.Duration `key:"keepalive_timeout" min:"0s"`
	ClientHeaderTimeout time.Duration `key:"client_header_timeout" min:"1ms"`
	ClientBodyTimeout   time.Duration `key:"client_body_timeout" min:"1ms"` // between two reads
	ClientMaxBodySize   Size          `key:"client_max_body_size" min:"0"`  // 0: no limit
	SendTimeout         time.Duration `key:"send_timeout" min:"1ms"`        // between two writes
	UnderscoresHeaders  bool          `key:"underscores_in_headers"`

	RealIPHeader    string         `key:"real_ip_header"` // name of a header field, or "proxy_protocol"
	RealIPRecursive bool           `key:"real_ip_recursive"`
	RealIPFrom      []netip.Prefix `key:"real_ip_from" skip:"unix:"` // whose RealIPHeader counts

	ProxySSLServerName bool          `key:"proxy_ssl_server_name"` // send SNI to upstreams
	Upstream           NginxUpstream `key:"upstream"`
}

// NginxUpstream is about idle connections to upstreams.
type NginxUpstream struct {
	Keepalive         int           `key:"keepalive" min:"1"`          // idle connections kept
	KeepaliveRequests int           `key:"keepalive_requests" min:"1"` // requests of one connection
	KeepaliveTimeout  time.Duration `key:"keepalive_timeout" min:"0s"`
}

// NginxStream is the section "nginx_config.stream".
type NginxStream struct {
	EnableAccessLog       bool           `key:"enable_access_log"`
	AccessLog             string         `key:"access_log"`
	AccessLogFormat       string         `key:"access_log_format"`
	AccessLogFormatEscape string         `key:"access_log_format_escape" oneof:"default,json,none"`
	RealIPFrom            []netip.Prefix `key:"real_ip_from" skip:"unix:"` // whose PROXY protocol header counts
}
