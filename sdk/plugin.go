// Package sdk is the contract between polygate and its plugins.
//
// A plugin is a value of type [Plugin]: a description ([Info]) and a function that turns one configuration into a table
// of functions, one per phase ([Hooks]). Everything a hook may do to a request goes through the [Exchange] that it is
// given. The same source can be compiled into the gateway, served as a process of its own, or built to WebAssembly;
// this package therefore needs only the standard library, and not net/http.
//
// Nothing that an Exchange hands out may be used after the hook has returned, except strings: they are immutable and may be kept.
package sdk

import (
	"context"
	"encoding/json"
)

// Plugin is one way of treating requests, configured any number of times.
//
// Both methods may be called from several goroutines at once.
type Plugin interface {
	// Info describes the plugin. It always returns the same value.
	Info() Info
	// Configure compiles one configuration, which has passed Info().Schema and has its defaults filled in. It is called
	// once per configuration version, never on the request path; [ScopeOf] tells for whom. An error rejects
	// that configuration and leaves the one before it in service.
	Configure(ctx context.Context, conf json.RawMessage) (Hooks, error)
}

// Info describes a plugin.
type Info struct {
	Name     string // as it appears in configuration, for example "key-auth"
	Version  string // of the plugin, for example "0.1"
	Priority int    // plugins of one phase run from the highest priority to the lowest

	Schema         json.RawMessage // JSON schema of a configuration; nil accepts any object
	ConsumerSchema json.RawMessage // JSON schema of the plugin's part of a consumer; nil where consumers have none
	MetadataSchema json.RawMessage // JSON schema of the plugin's metadata; nil accepts any object

	// Auth marks a plugin that finds the consumer of a request. It runs before a consumer's own plugins are known.
	Auth bool
	// CredentialField names the property of a consumer's configuration by which [Consumers.Find] looks consumers up,
	// for example "key" for key-auth. Values are unique among all consumers. Empty for plugins without credentials.
	CredentialField string
	// SecretFields are the properties of a configuration that are stored encrypted and never shown to viewers.
	SecretFields []string
	// PreferRoute makes a plugin of a route replace the same plugin of a global rule, instead of both running.
	PreferRoute bool
}

// Hooks are the functions of one configured plugin. A nil hook costs nothing: its phase does not call the plugin.
//
// A hook returns nil to go on, the error of [Exchange.Exit] to answer the request itself, and any other error to fail
// the request. Hooks are called from many goroutines at once, one request never from two.
type Hooks struct {
	Rewrite      func(Exchange) error         // before authentication: change the request, find the consumer
	Access       func(Exchange) error         // after it: let pass or refuse
	BeforeProxy  func(Exchange) error         // before every try to reach an upstream node
	HeaderFilter func(Exchange) error         // once per response, also for one made by a plugin or by the gateway
	BodyFilter   func(Exchange, *Chunk) error // for every piece of the response's body
	Log          func(Exchange)               // after the response has been sent
	Close        func() error                 // when the configuration is no longer in use by any request
}

// Scope tells a plugin for whom it is being configured.
type Scope struct {
	Resource string          // the owner of the configuration, for example "routes/1"; stable across versions
	Version  string          // of the owner; changes with every change of it
	Metadata json.RawMessage // the plugin's metadata, nil where there is none
	Attr     json.RawMessage // the plugin's entry under plugin_attr of config.yaml as JSON, nil where there is none
}

type scopeKey struct{}

// WithScope returns a context that carries s to [Plugin.Configure].
func WithScope(ctx context.Context, s Scope) context.Context {
	return context.WithValue(ctx, scopeKey{}, s)
}

// ScopeOf returns the scope of a call to [Plugin.Configure], or the zero Scope outside of one.
func ScopeOf(ctx context.Context) Scope {
	s, _ := ctx.Value(scopeKey{}).(Scope)
	return s
}
