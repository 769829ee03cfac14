// Package cors is the plugin cors: it tells browsers which other sites may use a route (the Fetch Standard's CORS protocol).
package cors

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/polygate/polygate/sdk"
)

//go:embed schema.json
var schema []byte

//go:embed metadata_schema.json
var metadataSchema []byte

// New makes the plugin.
func New() sdk.Plugin { return plugin{} }

type plugin struct{}

// Info implements [sdk.Plugin].
func (plugin) Info() sdk.Info {
	return sdk.Info{Name: "cors", Version: "0.1", Priority: 4000, Schema: schema, MetadataSchema: metadataSchema}
}

type config struct {
	AllowOrigins           string   `json:"allow_origins"`
	AllowMethods           string   `json:"allow_methods"`
	AllowHeaders           string   `json:"allow_headers"`
	ExposeHeaders          string   `json:"expose_headers"`
	MaxAge                 int64    `json:"max_age"`
	AllowCredential        bool     `json:"allow_credential"`
	AllowOriginsByRegex    []string `json:"allow_origins_by_regex"`
	AllowOriginsByMetadata []string `json:"allow_origins_by_metadata"`
	TimingOrigins          string   `json:"timing_allow_origins"`
	TimingOriginsByRegex   []string `json:"timing_allow_origins_by_regex"`
}

type metadata struct {
	AllowOrigins map[string]string `json:"allow_origins"`
}

// Configure implements [sdk.Plugin].
func (plugin) Configure(ctx context.Context, raw json.RawMessage) (sdk.Hooks, error) {
	var conf config
	if err := json.Unmarshal(raw, &conf); err != nil {
		return sdk.Hooks{}, fmt.Errorf("decode configuration: %w", err)
	}
	if conf.AllowCredential && conf.hasWildcard() {
		return sdk.Hooks{}, errors.New("you can not set '*' for other option when 'allow_credential' is true")
	}
	p, err := newPolicy(conf)
	if err != nil {
		return sdk.Hooks{}, err
	}
	if p.metadata, err = originsByKey(sdk.ScopeOf(ctx).Metadata, conf.AllowOriginsByMetadata); err != nil {
		return sdk.Hooks{}, err
	}
	return sdk.Hooks{Rewrite: p.rewrite, HeaderFilter: p.headerFilter}, nil
}

func (c config) hasWildcard() bool {
	return c.AllowOrigins == "*" || c.AllowMethods == "*" || c.AllowHeaders == "*" ||
		c.ExposeHeaders == "*" || c.TimingOrigins == "*"
}

func newPolicy(conf config) (*policy, error) {
	p := &policy{
		any:          conf.AllowOrigins == "*",
		byMetadata:   conf.AllowOriginsByMetadata != nil,
		origins:      parseOrigins(conf.AllowOrigins),
		askedHeaders: conf.AllowHeaders == "**",
		before:       []field{{"Access-Control-Allow-Methods", conf.AllowMethods}},
	}
	if conf.AllowMethods == "**" {
		p.before[0].value = "GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE"
	}
	p.before = append(p.before, field{"Access-Control-Max-Age", strconv.FormatInt(conf.MaxAge, 10)})
	if conf.ExposeHeaders != "" {
		p.before = append(p.before, field{"Access-Control-Expose-Headers", conf.ExposeHeaders})
	}
	if !p.askedHeaders {
		p.before = append(p.before, field{allowHeaders, conf.AllowHeaders})
	}
	if conf.AllowCredential {
		p.before = append(p.before, field{"Access-Control-Allow-Credentials", "true"})
	}
	if conf.TimingOrigins != "" {
		p.timing = parseOrigins(conf.TimingOrigins)
	}
	var err error
	if conf.AllowOriginsByRegex != nil {
		if p.origins, err = compileOrigins("allow_origins_by_regex", conf.AllowOriginsByRegex); err != nil {
			return nil, err
		}
	}
	if conf.TimingOriginsByRegex != nil {
		if p.timing, err = compileOrigins("timing_allow_origins_by_regex", conf.TimingOriginsByRegex); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// originsByKey takes the lists of those keys out of the plugin's metadata. A key that is not there names no origin.
func originsByKey(raw json.RawMessage, keys []string) ([]origins, error) {
	if raw == nil || keys == nil {
		return nil, nil
	}
	var m metadata
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("decode metadata: %w", err)
	}
	var lists []origins
	for _, key := range keys {
		if list, ok := m.AllowOrigins[key]; ok {
			lists = append(lists, parseOrigins(list))
		}
	}
	return lists, nil
}
