package settings

import "strings"

const (
	snippet    = "configuration of nginx cannot be applied, there is no nginx here"
	sharedDict = "memory is shared within the process, there are no zones to size"
	scheduler  = "the Go runtime sees to it"
	follower   = "one watch with probes and back-off follows etcd, see timeout and resync_delay"
)

// ignoredKeys returns the keys of APISIX that have no meaning here, and why. Below them anything is accepted.
func ignoredKeys() map[string]string {
	return map[string]string{
		"apisix.enable_dev_mode":                         "set nginx_config.worker_processes instead",
		"apisix.enable_reuseport":                        "one process accepts all connections",
		"apisix.extra_lua_cpath":                         "Lua modules in C cannot be loaded",
		"apisix.disable_sync_configuration_during_start": "the gateway serves its last good configuration while it starts",
		"apisix.worker_startup_time_threshold":           "there are no worker processes",
		"deployment.admin.enable_admin_ui":               "there is no dashboard here",
		"apisix.data_encryption.enable":                  "enable_encrypt_fields and keyring say what is encrypted",
		"deployment.etcd.use_grpc":                       "etcd is always reached over gRPC",
		"deployment.etcd.watch_timeout":                  follower,
		"deployment.etcd.health_check_timeout":           follower,
		"deployment.etcd.startup_retry":                  follower,

		"nginx_config.user":                                       "start the process as the user that it shall run as",
		"nginx_config.error_log":                                  "logs go to standard error",
		"nginx_config.enable_cpu_affinity":                        scheduler,
		"nginx_config.worker_rlimit_nofile":                       "the limit of open files is raised as far as the system allows",
		"nginx_config.max_pending_timers":                         scheduler,
		"nginx_config.max_running_timers":                         scheduler,
		"nginx_config.event":                                      scheduler,
		"nginx_config.meta":                                       sharedDict,
		"nginx_config.main_configuration_snippet":                 snippet,
		"nginx_config.http_configuration_snippet":                 snippet,
		"nginx_config.http_server_configuration_snippet":          snippet,
		"nginx_config.http_server_location_configuration_snippet": snippet,
		"nginx_config.http_admin_configuration_snippet":           snippet,
		"nginx_config.http_end_configuration_snippet":             snippet,
		"nginx_config.stream_configuration_snippet":               snippet,
		"nginx_config.http.lua_shared_dict":                       sharedDict,
		"nginx_config.http.custom_lua_shared_dict":                sharedDict,
		"nginx_config.http.charset":                               "Content-Type is left as the upstream sends it",
		"nginx_config.http.variables_hash_max_size":               "variables are not kept in a table of fixed size",
		"nginx_config.stream.lua_shared_dict":                     sharedDict,
		"nginx_config.stream.metrics_zone_size":                   sharedDict,
	}
}

// movedKeys returns keys of APISIX 2 and where they are in APISIX 3.
func movedKeys() map[string]string {
	return map[string]string{
		"etcd":                        "deployment.etcd",
		"apisix.admin_key":            "deployment.admin.admin_key",
		"apisix.allow_admin":          "deployment.admin.allow_admin",
		"apisix.admin_listen":         "deployment.admin.admin_listen",
		"apisix.admin_api_mtls":       "deployment.admin.admin_api_mtls",
		"apisix.admin_api_version":    "deployment.admin.admin_api_version",
		"apisix.enable_admin_cors":    "deployment.admin.enable_admin_cors",
		"apisix.https_admin":          "deployment.admin.https_admin",
		"apisix.port_admin":           "deployment.admin.admin_listen.port",
		"apisix.config_center":        "deployment.role_data_plane.config_provider",
		"apisix.ssl.listen_port":      "apisix.ssl.listen",
		"apisix.ssl.key_encrypt_salt": "apisix.data_encryption.keyring",
		"apisix.ssl.enable_http2":     "apisix.enable_http2",
	}
}

// blankSnippet tells whether a snippet has nothing but comments, as those in the example that comes with APISIX.
func blankSnippet(s string) bool {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false
		}
	}
	return true
}
