package config

import (
	"net/http"
	"sync"
)

// Where plugins refer to other resources.
const (
	trafficSplitUpstream = "plugins.traffic-split.rules[].weighted_upstreams[].upstream_id"
	transcodeProto       = "plugins.grpc-transcode.proto_id"
)

// kindTable is the table of all kinds. A new kind is a row here, a schema and a type.
var kindTable = sync.OnceValue(func() []*Kind {
	crud := []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodPatch, http.MethodDelete}
	noPost := []string{http.MethodGet, http.MethodPut, http.MethodPatch, http.MethodDelete}
	noPatch := []string{http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete}
	putOnly := []string{http.MethodGet, http.MethodPut, http.MethodDelete}
	split := Reference{Path: trafficSplitUpstream, Kind: "upstreams", Plugin: true}
	proto := Reference{Path: transcodeProto, Kind: "protos", Plugin: true, bare: true}
	certificate := Reference{Path: "upstream.tls.client_cert_id", Kind: "ssls", Type: "client"}
	kinds := []*Kind{
		{
			Name: "plugins", Singular: "plugins", SchemaName: "plugins", Identity: Single,
			write: []rule{pluginList},
			load:  []rule{pluginList},
			make:  func() resource { return new(PluginList) },
		},
		{
			Name: "secrets", Singular: "secret", Methods: noPost, Timestamps: true, Identity: ByManager,
			write: []rule{secretManager},
			load:  []rule{secretManager},
			make:  func() resource { return new(Secret) },
		},
		{
			// Why no refusal? APISIX deletes a certificate that an upstream shows, and tools delete in an order that relies on it.
			Name: "ssls", Singular: "ssl", SchemaName: "ssl", Methods: crud, Timestamps: true,
			Private: []string{"key", "keys"},
			write:   []rule{schemaRule, certificates},
			load:    []rule{decryptKeys, schemaRule, certificateCount, lowerHosts, resolveCertificates},
			make:    func() resource { return new(SSL) },
		},
		{
			Name: "upstreams", Singular: "upstream", SchemaName: "upstream", Methods: crud, Timestamps: true,
			References:    []Reference{{Path: "tls.client_cert_id", Kind: "ssls", Type: "client"}},
			DeleteRefusal: "can not delete this upstream",
			write:         []rule{upstreamRule, references},
			load:          []rule{decryptUpstream, schemaRule, loadedUpstream, resolveUpstream},
			make:          func() resource { return new(Upstream) },
		},
		{
			Name: "protos", Singular: "proto", SchemaName: "proto", Methods: noPatch, Timestamps: true,
			DeleteRefusal: "can not delete this proto",
			write:         []rule{schemaRule, protoContent},
			load:          []rule{schemaRule},
			make:          func() resource { return new(Proto) },
		},
		{
			Name: "services", Singular: "service", SchemaName: "service", Methods: crud, Timestamps: true,
			References:    []Reference{certificate, {Path: "upstream_id", Kind: "upstreams"}, split, proto},
			DeleteRefusal: "can not delete this service directly",
			write:         []rule{schemaRule, inlineUpstream, references, pluginRule},
			load:          []rule{decryptUpstream, schemaRule, pluginRule, lowerHosts, resolveUpstream},
			make:          func() resource { return new(Service) },
		},
		{
			Name: "graphql_cost_decorations", Singular: "graphql cost decoration", SchemaName: "graphql_cost_decoration",
			Methods: crud, Timestamps: true, Parent: "services",
			write: []rule{decorationOwner, schemaRule},
			load:  []rule{schemaRule},
			make:  func() resource { return new(GraphQLCostDecoration) },
		},
		{
			Name: "plugin_configs", Singular: "plugin config", SchemaName: "plugin_config", Methods: noPost, Timestamps: true,
			References:    []Reference{split},
			DeleteRefusal: "can not delete this plugin config",
			write:         []rule{schemaRule, pluginRule},
			load:          []rule{schemaRule, pluginRule},
			make:          func() resource { return new(PluginConfig) },
		},
		{
			Name: "routes", Singular: "route", SchemaName: "route", Methods: crud, Timestamps: true,
			References: []Reference{
				certificate,
				{Path: "upstream_id", Kind: "upstreams"},
				{Path: "service_id", Kind: "services"},
				{Path: "plugin_config_id", Kind: "plugin_configs"},
				split, proto,
			},
			write: []rule{oneHost, oneRemoteAddr, schemaRule, inlineUpstream, references, pluginRule, routeVars},
			load:  []rule{decryptUpstream, schemaRule, pluginRule, routeVars, lowerHosts, resolveUpstream},
			make:  func() resource { return new(Route) },
		},
		{
			Name: "consumer_groups", Singular: "consumer group", SchemaName: "consumer_group", Methods: noPost, Timestamps: true,
			References:    []Reference{split},
			DeleteRefusal: "can not delete this consumer group",
			write:         []rule{schemaRule, pluginRule},
			load:          []rule{schemaRule, pluginRule},
			make:          func() resource { return new(ConsumerGroup) },
		},
		{
			Name: "consumers", Singular: "consumer", SchemaName: "consumer", Methods: putOnly, Timestamps: true,
			Identity:   ByName,
			References: []Reference{{Path: "group_id", Kind: "consumer_groups"}, split},
			write:      []rule{schemaRule, username, consumerPlugins, uniqueCredentials, references},
			load:       []rule{schemaRule, consumerPlugins},
			make:       func() resource { return new(Consumer) },
		},
		{
			Name: "credentials", Singular: "credential", SchemaName: "credential", Methods: putOnly, Timestamps: true,
			Parent: "consumers",
			write:  []rule{schemaRule, consumerPlugins, onlyAuthPlugins, uniqueCredentials},
			load:   []rule{schemaRule, consumerPlugins},
			make:   func() resource { return new(Credential) },
		},
		{
			Name: "global_rules", Singular: "global rule", SchemaName: "global_rule", Methods: noPost, Timestamps: true,
			References: []Reference{split},
			write:      []rule{schemaRule, pluginRule, onlyGlobalRule},
			load:       []rule{schemaRule, pluginRule},
			make:       func() resource { return new(GlobalRule) },
		},
		{
			Name: "stream_routes", Singular: "stream route", SchemaName: "stream_route", Methods: noPatch, Timestamps: true,
			References: []Reference{
				{Path: "upstream_id", Kind: "upstreams"},
				{Path: "service_id", Kind: "services"},
				{Path: "protocol.superior_id", Kind: "stream_routes", own: true, tail: "is still using it as superior_id"},
			},
			DeleteRefusal: "can not delete this stream route directly",
			write:         []rule{schemaRule, references, superiorRoute, streamPlugins, streamAddresses, streamProtocol},
			load:          []rule{decryptUpstream, schemaRule, streamPlugins, streamAddresses, streamProtocol, lowerHosts, resolveUpstream},
			make:          func() resource { return new(StreamRoute) },
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
