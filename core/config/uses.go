package config

import (
	"bytes"
	"slices"
	"strings"
)

// PluginUses returns the keys of the resources, for example "upstreams/1", that the plugin configurations in a stored value of this
// kind refer to. Where no such plugin is configured, it costs a look through the bytes.
func (k *Kind) PluginUses(value []byte) []string {
	var keys []string
	var doc any
	for _, ref := range k.References {
		if !ref.Plugin || !bytes.Contains(value, pluginOf(ref.Path)) {
			continue
		}
		if doc == nil {
			var err error
			if doc, err = decodeJSON(value); err != nil {
				return nil
			}
		}
		for v := range walk(doc, ref.Path) {
			if id, ok := idText(v); ok && !slices.Contains(keys, ref.Kind+"/"+id) {
				keys = append(keys, ref.Kind+"/"+id)
			}
		}
	}
	return keys
}

// pluginOf returns the name of the plugin in a path such as "plugins.grpc-transcode.proto_id".
func pluginOf(path string) []byte {
	_, rest, _ := strings.Cut(path, ".")
	name, _, _ := strings.Cut(rest, ".")
	return []byte(name)
}
