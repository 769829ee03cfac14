package config

import (
	"net/http"
	"sync"
)

const trafficSplitUpstream = "plugins.traffic-split.rules[].weighted_upstreams[].upstream_id"

// kindTable is the table of all kinds. A new kind is a row here, a schema and a type.
var kindTable = sync.OnceValue(func() []*Kind {
	crud := []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete}
	crudNoPost := []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete}
	putOnly := []string{http.MethodGet, http.MethodPut, http.MethodDelete}
	kinds := []*Kind{
		{
			Name: "ssls", Singular: "ssl", SchemaName: "ssl", Methods: crud, Timestamps: true,
			Private: []string{"key", "keys"},
			write:   []rule{schemaRule, certificates},
			load:    []rule{schemaRule, certificateCount, lowerHosts},
			make:    func() resource { return new(SSL) },
		},
		{
			Name: "upstreams", Singular: "upstream", SchemaName: "upstream", Methods: crud, Timestamps: true,
			References:    []Reference{{Path: "tls.client_cert_id", Kind: "ssls", Type: "client"}},
			DeleteRefusal: "can not delete this upstream",
			write:         []rule{upstreamRule, references},
			load:          []rule{schemaRule, loadedUpstream},
			make:          func() resource { return new(Upstream) },
		},
		{
			Name: "services", Singular: "service", SchemaName: "service", Methods: crud, Timestamps: true,
			References: []Reference{
				{Path: "upstream.tls.client_cert_id", Kind: "ssls", Type: "client"},
				{Path: "upstream_id", Kind: "upstreams"},
				{Path: trafficSplitUpstream, Kind: "upstreams", Plugin: true},
			},
			DeleteRefusal: "can not delete this service directly",
			write:         []rule{schemaRule, inlineUpstream, references, pluginRule},
			load:          []rule{schemaRule, pluginRule, lowerHosts},
			make:          func() resource { return new(Service) },
		},
		{
			Name: "plugin_configs", Singular: "plugin config", SchemaName: "plugin_config", Methods: crudNoPost, Timestamps: true,
			References:    []Reference{{Path: trafficSplitUpstream, Kind: "upstreams", Plugin: true}},
			DeleteRefusal: "can not delete this plugin config",
			write:         []rule{schemaRule, pluginRule},
			load:          []rule{schemaRule, pluginRule},
			make:          func() resource { return new(PluginConfig) },
		},
		{
			Name: "routes", Singular: "route", SchemaName: "route", Methods: crud, Timestamps: true,
			References: []Reference{
				{Path: "upstream.tls.client_cert_id", Kind: "ssls", Type: "client"},
				{Path: "upstream_id", Kind: "upstreams"},
				{Path: "service_id", Kind: "services"},
				{Path: "plugin_config_id", Kind: "plugin_configs"},
				{Path: trafficSplitUpstream, Kind: "upstreams", Plugin: true},
			},
			write: []rule{oneHost, oneRemoteAddr, schemaRule, inlineUpstream, references, pluginRule, routeVars},
			load:  []rule{schemaRule, pluginRule, routeVars, lowerHosts},
			make:  func() resource { return new(Route) },
		},
		{
			Name: "consumers", Singular: "consumer", SchemaName: "consumer", Methods: putOnly, Timestamps: true,
			Identity:   ByName,
			References: []Reference{{Path: trafficSplitUpstream, Kind: "upstreams", Plugin: true}},
			write:      []rule{schemaRule, username, consumerPlugins, uniqueCredentials, references},
			load:       []rule{schemaRule, consumerPlugins},
			make:       func() resource { return new(Consumer) },
		},
		{
			Name: "global_rules", Singular: "global rule", SchemaName: "global_rule", Methods: crudNoPost, Timestamps: true,
			References: []Reference{{Path: trafficSplitUpstream, Kind: "upstreams", Plugin: true}},
			write:      []rule{schemaRule, pluginRule, onlyGlobalRule},
			load:       []rule{schemaRule, pluginRule},
			make:       func() resource { return new(GlobalRule) },
		},
		{
			Name: "plugin_metadata", Singular: "plugin_metadata", Methods: putOnly,
			Identity: ByPlugin,
			write:    []rule{metadataRule},
			load:     []rule{loadedMetadata},
			make:     func() resource { return new(PluginMetadata) },
		},
	}
	nameReferences(kinds)
	return kinds
})

// nameReferences gives each reference the name that messages have for what it refers to.
func nameReferences(kinds []*Kind) {
	names := make(map[string]string, len(kinds))
	for _, k := range kinds {
		names[k.Name] = k.Singular
	}
	for _, k := range kinds {
		for i := range k.References {
			k.References[i].name = names[k.References[i].Kind]
		}
	}
}
