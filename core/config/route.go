package config

import "encoding/json"

// ID is the identifier of a resource. In JSON it is a string or an integer; here it is always the string.
type ID string

// UnmarshalJSON accepts a string or an integer; null is no id.
func (id *ID) UnmarshalJSON(b []byte) error {
	doc, err := decodeJSON(b)
	if err != nil || doc == nil {
		return err
	}
	return id.bind(doc)
}

// Plugins are the plugin configurations of a resource by the plugins' names.
type Plugins map[string]json.RawMessage

// Timeout are the time limits of one try to reach an upstream node, in seconds.
type Timeout struct {
	Connect float64 `json:"connect"`
	Send    float64 `json:"send"`
	Read    float64 `json:"read"`
}

// Meta is what all resources have. Unknown values are empty.
type Meta struct {
	ID         ID                `json:"id"`
	Name       string            `json:"name"`
	Desc       string            `json:"desc"`
	Labels     map[string]string `json:"labels"`
	CreateTime int64             `json:"create_time"` // seconds since 1970
	UpdateTime int64             `json:"update_time"` // seconds since 1970
}

// Route says which requests go where (apisix/schema_def.lua, _M.route).
type Route struct {
	Meta
	URI             string          `json:"uri"`
	URIs            []string        `json:"uris"`
	Priority        int             `json:"priority"`
	Methods         []string        `json:"methods"`
	Host            string          `json:"host"`
	Hosts           []string        `json:"hosts"`
	RemoteAddr      string          `json:"remote_addr"`
	RemoteAddrs     []string        `json:"remote_addrs"`
	Timeout         *Timeout        `json:"timeout"`
	Vars            json.RawMessage `json:"vars"`
	FilterFunc      string          `json:"filter_func"`
	Script          string          `json:"script"`
	ScriptID        ID              `json:"script_id"`
	Plugins         Plugins         `json:"plugins"`
	PluginConfigID  ID              `json:"plugin_config_id"`
	Upstream        *Upstream       `json:"upstream"`
	ServiceID       ID              `json:"service_id"`
	UpstreamID      ID              `json:"upstream_id"`
	EnableWebsocket *bool           `json:"enable_websocket"`
	Status          int             `json:"status"` // 1 in service, 0 not
}

// Service is what several routes have in common.
type Service struct {
	Meta
	Plugins         Plugins   `json:"plugins"`
	Upstream        *Upstream `json:"upstream"`
	UpstreamID      ID        `json:"upstream_id"`
	Script          string    `json:"script"`
	EnableWebsocket *bool     `json:"enable_websocket"`
	Hosts           []string  `json:"hosts"`
}

// PluginConfig is a set of plugins that routes refer to.
type PluginConfig struct {
	Meta
	Plugins Plugins `json:"plugins"`
}

// GlobalRule is a set of plugins that run for every request.
type GlobalRule struct {
	Meta
	Plugins Plugins `json:"plugins"`
}
