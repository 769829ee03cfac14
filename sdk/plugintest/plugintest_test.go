package plugintest_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/polygate/polygate/sdk"
	"github.com/polygate/polygate/sdk/plugintest"
)

func TestReferenceConforms(t *testing.T) {
	plugintest.Conformance(t, func(*testing.T) sdk.Plugin { return plugintest.Reference() })
}

// capture is a plugin that keeps its last configuration.
type capture struct{ schema, conf string }

func (c *capture) Info() sdk.Info {
	return sdk.Info{Name: "capture", Schema: json.RawMessage(c.schema)}
}

func (c *capture) Configure(_ context.Context, conf json.RawMessage) (sdk.Hooks, error) {
	c.conf = string(conf)
	return sdk.Hooks{}, nil
}
