package settings

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Metrics says where and how metrics are exported: plugin_attr.prometheus.
type Metrics struct {
	Enabled bool // a server of their own exports them
	Address Address
	URI     string // path of the metrics
	Prefix  string // of their names
}

// Metrics returns how metrics are exported. Enabled is false where the plugin prometheus is not in use.
func (s *Settings) Metrics() Metrics {
	m, err := s.metrics()
	if err != nil {
		return Metrics{}
	}
	return m
}

// metrics is Metrics, with an error that a file cannot have once it was read.
func (s *Settings) metrics() (Metrics, error) {
	var attr struct {
		Enable bool   `json:"enable_export_server"`
		URI    string `json:"export_uri"`
		Prefix string `json:"metric_prefix"`
		Addr   struct {
			IP   string `json:"ip"`
			Port int    `json:"port"`
		} `json:"export_addr"`
	}
	text, ok := s.PluginAttr["prometheus"]
	if !ok {
		return Metrics{}, nil
	}
	if err := json.Unmarshal(text, &attr); err != nil {
		return Metrics{}, fmt.Errorf("not the attributes of prometheus: %w", err)
	}
	if attr.Addr.Port < 0 || attr.Addr.Port > 65535 {
		return Metrics{}, fmt.Errorf("the port %d is not between 0 and 65535", attr.Addr.Port)
	}
	return Metrics{
		Enabled: attr.Enable && (slices.Contains(s.Plugins, "prometheus") || slices.Contains(s.StreamPlugins, "prometheus")),
		Address: Address{IP: attr.Addr.IP, Port: attr.Addr.Port},
		URI:     attr.URI,
		Prefix:  attr.Prefix,
	}, nil
}

func (d *decoder) checkMetrics(s *Settings) {
	m, err := s.metrics()
	if err != nil {
		d.failAt("plugin_attr.prometheus", err.Error())
		return
	}
	if m.Enabled && !strings.HasPrefix(m.URI, "/") {
		d.failAt("plugin_attr.prometheus", fmt.Sprintf("export_uri %q does not begin with a slash", m.URI))
	}
}
