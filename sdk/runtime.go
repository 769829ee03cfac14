package sdk

import "context"

// Runtime turns the source of a plugin that is not compiled into the gateway into a [Plugin].
type Runtime interface {
	// Load makes a plugin of src. An error names the source, the cause and the remedy.
	Load(ctx context.Context, src Source) (Plugin, error)
	// Close ends every plugin that was loaded; it is called when no request uses one any more.
	Close() error
}

// Source is the source of a plugin: a file, or the text itself.
type Source struct {
	Name     string            // of the plugin
	Location string            // a path or URL, for error messages where Data is set
	Data     []byte            // the content, nil where the runtime reads Location itself
	Options  map[string]string // of the runtime
}
