// Package forwardauth is the plugin forward-auth: it asks an authorization service over HTTP whether a request may pass.
package forwardauth

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "forward-auth", Version: "0.1", Priority: 2002, Schema: schema}
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(_ context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	f, err := newForwardAuth(&conf)
	if err != nil {
		return sdk.Hooks{}, err
	}
	return sdk.Hooks{Access: f.access, Close: f.service.close}, nil
}

type config struct {
	URI              string          `json:"uri"`
	Degradation      bool            `json:"allow_degradation"`
	StatusOnError    int             `json:"status_on_error"`
	Verify           bool            `json:"ssl_verify"`
	Method           string          `json:"request_method"`
	MaxBody          int64           `json:"max_req_body_size"`
	RequestHeaders   []string        `json:"request_headers"`
	ExtraHeaders     json.RawMessage `json:"extra_headers"`
	UpstreamHeaders  []string        `json:"upstream_headers"`
	ClientHeaders    []string        `json:"client_headers"`
	Timeout          int64           `json:"timeout"`
	Keepalive        bool            `json:"keepalive"`
	KeepaliveTimeout int64           `json:"keepalive_timeout"`
	KeepalivePool    int             `json:"keepalive_pool"`
}
