// Package settings reads config.yaml, the file that says how a gateway process runs: its listeners, its store, its plugins.
//
// The file is APISIX 3.18's, key for key, with a section "polygate" for what APISIX does not have. A key that neither knows is an
// error with its line and a suggestion; a key that
// is known but has no meaning here is accepted with a warning. All that is wrong with a file is reported at once.
package settings

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Settings are the contents of config.yaml over the defaults. They are not changed after they were read.
type Settings struct {
	APISIX        APISIX                     `key:"apisix"`
	Nginx         Nginx                      `key:"nginx_config"`
	Deployment    Deployment                 `key:"deployment"`
	GraphQL       GraphQL                    `key:"graphql"`
	Plugins       []string                   `key:"plugins"`        // the plugins in use; APISIX's list where the file has none
	StreamPlugins []string                   `key:"stream_plugins"` // those in use for layer 4
	PluginAttr    map[string]json.RawMessage `key:"plugin_attr"`    // JSON object by plugin, merged over APISIX's defaults
	ExtPlugin     ExtPlugin                  `key:"ext-plugin"`
	Wasm          Wasm                       `key:"wasm"`
	Discovery     map[string]json.RawMessage `key:"discovery"` // JSON by kind of discovery
	XRPC          json.RawMessage            `key:"xrpc"`      // JSON, nil where there is none
	Polygate      Polygate                   `key:"polygate"`

	// File is the path that the settings were read from, empty for [Default].
	File string `key:"-"`
	// Warnings are about keys that the file has and that do nothing here, in order of line.
	Warnings []Problem `key:"-"`
}

// Polygate is what APISIX does not have.
type Polygate struct {
	// UnknownPlugins says what becomes of a resource in the store that has a plugin that nobody knows or that is not enabled: with
	// skip it is served without the plugin, as by APISIX, and with reject it is not served in that form. Either is shown by the
	// Control API and as a metric.
	UnknownPlugins string `key:"unknown_plugins" oneof:"skip,reject"`
	// AdminServer is the Server field of the Admin API's answers. Clients choose features by the version of APISIX in it.
	AdminServer string `key:"admin_server_header"`
	// AdminKeyAnywhere lets clients of the Admin API give their key in the query (api_key) or in a cookie (x_api_key) as well, where
	// it is more easily logged and stolen than in the header field X-API-KEY.
	AdminKeyAnywhere bool `key:"admin_key_anywhere"`
}

// Values of [Polygate.UnknownPlugins].
const (
	UnknownSkip   = "skip"
	UnknownReject = "reject"
)

// GraphQL limits GraphQL requests.
type GraphQL struct {
	MaxSize int64 `key:"max_size" min:"1"` // bytes of a body
}

// ExtPlugin says how the runner for ext-plugin-* is started.
type ExtPlugin struct {
	Cmd         []string `key:"cmd"`           // argument vector; empty: none is started
	PathForTest string   `key:"path_for_test"` // path of the socket of a runner that is already there
}

// Wasm lists the WebAssembly plugins.
type Wasm struct {
	Plugins []WasmPlugin `key:"plugins"`
}

// WasmPlugin is one WebAssembly plugin.
type WasmPlugin struct {
	Name             string `key:"name" required:"true"`
	File             string `key:"file" required:"true"` // path of the module
	Priority         int    `key:"priority" required:"true"`
	HTTPRequestPhase string `key:"http_request_phase" oneof:"access,rewrite"` // empty: access
}

// Env looks up an environment variable, as [os.LookupEnv] does.
type Env = func(name string) (string, bool)

// Load reads the file at path. A file that does not exist is an error that wraps [os.ErrNotExist]; what is wrong with its
// contents comes as [Problems].
func Load(path string, env Env) (*Settings, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return Parse(path, data, env)
}

// Parse reads settings from data; name is the file's name in errors. A nil env has no variables.
//
// Text of the form ${{NAME}} or ${{NAME:=default}} in keys and values is replaced by the environment variable. Objects are merged with
// the defaults, lists replace them. A null empties a list or a map and leaves anything else at its default.
func Parse(name string, data []byte, env Env) (*Settings, error) {
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	s := Default()
	s.File = name
	d := newDecoder(name, env)
	if root := d.parse(data); root != nil {
		d.settings(root, s)
	}
	d.environment(s)
	d.check(s)
	if err := d.err(); err != nil {
		return nil, err
	}
	s.Warnings = d.sortedWarnings()
	return s, nil
}

// Standalone returns the path of the file with the resources, apisix.yaml or apisix.json beside config.yaml.
func (s *Settings) Standalone() string {
	name := "apisix.yaml"
	if s.Deployment.Provider() == ProviderJSON {
		name = "apisix.json"
	}
	return filepath.Join(filepath.Dir(s.File), name)
}
