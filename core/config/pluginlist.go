package config

// PluginList are the plugins that the gateways of a cluster enable, instead of the list in their files.
type PluginList struct {
	Plugins []ListedPlugin `json:"plugins"`
}

// ListedPlugin is one plugin of a [PluginList].
type ListedPlugin struct {
	Name   string `json:"name"`
	Stream bool   `json:"stream"` // a plugin of layer 4
}

func (*PluginList) setID(ID) {}

// pluginList checks the list, which examination holds as a property of an object.
func pluginList(e *examination) error { return e.schema(e.kind.SchemaName, e.doc["plugins"]) }
