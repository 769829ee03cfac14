package config

import (
	"encoding/json"
	"fmt"
)

// PluginMeta is the part of a plugin's configuration that is the gateway's: its property "_meta".
type PluginMeta struct {
	Disable       bool            `json:"disable"`        // the plugin does not run
	Priority      *int            `json:"priority"`       // instead of the plugin's own
	Filter        json.RawMessage `json:"filter"`         // an expression: the plugin runs only for requests that it matches
	ErrorResponse json.RawMessage `json:"error_response"` // a string or an object: the body of the plugin's answers from status 400 on
	PreFunction   string          `json:"pre_function"`   // Lua that runs before each of the plugin's hooks
}

// SplitMeta returns the meta part of a plugin's configuration; a configuration without one has the zero PluginMeta.
func SplitMeta(conf json.RawMessage) (PluginMeta, error) {
	doc, err := decodeJSON(conf)
	if err != nil {
		return PluginMeta{}, err
	}
	object, _ := doc.(map[string]any)
	meta := object["_meta"]
	if meta == nil {
		return PluginMeta{}, nil
	}
	var m PluginMeta
	if err := bind(&m, meta); err != nil {
		return PluginMeta{}, fmt.Errorf("_meta: %w", err)
	}
	return m, nil
}

// disabled tells whether a plugin's configuration switches it off, which excuses what else is wrong with it.
func disabled(conf map[string]any) bool {
	return field(conf, "_meta")["disable"] == true
}
