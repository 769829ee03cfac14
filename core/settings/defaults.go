package settings

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"
)

// AccessLogFormat is APISIX's format of the access log.
const AccessLogFormat = `$remote_addr - $remote_user [$time_local] $http_host "$request" $status $body_bytes_sent ` +
	`$request_time "$http_referer" "$http_user_agent" $upstream_addr $upstream_status $upstream_response_time ` +
	`"$upstream_scheme://$upstream_host$upstream_uri" "$apisix_request_id"`

const streamLogFormat = `$remote_addr [$time_local] $protocol $status $bytes_sent $bytes_received $session_time`

const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 " +
	"ECDHE-RSA-AES256-GCM-SHA384 ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 " +
	"DHE-RSA-AES128-GCM-SHA256 DHE-RSA-AES256-GCM-SHA384"

// Names of the plugins that APISIX enables unless told otherwise.
const pluginNames = "real-ip ai client-control proxy-buffering proxy-control request-id zipkin ext-plugin-pre-req " +
	"fault-injection mocking serverless-pre-function cors ip-restriction ua-restriction referer-restriction csrf " +
	"uri-blocker request-validation chaitin-waf multi-auth openid-connect saml-auth cas-auth authz-casbin " +
	"authz-casdoor wolf-rbac ldap-auth-advanced ldap-auth hmac-auth basic-auth jwt-auth jwe-decrypt key-auth " +
	"dingtalk-auth feishu-auth acl consumer-restriction attach-consumer-label forward-auth opa authz-keycloak " +
	"data-mask proxy-cache body-transformer ai-prompt-template ai-prompt-decorator ai-prompt-guard ai-rag " +
	"ai-rate-limiting ai-proxy-multi ai-proxy ai-cache ai-aws-content-moderation ai-aliyun-content-moderation " +
	"ai-lakera-guard proxy-mirror graphql-proxy-cache proxy-rewrite workflow api-breaker graphql-limit-count " +
	"limit-conn limit-count limit-req gzip traffic-label traffic-split redirect response-rewrite oas-validator " +
	"mcp-bridge degraphql kafka-proxy grpc-transcode grpc-web http-dubbo public-api prometheus datadog lago " +
	"loki-logger elasticsearch-logger echo loggly http-logger splunk-hec-logging skywalking-logger " +
	"google-cloud-logging sls-logger tcp-logger kafka-logger rocketmq-logger syslog udp-logger file-logger " +
	"clickhouse-logger tencent-cloud-cls inspect example-plugin aws-lambda azure-functions openwhisk openfunction " +
	"serverless-post-function ext-plugin-post-req ext-plugin-post-resp ai-request-rewrite"

// Default returns the settings of an empty config.yaml. They are APISIX's, except that the Admin API listens on the loopback
// interface and lets no pages of other sites call it, that a request's header must come within 10 seconds, and that etcd runs within
// the process.
func Default() *Settings {
	s := &Settings{
		APISIX:        defaultAPISIX(),
		Nginx:         defaultNginx(),
		Deployment:    defaultDeployment(),
		GraphQL:       GraphQL{MaxSize: 1 << 20},
		Plugins:       strings.Fields(pluginNames),
		StreamPlugins: strings.Fields("ip-restriction limit-conn mqtt-proxy syslog traffic-split"),
		PluginAttr:    defaultPluginAttr(),
		Discovery:     map[string]json.RawMessage{},
		Polygate:      Polygate{UnknownPlugins: UnknownSkip, AdminServer: "APISIX/3.18.0"},
	}
	return s
}

func defaultAPISIX() APISIX {
	return APISIX{
		NodeListen:         []Listener{{Port: 9080, HTTP2: true}},
		EnableHTTP2:        true,
		EnableIPv6:         true,
		ProxyMode:          "http",
		EnableAdmin:        true,
		EnableControl:      true,
		Control:            Control{IP: "127.0.0.1", Port: 9090},
		Status:             Address{IP: "127.0.0.1", Port: 7085},
		Router:             Router{HTTP: RouterHostURI, SSL: "radixtree_sni"},
		EnableServerTokens: true,
		MaxPostArgsSize:    64,
		ResolverTimeout:    5 * time.Second,
		ResolvSearch:       true,
		DataEncryption: Encryption{
			EnableEncryptFields: true,
			Keyring:             []string{"qeddd145sfvddff3", "edd1c9f0985e76a2"},
		},
		SSL: SSL{
			Enable:             true,
			Listen:             []Listener{{Port: 9443, HTTP2: true}},
			Protocols:          []string{"TLSv1.2", "TLSv1.3"},
			Ciphers:            strings.Fields(ciphers),
			TrustedCertificate: "system",
		},
		ProxyCache: ProxyCache{
			CacheTTL: 10 * time.Second,
			Zones: []CacheZone{
				{Name: "disk_cache_one", MemorySize: 50 << 20, DiskSize: 1 << 30, DiskPath: "/tmp/disk_cache_one", Levels: "1:2"},
				{Name: "memory_cache", MemorySize: 50 << 20},
			},
		},
		LRU: LRU{Secret: LRUSecret{TTL: 300 * time.Second, Count: 512, NegTTL: 60 * time.Second, NegCount: 512}},
	}
}

func defaultNginx() Nginx {
	return Nginx{
		ErrorLogLevel:   "warn",
		ShutdownTimeout: 240 * time.Second,
		HTTP: NginxHTTP{
			EnableAccessLog:       true,
			AccessLog:             "logs/access.log",
			AccessLogBuffer:       16384,
			AccessLogFormat:       AccessLogFormat,
			AccessLogFormatEscape: "default",
			KeepaliveTimeout:      60 * time.Second,
			ClientHeaderTimeout:   10 * time.Second,
			ClientBodyTimeout:     60 * time.Second,
			SendTimeout:           10 * time.Second,
			UnderscoresHeaders:    true,
			RealIPHeader:          "X-Real-IP",
			RealIPFrom:            []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
			ProxySSLServerName:    true,
			Upstream:              NginxUpstream{Keepalive: 320, KeepaliveRequests: 1000, KeepaliveTimeout: 60 * time.Second},
		},
		Stream: NginxStream{
			AccessLog:             "logs/access_stream.log",
			AccessLogFormat:       streamLogFormat,
			AccessLogFormatEscape: "default",
		},
	}
}

func defaultDeployment() Deployment {
	return Deployment{
		Role:             RoleTraditional,
		RoleTraditional:  RoleProvider{ConfigProvider: ProviderEtcd},
		RoleControlPlane: RoleProvider{ConfigProvider: ProviderEtcd},
		RoleDataPlane:    RoleProvider{ConfigProvider: ProviderEtcd},
		Admin: Admin{
			KeyRequired: true,
			Keys:        []AdminKey{{Name: "admin", Role: "admin"}},
			EnableCORS:  false,
			Allow:       []netip.Prefix{netip.MustParsePrefix("127.0.0.0/24")},
			Listen:      Address{IP: "127.0.0.1", Port: 9180},
			APIVersion:  "v3",
		},
		Etcd: Etcd{
			Prefix:      "/apisix",
			Timeout:     30 * time.Second,
			ResyncDelay: 5 * time.Second,
			TLS:         EtcdTLS{Verify: true},
		},
	}
}

func defaultPluginAttr() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"ai-proxy":    json.RawMessage(`{"http_client":"ngx_http_ffi_client"}`),
		"log-rotate":  json.RawMessage(`{"timeout":10000,"interval":3600,"max_kept":168,"max_size":-1,"enable_compression":false}`),
		"dubbo-proxy": json.RawMessage(`{"upstream_multiplex_count":32}`),
		"inspect":     json.RawMessage(`{"delay":3,"hooks_file":"/usr/local/apisix/plugin_inspect_hooks.lua"}`),
		"opentelemetry": json.RawMessage(`{"trace_id_source":"x-request-id","resource":{"service.name":"APISIX"},` +
			`"collector":{"address":"127.0.0.1:4318","request_timeout":3,"request_headers":{"Authorization":"token"}},` +
			`"batch_span_processor":{"drop_on_queue_full":false,"max_queue_size":1024,"batch_timeout":2,` +
			`"inactive_timeout":1,"max_export_batch_size":16},"set_ngx_var":false}`),
		"prometheus": json.RawMessage(`{"export_uri":"/apisix/prometheus/metrics","metric_prefix":"apisix_",` +
			`"enable_export_server":true,"export_addr":{"ip":"127.0.0.1","port":9091},"refresh_interval":15}`),
		"proxy-mirror": json.RawMessage(`{"timeout":{"connect":"60s","read":"60s","send":"60s"}}`),
		"server-info":  json.RawMessage(`{"report_ttl":60}`),
		"skywalking": json.RawMessage(`{"service_name":"APISIX","service_instance_name":"APISIX Instance Name",` +
			`"endpoint_addr":"http://127.0.0.1:12800","report_interval":3}`),
		"zipkin": json.RawMessage(`{"set_ngx_var":false}`),
	}
}
