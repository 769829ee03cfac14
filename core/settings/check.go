package settings

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Why refuse keys? They stand in APISIX's documentation and its old defaults: who has them in use has no key at all.
const (
	publicAdminKey  = "edd1c9f034335f136f87ad84b625c8f1"
	publicViewerKey = "4054f7cf07e344346cd3f287985e76a2"
)

// environment applies the variables that APISIX reads beside the file.
func (d *decoder) environment(s *Settings) {
	if text, ok := d.env("APISIX_DEPLOYMENT_ETCD_HOST"); ok {
		var hosts []string
		if err := json.Unmarshal([]byte(text), &hosts); err != nil {
			d.problems = append(d.problems, Problem{File: "environment variable APISIX_DEPLOYMENT_ETCD_HOST",
				Text: `expected a JSON list of URLs such as ["http://127.0.0.1:2379"], got ` + text})
		} else {
			s.Deployment.Etcd.Host = hosts
		}
	}
	if text, ok := d.env("APISIX_WORKER_PROCESSES"); ok && text != "auto" {
		var n int
		if _, err := fmt.Sscanf(text, "%d", &n); err != nil || n < 1 || n > 4096 {
			d.problems = append(d.problems, Problem{File: "environment variable APISIX_WORKER_PROCESSES",
				Text: `expected "auto" or a number from 1 to 4096, got ` + text})
		} else {
			s.Nginx.WorkerProcesses = n
		}
	}
}

// check looks at what one key alone cannot tell, and completes what keys take from each other.
func (d *decoder) check(s *Settings) {
	d.complete(s)
	d.checkTLS(&s.APISIX.SSL)
	d.checkKeyring(s.APISIX.DataEncryption.Keyring)
	d.checkZones(s.APISIX.ProxyCache.Zones)
	d.checkRole(s)
	d.checkAdmin(s)
	d.checkEtcd(s)
	d.checkLogs(s)
	d.checkMetrics(s)
	d.listeners(s)
}

func (d *decoder) checkTLS(s *SSL) {
	known := []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
	for _, p := range s.Protocols {
		if !slices.Contains(known, p) {
			d.failAt("apisix.ssl.ssl_protocols", fmt.Sprintf("%q is not one of %s", p, strings.Join(known, ", ")))
		}
	}
	if len(s.Protocols) == 0 {
		d.failAt("apisix.ssl.ssl_protocols", "at least one protocol is needed")
	}
}

func (d *decoder) checkKeyring(keys []string) {
	for _, key := range keys {
		if len(key) != 16 && len(key) != 32 {
			d.failAt("apisix.data_encryption.keyring", fmt.Sprintf("a key has %d bytes; 16 or 32 are needed", len(key)))
		}
	}
}

func (d *decoder) checkZones(zones []CacheZone) {
	names := map[string]bool{}
	for i, z := range zones {
		path := fmt.Sprintf("apisix.proxy_cache.zones[%d]", i)
		if names[z.Name] {
			d.failAt(path, fmt.Sprintf("a zone named %q is there already", z.Name))
		}
		names[z.Name] = true
		disk := []bool{z.DiskSize > 0, z.DiskPath != "", z.Levels != ""}
		if slices.Contains(disk, true) && slices.Contains(disk, false) {
			d.failAt(path, "a zone on disk needs disk_size, disk_path and cache_levels")
		}
	}
}

func (d *decoder) checkRole(s *Settings) {
	dep := &s.Deployment
	const suffix = ".config_provider"
	if dep.RoleTraditional.ConfigProvider != ProviderEtcd && dep.RoleTraditional.ConfigProvider != ProviderYAML {
		d.failAt("deployment.role_traditional"+suffix, "a traditional gateway takes etcd or yaml")
	}
	if dep.RoleControlPlane.ConfigProvider != ProviderEtcd {
		d.failAt("deployment.role_control_plane"+suffix, "a control plane takes etcd only")
	}
	if dep.RoleDataPlane.ConfigProvider == ProviderXDS {
		d.failAt("deployment.role_data_plane"+suffix, "xds is not supported; use etcd, yaml or json")
	}
	if dep.Role == RoleTraditional && dep.Provider() == ProviderYAML && !s.APISIX.EnableAdmin {
		// Nobody could configure it but by the file, which makes it a data plane. APISIX reads the file as well.
		dep.Role, dep.RoleDataPlane.ConfigProvider = RoleDataPlane, ProviderYAML
	}
	switch dep.Role {
	case RoleControlPlane:
		s.APISIX.EnableAdmin = true
	case RoleDataPlane, RoleStandalone:
		s.APISIX.EnableAdmin = false
		if dep.Store() == StoreEmbedded {
			d.failAt("deployment.role", "a data plane needs resources from elsewhere; name the hosts in deployment.etcd.host, "+
				"or set deployment.role_data_plane.config_provider to yaml")
		}
	}
}

func (d *decoder) checkAdmin(s *Settings) {
	admin := &s.Deployment.Admin
	if n := d.at["deployment.admin.admin_key"]; n != nil && isNull(n) {
		admin.KeyRequired = false
	}
	if !s.APISIX.EnableAdmin {
		return
	}
	for i, k := range admin.Keys {
		if k.Key == publicAdminKey || k.Key == publicViewerKey {
			d.failAt(fmt.Sprintf("deployment.admin.admin_key[%d].key", i),
				"this key is published in APISIX's documentation; use one of your own, or leave it empty to have one made")
		}
	}
	if admin.KeyRequired && len(admin.Keys) == 0 {
		d.failAt("deployment.admin.admin_key", "at least one key is needed, or admin_key_required: false")
	}
	if admin.HTTPS && (admin.MTLS.Cert == "" || admin.MTLS.Key == "") {
		d.failAt("deployment.admin.https_admin", "needs admin_api_mtls.admin_ssl_cert and admin_api_mtls.admin_ssl_cert_key")
	}
}

func (d *decoder) checkEtcd(s *Settings) {
	etcd := &s.Deployment.Etcd
	for _, host := range etcd.Host {
		u, err := url.Parse(host)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			d.failAt("deployment.etcd.host", fmt.Sprintf("%q is not a URL such as http://127.0.0.1:2379", host))
		}
	}
	if !strings.HasPrefix(etcd.Prefix, "/") {
		d.failAt("deployment.etcd.prefix", fmt.Sprintf("%q does not begin with a slash", etcd.Prefix))
	}
	if (etcd.TLS.Cert == "") != (etcd.TLS.Key == "") {
		d.failAt("deployment.etcd.tls", "cert and key belong together; one of them is missing")
	}
}

func (d *decoder) checkLogs(s *Settings) {
	http, stream := &s.Nginx.HTTP, &s.Nginx.Stream
	for path, file := range map[string]string{
		"nginx_config.http.access_log": http.AccessLog, "nginx_config.stream.access_log": stream.AccessLog,
	} {
		if strings.HasPrefix(file, "syslog:") {
			d.failAt(path, "a syslog server is not supported here; use the plugin syslog")
		}
	}
	// A format is often written as a block of YAML, which ends with a line feed.
	http.AccessLogFormat = strings.TrimRight(http.AccessLogFormat, "\r\n")
	stream.AccessLogFormat = strings.TrimRight(stream.AccessLogFormat, "\r\n")
}
